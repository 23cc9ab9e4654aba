package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
)

// fakeOperations answer without a store. What they are asked they write into the answers.
func fakeOperations(dir string) Operations {
	return Operations{
		Health: func(context.Context, Nothing) (Health, error) {
			h := Health{Version: "1.2.3", PID: os.Getpid(), PortalURL: "http://portal", DeviceURL: "http://devices"}
			if _, err := os.Stat(filepath.Join(dir, "sick")); err == nil {
				h.Faults = []string{"The database does not answer."}
			}
			return h, nil
		},
		SetupLink: func(context.Context, Nothing) (SetupLink, error) {
			return SetupLink{URL: "http://portal/setup/abc"}, nil
		},
		AddUser: func(_ context.Context, u NewUser) (Credentials, error) {
			if u.Login == "anna" {
				return Credentials{}, problem.New(problem.Conflict, "setup.done_already")
			}
			c := Credentials{Login: u.Login, URL: "http://portal"}
			if u.Password.IsZero() {
				c.Password = SentSecret{secret.New("made-up")}
			} else if u.Password.Reveal() != "from stdin" {
				return c, fmt.Errorf("got the password %q", u.Password.Reveal())
			}
			return c, nil
		},
		ResetPassword: func(_ context.Context, r PasswordReset) (Credentials, error) {
			return Credentials{Login: r.Login, Password: SentSecret{secret.New("made-up")}}, nil
		},
		ListUsers: func(context.Context, Nothing) ([]UserLine, error) {
			return []UserLine{{Login: "anna", Name: "Anna Muster", Roles: []string{"administrator"}, Active: true}, {Login: "ben"}}, nil
		},
		Doctor: func(_ context.Context, r DoctorRequest) ([]Finding, error) {
			found := []Finding{{Level: LevelOK, Check: "database", Text: "It is sound."}}
			if r.Systems {
				found = append(found, Finding{Level: LevelFail, Check: "booking system", Cure: "Renew its password.", Text: "It refuses the sign-in."})
			}
			return found, nil
		},
		Backup: func(_ context.Context, w io.Writer) (BackupResult, error) {
			if _, err := os.Stat(filepath.Join(dir, "sick")); err == nil {
				_, _ = w.Write([]byte("half of"))
				return BackupResult{}, errors.New("the disk is full\nreally")
			}
			_, err := io.Copy(w, io.LimitReader(zeros{}, 3<<20))
			return BackupResult{CreatedAt: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), Schema: 7}, err
		},
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// fakeWiring opens nothing: a file in the folder shows that it was there.
func fakeWiring() wiring {
	touch := func(start Start) error {
		return os.WriteFile(start.Folder.Path(store.MainFile), []byte("data"), 0o600)
	}
	return wiring{
		now: time.Now,
		serve: func(ctx context.Context, start Start) error {
			if err := touch(start); err != nil {
				return err
			}
			control, err := newControl(start.Folder, fakeOperations(start.Config.DataDir), start.Log)
			if err != nil {
				return err
			}
			group := newGroup(start.Log, 10*time.Second)
			group.Go(ctx, "control", control.Run)
			fmt.Fprintln(start.Out, "ready")
			return group.Wait(ctx)
		},
		demo: func(_ context.Context, start DemoStart) error {
			_, err := fmt.Fprintf(start.Out, "demo on %s and %s in %q\n", start.Config.Listen, start.Config.DeviceListen, start.Config.DataDir)
			return err
		},
		open: func(_ context.Context, start Start) (Operations, func() error, error) {
			if _, err := secret.DecodeKey(start.Key.Reveal()); err != nil {
				return Operations{}, nil, err
			}
			return fakeOperations(start.Config.DataDir), func() error { return nil }, touch(start)
		},
		restore: func(_ context.Context, start Start, in io.Reader) (BackupResult, error) {
			if !start.Key.IsZero() {
				return BackupResult{}, errors.New("a restore makes no key of its own")
			}
			content, err := io.ReadAll(in)
			if err != nil {
				return BackupResult{}, err
			}
			return BackupResult{}, os.WriteFile(start.Folder.Path(store.MainFile), content, 0o600)
		},
	}
}

// cli runs a command line on the fake wiring.
func cli(t *testing.T, dir, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	p := &program{
		wiring: fakeWiring(), env: map[string]string{
			"LINTEL_DATA_DIR": dir, "HOME": filepath.Dir(dir), "LINTEL_LISTEN": "127.0.0.1:0", "LINTEL_DEVICE_LISTEN": "127.0.0.1:0",
		},
		stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs,
	}
	code = p.run(t.Context(), append([]string{"lintel"}, args...))
	return code, out.String(), errs.String()
}

// runServe runs `serve` on dir until the test ends, or stop is called, which returns its exit code.
func runServe(t *testing.T, dir string) (stop func() int) {
	t.Helper()
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{
		wiring: fakeWiring(), env: map[string]string{"LINTEL_DATA_DIR": dir},
		stdin: strings.NewReader(""), stdout: writer, stderr: io.Discard,
	}
	done := make(chan int, 1)
	go func() { done <- p.run(ctx, []string{"lintel", "serve"}); writer.Close() }()
	line := make([]byte, 16)
	if _, err := reader.Read(line); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() int {
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if !stopped {
			stop()
		}
	})
	return stop
}

