package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lintel/app/problem"
	"lintel/app/secret"
)

func TestControlSocketIsClosedToOthers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	runServe(t, dir)
	info, err := os.Stat(filepath.Join(dir, controlSocket))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// Whoever gets at the socket in spite of its rights is still asked who he is.
func TestControlRefusesOtherAccounts(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, who alone can start a process as somebody else")
	}
	dir := filepath.Join(t.TempDir(), "data")
	runServe(t, dir)
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, controlSocket), 0o666); err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[uint32]bool{0: true, 65534: false} {
		cmd := child(t, dir, "healthcheck")
		cmd.Path = "/proc/self/exe" // whose folder only root may enter
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, err := cmd.CombinedOutput()
		if want != (err == nil) || want != strings.Contains(string(out), "healthy") {
			t.Errorf("account %d: %v %s", uid, err, out)
		}
		if !want && !strings.Contains(string(out), "ask the running server") {
			t.Errorf("account %d was stopped by something else: %s", uid, out)
		}
	}
}

func TestPeerUID(t *testing.T) {
	t.Parallel()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		if conn, err := net.Dial("unix", ln.Addr().String()); err == nil {
			defer conn.Close()
			_, _ = conn.Read(make([]byte, 1))
		}
	}()
	conn, err := ln.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if uid, err := peerUID(conn); err != nil || uid != os.Geteuid() {
		t.Errorf("uid %d, %v", uid, err)
	}
}

func TestControlSpeaksToAnOlderServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	control, err := newControl(folder, fakeOperations(dir), quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- control.Run(ctx) }()
	ops, hangUp, err := dialControl(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp()
	if h, err := ops.Health(ctx, Nothing{}); err != nil || h.PID != os.Getpid() {
		t.Errorf("%+v %v", h, err)
	}
	name, finish, err := socketName(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer finish()
	conn, err := net.Dial("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, test := range []struct{ request, want string }{
		{"POST /new-command HTTP/1.1\r\nHost: c\r\nContent-Length: 2\r\n\r\n{}", "404"},
		{"GET /health HTTP/1.1\r\nHost: c\r\n\r\n", "405"},
		{"POST /user/add HTTP/1.1\r\nHost: c\r\nContent-Length: 7\r\n\r\nno JSON", "400"},
	} {
		if _, err := io.WriteString(conn, test.request); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 2048)
		n, err := conn.Read(buf)
		if err != nil || !strings.HasPrefix(string(buf[:n]), "HTTP/1.1 "+test.want) {
			t.Errorf("%q: %q %v", test.request, buf[:n], err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSentSecret(t *testing.T) {
	t.Parallel()
	u := NewUser{Login: "anna", Password: SentSecret{secret.New("open sesame")}}
	if out := fmt.Sprintf("%v %+v %#v", u, u, u); strings.Contains(out, "sesame") {
		t.Errorf("printed: %s", out)
	}
	var got Credentials
	ask := func(c Credentials) Operations {
		return Operations{ResetPassword: func(context.Context, PasswordReset) (Credentials, error) { return c, nil }}
	}
	dir := t.TempDir()
	folder, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	control, err := newControl(folder, ask(Credentials{Login: "anna", Password: u.Password}), quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- control.Run(ctx) }()
	ops, hangUp, err := dialControl(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err = ops.ResetPassword(ctx, PasswordReset{})
	hangUp()
	if err != nil || got.Password.Reveal() != "open sesame" {
		t.Errorf("over the socket: %q %v", got.Password.Reveal(), err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("add account: %w", problem.New(problem.Conflict, "setup.done_already").Because(errors.New("row 7")))
	got := explain(err)
	if strings.Contains(got, "setup.done_already") || !strings.HasSuffix(got, "(row 7)") {
		t.Errorf("explain: %s", got)
	}
	if got := explain(errors.New("plain")); got != "plain" {
		t.Errorf("explain: %s", got)
	}
}
