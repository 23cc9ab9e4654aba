package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"lintel/app/problem"
	"lintel/templates/text"
)

const (
	controlSocket   = "control.sock"
	maxControlBytes = 1 << 20
	controlWait     = 3 * time.Second // how long a starting server may take until it listens
	controlPoll     = 100 * time.Millisecond

	trailerResult = "Lintel-Result"
	trailerError  = "Lintel-Error"
)

// errNoServer says that nobody answers on the control socket.
var errNoServer = errors.New("no server is running on this data folder")

// Control is the socket in the data folder by which other commands talk to the running server:
// JSON over HTTP, for root and the folder's owner alone.
type Control struct {
	ln   net.Listener
	srv  *http.Server
	path string
}

// newControl opens the socket. The folder's lock is held, so a socket that lies there is a dead one.
func newControl(folder *Folder, ops Operations, log *slog.Logger) (*Control, error) {
	name, done, err := socketName(folder.path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	defer done()
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the old control socket: %w", err)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	ln.SetUnlinkOnClose(false) // the name may be one below /proc that is closed by then; Run removes the socket
	if err := os.Chmod(name, 0o600); err != nil {
		ln.Close()
		return nil, fmt.Errorf("close the control socket to others: %w", err)
	}
	c := &Control{
		path: folder.Path(controlSocket),
		ln:   peerListener{ln, os.Geteuid()},
		srv: &http.Server{
			Handler:           controlMux(ops),
			ReadHeaderTimeout: 5 * time.Second,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		},
	}
	return c, nil
}

// Run answers until ctx ends, then waits for what is under way, a backup for example.
func (c *Control) Run(ctx context.Context) error {
	defer os.Remove(c.path) // the folder is locked until after this
	return serveUntil(ctx, c.srv, c.ln, 10*time.Second)
}

// peerListener hangs up on everybody but root and one account.
type peerListener struct {
	*net.UnixListener
	owner int
}

func (l peerListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := peerUID(conn)
		if err == nil && (uid == 0 || uid == l.owner) {
			return conn, nil
		}
		conn.Close()
	}
}

// socketName returns the socket's path. A path that is too long for a socket address (108 bytes on
// Linux) is reached through the open folder; done closes that.
func socketName(folder string) (name string, done func(), err error) {
	name = filepath.Join(folder, controlSocket)
	if len(name) < 100 {
		return name, func() {}, nil
	}
	dir, err := os.Open(folder)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), controlSocket), func() { dir.Close() }, nil
}

func controlMux(ops Operations) *http.ServeMux {
	mux := http.NewServeMux()
	answer(mux, pathHealth, ops.Health)
	answer(mux, pathSetupLink, ops.SetupLink)
	answer(mux, pathAddUser, ops.AddUser)
	answer(mux, pathResetPassword, ops.ResetPassword)
	answer(mux, pathListUsers, ops.ListUsers)
	answer(mux, pathDoctor, ops.Doctor)
	answer(mux, pathListSystems, ops.ListSystems)
	answer(mux, pathCheckSystem, ops.CheckSystem)
	mux.HandleFunc("POST "+pathBackup, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", trailerResult+", "+trailerError)
		w.Header().Set("Content-Type", "application/octet-stream")
		result, err := ops.Backup(r.Context(), w)
		if err != nil {
			w.Header().Set(trailerError, oneLine(explain(err)))
			return
		}
		line, err := json.Marshal(result)
		if err != nil {
			w.Header().Set(trailerError, oneLine(err.Error()))
			return
		}
		w.Header().Set(trailerResult, string(line))
	})
	return mux
}

const (
	pathHealth        = "/health"
	pathSetupLink     = "/setup-link"
	pathAddUser       = "/user/add"
	pathResetPassword = "/user/reset-password"
	pathListUsers     = "/user/list"
	pathDoctor        = "/doctor"
	pathListSystems   = "/systems"
	pathCheckSystem   = "/systems/check"
	pathBackup        = "/backup"
)

// answer serves one operation.
func answer[Req, Resp any](mux *http.ServeMux, path string, op func(context.Context, Req) (Resp, error)) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var req Req
		if err := json.NewDecoder(io.LimitReader(r.Body, maxControlBytes)).Decode(&req); err != nil {
			reply(w, http.StatusBadRequest, controlFault{Message: "this command and the running server are of different versions"})
			return
		}
		resp, err := op(r.Context(), req)
		if err != nil {
			reply(w, http.StatusUnprocessableEntity, controlFault{Message: explain(err)})
			return
		}
		reply(w, http.StatusOK, resp)
	})
}