func TestCommands(t *testing.T) {
	t.Parallel()
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("running=%v", running), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			if running {
				runServe(t, dir)
			} else if code, _, stderr := cli(t, dir, "", "user", "list"); code != exitFailed || !strings.Contains(stderr, "there is no data folder") {
				t.Errorf("without a folder: %d %s", code, stderr)
			}
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "backup")
			for _, test := range []struct {
				args, stdin string
				code        int
				want        string // in both outputs together
			}{
				{"setup", "", exitOK, "http://portal/setup/abc"},
				{"user add ben --role auditor", "", exitOK, "Password, shown this once: made-up"},
				{"user add ben --password-stdin", "from stdin\n", exitOK, "Added ben as user."},
				{"user add ben --password-stdin", "\n", exitFailed, "there is no password on standard input"},
				{"user add anna", "", exitFailed, "lintel: "},
				{"user add", "", exitUsage, "accepts 1 arg"},
				{"user add ben --role king", "", exitUsage, "choose one of administrator, "},
				{"user reset-password ben", "", exitOK, "ben has a new password"},
				{"user list", "", exitOK, "anna   Anna Muster  administrator  active  never"},
				{"user", "", exitOK, "reset-password"},
				{"user remove", "", exitUsage, "unknown command"},
				{"backup create " + file, "", exitOK, "Saved 3.1 MB of 2026-11-2"},
				{"backup create " + file, "", exitFailed, "add --replace"},
				{"backup create --replace " + file, "", exitOK, "Saved 3.1 MB"},
				{"backup create /does/not/exist/x", "", exitFailed, "no such file or directory"},
				{"doctor", "", exitOK, "ok      database: It is sound."},
				{"doctor --systems", "", exitFailed, "FAILURE booking system: It refuses the sign-in.\n        > Renew its password."},
				{"config print", "", exitOK, "# LINTEL_DATA_DIR"},
				{"config print --default", "", exitOK, "#listen = \"127.0.0.1:8080\""},
				{"config check", "", exitOK, "The configuration can be used."},
				{"config check --config /does/not/exist", "", exitConfig, "can't be used"},
				{"version", "", exitOK, "lintel dev"},
				{"completion bash", "", exitOK, "bash completion"},
				{"nonsense", "", exitUsage, "unknown command \"nonsense\""},
				{"--nonsense", "", exitUsage, "unknown flag"},
				{"", "", exitOK, "Available Commands"},
				{"demo --listen 127.0.0.1:0", "", exitOK, `demo on 127.0.0.1:0 and 127.0.0.1:8081 in ""`},
			} {
				code, stdout, stderr := cli(t, dir, test.stdin, strings.Fields(test.args)...)
				if code != test.code || !strings.Contains(stdout+stderr, test.want) {
					t.Errorf("%s: exit code %d, want %d\n%s%s", test.args, code, test.code, stdout, stderr)
				}
			}
			if info, err := os.Stat(file); err != nil || info.Size() != 3<<20 || info.Mode().Perm() != 0o600 {
				t.Errorf("backup: %v %v", info, err)
			}
			for _, name := range leftovers(t, filepath.Dir(file)) {
				if name != "backup" {
					t.Errorf("a backup left %s", name)
				}
			}
		})
	}
}

