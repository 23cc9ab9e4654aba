// Package app is the program: its commands, its configuration, its listeners and jobs, and in
// serve.go the wiring of everything else. Read serve.go first.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lintel/app/secret"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the command could not do its work, or found something wrong
	exitUsage  = 2 // the command line can't be used

	// The configuration can't be used (EX_CONFIG of sysexits.h). It is not 2, the code of a Go program that
	// panicked: a service manager starts a server that crashed again, but not one whose configuration is wrong.
	exitConfig = 78
)

// wiring is what the commands need of the rest of the program. serve.go makes it; a test gives
// its own.
type wiring struct {
	now func() time.Time

	// serve and demo run until ctx ends and return nil after an orderly stop.
	serve func(ctx context.Context, start Start) error
	demo  func(ctx context.Context, start DemoStart) error

	// open opens the databases of a folder on which no server runs. The func closes them.
	open func(ctx context.Context, start Start) (Operations, func() error, error)

	// restore puts the backup that it reads from in into a locked folder without a database.
	restore func(ctx context.Context, start Start, in io.Reader) (BackupResult, error)
}

// Start is what the program starts with.
type Start struct {
	Config Config
	Folder *Folder     // locked; the caller closes it
	Key    secret.Text // the master key, for secret.DecodeKey; empty for restore, where a folder has none yet
	Log    *slog.Logger
	Out    io.Writer // standard output, for what a person is told
	Now    func() time.Time
	Notify *Notifier
	Hangup <-chan os.Signal // SIGHUP: read certificate files again; nil but for serve
	Build  Build
}

// DemoStart is what `demo` starts with. The configuration is the default one; DataDir is empty.
type DemoStart struct {
	Config Config
	Log    *slog.Logger
	Out    io.Writer
	Now    func() time.Time
	Build  Build
}

// program is one run of the command line.
type program struct {
	wiring     wiring
	env        map[string]string
	stdin      io.Reader
	stdout     io.Writer
	stderr     io.Writer
	systemFile string // the configuration file of the package; a test has none

	configFile string // --config
	dataDir    string // --data-dir
}

// Main runs the command line args, of which the first is the program's own name, and returns the
// exit code. env holds lines of KEY=value. SIGINT and SIGTERM end a command in order; a second
// one ends it at once.
func Main(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{
		wiring: newWiring(),
		env:    environ(env),
		stdin:  stdin, stdout: stdout, stderr: stderr,
		systemFile: systemConfigFile,
	}
	return p.runUntilSignal(ctx, args)
}

func (p *program) runUntilSignal(ctx context.Context, args []string) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal has its usual effect
	return p.run(ctx, args)
}

// errQuiet ends a command with exit code 1 after it has said everything itself.
var errQuiet = errors.New("failed")

// usageError is a command line that can't be understood.
type usageError struct{ error }

func (p *program) run(ctx context.Context, args []string) int {
	root := p.rootCommand()
	root.SetArgs(args[min(1, len(args)):])
	err := root.ExecuteContext(ctx)
	var usage usageError
	var config *ConfigError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errQuiet):
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintf(p.stderr, "lintel: %v\nRun 'lintel help' for what there is.\n", err)
		return exitUsage
	case errors.As(err, &config):
		fmt.Fprintf(p.stderr, "lintel: %v\n", err)
		return exitConfig
	}
	fmt.Fprintf(p.stderr, "lintel: %s\n", explain(err))
	return exitFailed
}

// rootCommand is the table of all commands.
func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "lintel",
		Short: "Meeting rooms on your own server",
		Long: "Lintel reads the agendas of the booking system that a company already has, draws the picture that each door\n" +
			"display shows, and lets people book rooms: one program, on your own server.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().StringVar(&p.configFile, "config", "", "configuration `file` (else $LINTEL_CONFIG, /etc/lintel/lintel.toml, ~/.config/lintel/lintel.toml)")
	root.PersistentFlags().StringVar(&p.dataDir, "data-dir", "", "data `folder`, instead of the configured one")
	root.AddCommand(
		p.serveCommand(),
		p.demoCommand(),
		p.setupCommand(),
		p.userCommand(),
		p.configCommand(),
		p.doctorCommand(),
		p.connectorCommand(),
		p.backupCommand(),
		p.healthcheckCommand(),
		p.versionCommand(),
		p.manCommand(),
	)
	strictArgs(root)
	return root
}

// strictArgs makes each mistake in arguments a usageError, and an unknown subcommand a mistake.
func strictArgs(cmd *cobra.Command) {
	args := cmd.Args
	if args == nil {
		args = cobra.NoArgs
	}
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		if err := args(cmd, given); err != nil {
			return usageError{err}
		}
		return nil
	}
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	for _, sub := range cmd.Commands() {
		strictArgs(sub)
	}
}

// load reads the configuration.
func (p *program) load() (Effective, error) {
	flags := map[string]string{}
	if p.dataDir != "" {
		flags["data_dir"] = p.dataDir
	}
	return LoadConfig(ConfigSource{File: p.configFile, SystemFile: p.systemFile, Env: p.env, Flags: flags})
}

func (p *program) say(format string, args ...any) {
	fmt.Fprintf(p.stdout, format+"\n", args...)
}