type controlFault struct {
	Message string `json:"message"`
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the command is gone when this fails
}

// dialControl returns the running server's operations and what closes the connection. Without a
// server the error is errNoServer.
func dialControl(ctx context.Context, folder string) (Operations, func(), error) {
	name, done, err := socketName(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return Operations{}, nil, errNoServer
	}
	if err != nil {
		return Operations{}, nil, fmt.Errorf("reach the running server: %w", err)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", name)
	}
	probe, err := dial(ctx, "", "")
	if err != nil {
		done()
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOTDIR):
			return Operations{}, nil, errNoServer
		case errors.Is(err, fs.ErrPermission):
			return Operations{}, nil, fmt.Errorf("reach the running server: this account may not open %s; run the command as root or as the service's account", folder)
		}
		return Operations{}, nil, fmt.Errorf("reach the running server: %w", err)
	}
	probe.Close()
	transport := &http.Transport{DialContext: dial, DisableCompression: true}
	c := &http.Client{Transport: transport}
	ops := Operations{
		Health:        ask[Nothing, Health](c, pathHealth),
		SetupLink:     ask[Nothing, SetupLink](c, pathSetupLink),
		AddUser:       ask[NewUser, Credentials](c, pathAddUser),
		ResetPassword: ask[PasswordReset, Credentials](c, pathResetPassword),
		ListUsers:     ask[Nothing, []UserLine](c, pathListUsers),
		Doctor:        ask[DoctorRequest, []Finding](c, pathDoctor),
		ListSystems:   ask[Nothing, []SystemLine](c, pathListSystems),
		CheckSystem:   ask[SystemCheck, SystemReport](c, pathCheckSystem),
		Backup:        func(ctx context.Context, w io.Writer) (BackupResult, error) { return askBackup(ctx, c, w) },
	}
	return ops, func() { transport.CloseIdleConnections(); done() }, nil
}

// ask returns an operation that the running server carries out.
func ask[Req, Resp any](c *http.Client, path string) func(context.Context, Req) (Resp, error) {
	return func(ctx context.Context, req Req) (Resp, error) {
		var out Resp
		resp, err := postControl(ctx, c, path, req)
		if err != nil {
			return out, err
		}
		defer resp.Body.Close()
		body := io.LimitReader(resp.Body, 64*maxControlBytes)
		if resp.StatusCode != http.StatusOK {
			var fault controlFault
			if err := json.NewDecoder(body).Decode(&fault); err != nil || fault.Message == "" {
				return out, fmt.Errorf("the running server does not know this command (%s); it is another version", resp.Status)
			}
			return out, errors.New(fault.Message)
		}
		if err := json.NewDecoder(body).Decode(&out); err != nil {
			return out, fmt.Errorf("read the server's answer: %w", err)
		}
		return out, nil
	}
}

func postControl(ctx context.Context, c *http.Client, path string, v any) (*http.Response, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the running server: %w", err)
	}
	return resp, nil
}

func askBackup(ctx context.Context, c *http.Client, w io.Writer) (BackupResult, error) {
	var out BackupResult
	resp, err := postControl(ctx, c, pathBackup, Nothing{})
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return out, fmt.Errorf("the running server can't make a backup (%s); it is another version", resp.Status)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return out, fmt.Errorf("receive the backup: %w", err)
	}
	if message := resp.Trailer.Get(trailerError); message != "" {
		return out, errors.New(message)
	}
	if err := json.Unmarshal([]byte(resp.Trailer.Get(trailerResult)), &out); err != nil {
		return out, errors.New("receive the backup: it broke off before its end")
	}
	return out, nil
}

// explain returns an error in words for the person at the terminal.
func explain(err error) string {
	p := problem.Of(err)
	if p == nil {
		return err.Error()
	}
	args := make([]any, 0, 2*len(p.Args))
	for name, value := range p.Args {
		args = append(args, name, value)
	}
	message := text.For(text.English).T(p.Key, args...)
	if p.Err != nil {
		message += " (" + p.Err.Error() + ")"
	}
	return message
}