func leftovers(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestBackupThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, running := range []bool{true, false} {
		dir, target := filepath.Join(t.TempDir(), "data"), t.TempDir()
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if running {
			runServe(t, dir)
		}
		if err := os.WriteFile(filepath.Join(dir, "sick"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := cli(t, dir, "", "backup", "create", filepath.Join(target, "b"))
		if code != exitFailed || !strings.Contains(stderr, "the disk is full") {
			t.Errorf("running=%v: %d %s", running, code, stderr)
		}
		if left := leftovers(t, target); left != nil {
			t.Errorf("running=%v: left %v", running, left)
		}
	}
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if code, _, stderr := cli(t, dir, "", "healthcheck"); code != exitFailed || !strings.Contains(stderr, "no server is running") {
		t.Errorf("without a folder: %d %s", code, stderr)
	}
	stop := runServe(t, dir)
	if code, stdout, _ := cli(t, dir, "", "healthcheck"); code != exitOK || stdout != "healthy\n" {
		t.Errorf("healthy: %d %s", code, stdout)
	}
	if err := os.WriteFile(filepath.Join(dir, "sick"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := cli(t, dir, "", "healthcheck"); code != exitFailed || stderr != "The database does not answer.\n" {
		t.Errorf("sick: %d %s", code, stderr)
	}
	if code := stop(); code != exitOK {
		t.Errorf("serve ended with %d", code)
	}
	if code, _, stderr := cli(t, dir, "", "healthcheck"); code != exitFailed || !strings.Contains(stderr, "no server is running") {
		t.Errorf("stopped: %d %s", code, stderr)
	}
}

func TestServeTwice(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	stop := runServe(t, dir)
	code, _, stderr := cli(t, dir, "", "serve")
	if want := fmt.Sprintf("is held by process %d; stop it first", os.Getpid()); code != exitFailed || !strings.Contains(stderr, want) {
		t.Errorf("second serve: %d %s", code, stderr)
	}
	if code, _, stderr := cli(t, dir, "", "backup", "restore", os.DevNull); code != exitFailed || !strings.Contains(stderr, "stop it first") {
		t.Errorf("restore beside a server: %d %s", code, stderr)
	}
	if code := stop(); code != exitOK {
		t.Errorf("serve ended with %d", code)
	}
	// The same folder can be served again, by path names of any length.
	runServe(t, dir)
	runServe(t, filepath.Join(t.TempDir(), strings.Repeat("long/", 30), "data"))
}

func TestLongFolderIsReached(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30), "data")
	runServe(t, dir)
	if code, stdout, stderr := cli(t, dir, "", "healthcheck"); code != exitOK {
		t.Errorf("%d %s%s", code, stdout, stderr)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	file := writeFile(t, "backup", "what was saved")
	if code, stdout, stderr := cli(t, dir, "", "backup", "restore", file); code != exitOK || !strings.Contains(stdout, "Restored the backup") {
		t.Fatalf("%d %s%s", code, stdout, stderr)
	}
	content, err := os.ReadFile(filepath.Join(dir, store.MainFile))
	if err != nil || string(content) != "what was saved" {
		t.Errorf("%q %v", content, err)
	}
	if code, _, stderr := cli(t, dir, "x", "backup", "restore", "-"); code != exitFailed || !strings.Contains(stderr, "holds data; move the folder away") {
		t.Errorf("over data: %d %s", code, stderr)
	}
	// The restored data was sealed with a key that is not there: none is made up.
	if code, _, stderr := cli(t, dir, "", "user", "list"); code != exitFailed || !strings.Contains(stderr, "master.key is missing") {
		t.Errorf("without the key: %d %s", code, stderr)
	}
}

func TestMasterKey(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	runServe(t, dir)()
	path := filepath.Join(dir, "keys", "master.key")
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := secret.DecodeKey(string(first)); err != nil {
		t.Error(err)
	}
	for _, p := range []string{path, filepath.Dir(path)} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v %v", p, info.Mode(), err)
		}
	}
	runServe(t, dir)()
	if second, err := os.ReadFile(path); err != nil || string(second) != string(first) {
		t.Errorf("the key changed: %v", err)
	}
	if code, _, stderr := cli(t, dir, "", "doctor"); code != exitOK || strings.Contains(stderr, "FAILURE") {
		t.Errorf("doctor: %d %s", code, stderr)
	}
	if err := os.WriteFile(path, []byte("too short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := cli(t, dir, "", "user", "list"); code != exitFailed || !strings.Contains(stderr, "read master key") {
		t.Errorf("with a broken key: %d %s", code, stderr)
	}
	if code, stdout, _ := cli(t, dir, "", "doctor"); code != exitFailed || !strings.Contains(stdout, "FAILURE master key") {
		t.Errorf("doctor with a broken key: %d %s", code, stdout)
	}
}

// childRun is the environment variable by which a test runs this test program as a child that
// is Lintel on the fake wiring.
const childRun = "TEST_CHILD_ARGS"

// TestChild is no test: it is what child starts.
func TestChild(t *testing.T) {
	args, isChild := os.LookupEnv(childRun)
	if !isChild {
		return
	}
	p := &program{
		wiring: fakeWiring(), env: environ(os.Environ()),
		stdin: strings.NewReader(""), stdout: os.Stdout, stderr: os.Stderr,
	}
	os.Exit(p.runUntilSignal(t.Context(), append([]string{"lintel"}, strings.Split(args, "\n")...)))
}

// child prepares a process of its own.
func child(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = []string{childRun + "=" + strings.Join(args, "\n"), "LINTEL_DATA_DIR=" + dir, "HOME=/"}
	return cmd
}

// A killed server leaves its lock file, its socket and its half-written files; the next start
// minds none of them, and commands don't take it for running.
func TestKilledServerHeals(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	cmd := child(t, dir, "serve")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := cli(t, dir, "", "serve"); code != exitFailed || !strings.Contains(stderr, fmt.Sprintf("process %d;", cmd.Process.Pid)) {
		t.Errorf("beside a running server: %d %s", code, stderr)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if _, err := os.Lstat(filepath.Join(dir, controlSocket)); err != nil {
		t.Fatalf("the killed server should leave its socket: %v", err)
	}
	if code, _, stderr := cli(t, dir, "", "user", "list"); code != exitOK {
		t.Errorf("command after a kill: %d %s", code, stderr)
	}
	if code := runServe(t, dir)(); code != exitOK {
		t.Errorf("server after a kill: %d", code)
	}
}

func TestServeEndsOnSIGTERM(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	cmd := child(t, dir, "serve")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, controlSocket)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket stays: %v", err)
	}
}

// Root's commands leave nothing of root's in the service's folder, and write the backup as root.
func TestRootActsAsTheFoldersOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, who alone can act as somebody else")
	}
	const nobody = 65534
	base := t.TempDir()
	for dir := base; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"user", "list"}, {"backup", "create", filepath.Join(base, "roots", "file")}, {"serve"}} {
		t.Run(args[0], func(t *testing.T) {
			dir := filepath.Join(base, args[0])
			for path, owner := range map[string]int{dir: nobody, filepath.Join(base, "roots"): 0} {
				if err := errors.Join(os.MkdirAll(path, 0o700), os.Chown(path, owner, owner)); err != nil {
					t.Fatal(err)
				}
			}
			cmd := child(t, dir, args...)
			if args[0] == "serve" {
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if _, err := out.Read(make([]byte, 16)); err != nil {
					t.Fatal(err)
				}
				status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
				if err != nil || !strings.Contains(string(status), "Uid:\t65534\t65534\t65534\t65534") {
					t.Errorf("the server did not give up root: %v", err)
				}
				// Root may talk to it all the same.
				if code, stdout, stderr := cli(t, dir, "", "healthcheck"); code != exitOK {
					t.Errorf("%s%s", stdout, stderr)
				}
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait() // killed
			} else if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			seen := 0
			err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := entry.Info()
				if err != nil {
					return err
				}
				seen++
				if uid, gid, err := ownerOf(info); err != nil || uid != nobody || gid != nobody {
					t.Errorf("%s belongs to %d:%d, %v", path, uid, gid, err)
				}
				return nil
			})
			if err != nil || seen < 4 {
				t.Errorf("%d files, %v", seen, err)
			}
			if args[0] == "backup" {
				info, err := os.Stat(args[2])
				if err != nil {
					t.Fatal(err)
				}
				if uid, _, err := ownerOf(info); err != nil || uid != 0 {
					t.Errorf("the backup belongs to %d, %v", uid, err)
				}
			}
		})
	}
}

func TestForeignFolderIsRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, who alone can give a folder away")
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chown(dir, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	if _, err := openFolder(dir); err == nil || !strings.Contains(err.Error(), "belongs to account 65534, but this process runs as 0") {
		t.Errorf("err = %v", err)
	}
}

func TestFolderIsClosedToOthers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	folder, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	for path, want := range map[string]fs.FileMode{dir: 0o700, folder.Path(lockFile): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if _, err := openFolder(filepath.Join(dir, lockFile)); err == nil {
		t.Error("a file was taken for a folder")
	}
}

func TestManualPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code, _, stderr := cli(t, dir, "", "man", "--date", "2026-11-21", filepath.Join(dir, "man")); code != exitOK {
		t.Fatal(stderr)
	}
	for name, want := range map[string]string{
		"lintel.1": "lintel-serve(1)", "lintel-user-add.1": "password-stdin", "lintel.toml.5": ".B tls.portal.mode", "lintel-completion-bash.1": "bash",
	} {
		content, err := os.ReadFile(filepath.Join(dir, "man", name))
		if err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%s: no %s, %v", name, want, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "man", "lintel-man.1")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the hidden command has a page")
	}
}