// start locks the data folder and makes ready what a Start holds. A command of root's acts as the
// folder's owner from here on; with forever for good, else until the func is called, which also
// releases the folder.
func (p *program) start(cfg Config, log *slog.Logger, forever bool) (Start, func() error, error) {
	key, err := configuredKey(cfg) // before root is given up: the file may be root's
	if err != nil {
		return Start{}, nil, err
	}
	back, err := becomeOwner(cfg.DataDir, forever)
	if err != nil {
		return Start{}, nil, err
	}
	folder, err := openFolder(cfg.DataDir)
	if err != nil {
		return Start{}, nil, errors.Join(err, back())
	}
	return Start{
		Config: cfg, Folder: folder, Key: key, Log: log, Out: p.stdout,
		Now: p.wiring.now, Notify: newNotifier(p.env), Build: readBuild(),
	}, func() error { return errors.Join(folder.Close(), back()) }, nil
}

// startWithKey is start for whoever opens the databases: with a master key, which is made at the
// first start.
func (p *program) startWithKey(cfg Config, log *slog.Logger, forever bool) (Start, func() error, error) {
	start, done, err := p.start(cfg, log, forever)
	if err != nil || !start.Key.IsZero() {
		return start, done, err
	}
	start.Key, err = folderKey(start.Folder)
	if err != nil {
		return Start{}, nil, errors.Join(err, done())
	}
	return start, done, nil
}

// withOperations runs f with the running server's operations or, with no server running, with
// those over the databases themselves.
func (p *program) withOperations(ctx context.Context, f func(context.Context, Operations) error) error {
	eff, err := p.load()
	if err != nil {
		return err
	}
	ops, done, err := p.operations(ctx, eff.Config)
	if err != nil {
		return err
	}
	return errors.Join(f(ctx, ops), done())
}

// operations waits a moment for a server that is just starting.
func (p *program) operations(ctx context.Context, cfg Config) (Operations, func() error, error) {
	if _, _, ok, err := folderOwner(cfg.DataDir); err != nil || !ok {
		if err == nil {
			err = fmt.Errorf("there is no data folder at %s yet; start `lintel serve` first, or name the right one with --config or --data-dir", cfg.DataDir)
		}
		return Operations{}, nil, err
	}
	for waited := time.Duration(0); ; waited += controlPoll {
		ops, hangUp, err := dialControl(ctx, cfg.DataDir)
		if err == nil {
			return ops, func() error { hangUp(); return nil }, nil
		}
		if !errors.Is(err, errNoServer) {
			return Operations{}, nil, err
		}
		ops, done, err := p.openDirectly(ctx, cfg)
		if !errors.Is(err, ErrFolderBusy) || waited >= controlWait {
			return ops, done, err
		}
		select {
		case <-ctx.Done():
			return Operations{}, nil, ctx.Err()
		case <-time.After(controlPoll):
		}
	}
}

func (p *program) openDirectly(ctx context.Context, cfg Config) (Operations, func() error, error) {
	start, done, err := p.startWithKey(cfg, p.commandLog(), false)
	if err != nil {
		return Operations{}, nil, err
	}
	ops, closeStore, err := p.wiring.open(ctx, start)
	if err != nil {
		return Operations{}, nil, errors.Join(err, done())
	}
	return ops, func() error { return errors.Join(closeStore(), done()) }, nil
}

// commandLog is the log of the short commands: only what went wrong.
func (p *program) commandLog() *slog.Logger {
	return newLogger(p.stderr, LogConfig{Level: slog.LevelWarn, Format: logText}, p.env)
}

func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: "Run the server until it gets SIGTERM or SIGINT. Without any configuration it makes its data folder, listens on\n" +
			"127.0.0.1 and prints a link for the first set-up. SIGHUP makes it read its certificate files again.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			eff, err := p.load()
			if err != nil {
				return err
			}
			log := newLogger(p.stderr, eff.Config.Log, p.env)
			for _, warning := range eff.Config.Warnings() {
				log.Warn("configuration", "advice", warning)
			}
			start, done, err := p.startWithKey(eff.Config, log, true)
			if err != nil {
				return err
			}
			hangup := make(chan os.Signal, 1)
			signal.Notify(hangup, syscall.SIGHUP)
			defer signal.Stop(hangup)
			start.Hangup = hangup
			return errors.Join(p.wiring.serve(cmd.Context(), start), done())
		},
	}
}

func (p *program) demoCommand() *cobra.Command {
	var listen, deviceListen string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a sample building, to look around",
		Long: "Run the server on a temporary folder with a sample building, whose displays turn over as you watch. It needs no\n" +
			"configuration, reads none, and leaves nothing behind.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			eff, err := LoadConfig(ConfigSource{Flags: map[string]string{
				"listen": listen, "device_listen": deviceListen, "data_dir": os.TempDir(), "outbound.allow_loopback": "true",
			}})
			if err != nil {
				return err
			}
			eff.Config.DataDir = ""
			return p.wiring.demo(cmd.Context(), DemoStart{
				Config: eff.Config, Log: newLogger(p.stderr, eff.Config.Log, p.env), Out: p.stdout, Now: p.wiring.now, Build: readBuild(),
			})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "`address` of the portal")
	cmd.Flags().StringVar(&deviceListen, "device-listen", "127.0.0.1:8081", "`address` for devices")
	return cmd
}
