package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lintel/store"
)

// Limits of the doctor.
const (
	diskWarn    = 2 << 30   // bytes free
	diskFail    = 256 << 20 // bytes free
	certWarn    = 14 * 24 * time.Hour
	dialTime    = 3 * time.Second
	doctorLimit = 5 * time.Minute // an integrity check reads both databases
)

func (p *program) doctorCommand() *cobra.Command {
	var req DoctorRequest
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong and say what to do",
		Long: "Look at configuration, data folder, keys, disk, clock, listeners, certificates and databases, and say in sentences\n" +
			"what is wrong and what to do. Exit code 0: nothing has failed, 1: something has.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), doctorLimit)
			defer cancel()
			failed := false
			for _, f := range p.examine(ctx, req) {
				p.sayFinding(f)
				failed = failed || f.Level == LevelFail
			}
			if failed {
				return errQuiet
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&req.Systems, "systems", false, "also connect to the booking systems")
	return cmd
}

func (p *program) sayFinding(f Finding) {
	mark := map[Level]string{LevelOK: "ok      ", LevelWarn: "warning ", LevelFail: "FAILURE "}[f.Level]
	for i, line := range wrap(f.Check+": "+f.Text, 90) {
		if i > 0 {
			mark = "        "
		}
		p.say("%s%s", mark, line)
	}
	for _, line := range wrap(f.Cure, 88) {
		p.say("        > %s", line)
	}
}

func ok(check, format string, args ...any) Finding {
	return Finding{Level: LevelOK, Check: check, Text: fmt.Sprintf(format, args...)}
}

func warn(check, cure, format string, args ...any) Finding {
	return Finding{Level: LevelWarn, Check: check, Cure: cure, Text: fmt.Sprintf(format, args...)}
}

func fail(check, cure, format string, args ...any) Finding {
	return Finding{Level: LevelFail, Check: check, Cure: cure, Text: fmt.Sprintf(format, args...)}
}

// examine makes all findings: first those that need nothing but the configuration, then what the
// running server, or else the databases themselves, say.
func (p *program) examine(ctx context.Context, req DoctorRequest) []Finding {
	eff, err := p.load()
	found := doctorConfig(eff, err)
	if err != nil {
		return found
	}
	cfg := eff.Config
	found = append(found, doctorFolder(cfg.DataDir, os.Geteuid())...)
	found = append(found, doctorKey(cfg))
	found = append(found, doctorDisk(cfg.DataDir)...)
	found = append(found, doctorClock(p.wiring.now(), clockIsSynchronised))
	if _, _, exists, err := folderOwner(cfg.DataDir); err != nil || !exists {
		return found
	}
	found = append(found, doctorServer(ctx, cfg)...)
	if _, err := os.Stat(filepath.Join(cfg.DataDir, store.MainFile)); errors.Is(err, fs.ErrNotExist) {
		return append(found, warn("database", "Start `lintel serve`, which makes it.", "There is none in %s yet.", cfg.DataDir))
	}
	ops, done, err := p.operations(ctx, cfg)
	if err != nil {
		return append(found, fail("database", "", "It can't be looked at: %s.", explain(err)))
	}
	more, err := ops.Doctor(ctx, req)
	if err := errors.Join(err, done()); err != nil {
		more = append(more, fail("database", "", "The examination broke off: %s.", explain(err)))
	}
	return append(found, more...)
}

func doctorConfig(eff Effective, err error) []Finding {
	var config *ConfigError
	if errors.As(err, &config) {
		var found []Finding
		for _, fault := range config.Faults {
			found = append(found, fail("configuration", "", "%s", fault))
		}
		return found
	}
	source := "There is no file: defaults and the environment alone."
	if eff.File != "" {
		source = "Read from " + eff.File + "."
	}
	found := []Finding{ok("configuration", "%s", source)}
	for _, fault := range eff.Config.CheckFiles() {
		found = append(found, fail("configuration", "", "%s", fault))
	}
	for _, warning := range eff.Config.Warnings() {
		text, cure, _ := strings.Cut(warning, ". ")
		found = append(found, warn("configuration", cure, "%s", strings.TrimSuffix(text, ".")+"."))
	}
	return found
}

// doctorFolder looks at the rights of the data folder and of what lies in it.
func doctorFolder(path string, me int) []Finding {
	const check = "data folder"
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{warn(check, "Start `lintel serve`, which makes it, or name the right folder with data_dir.", "%s does not exist yet.", path)}
	case err != nil:
		return []Finding{fail(check, "Run doctor as root or as the service's account.", "%s can't be opened: %v.", path, err)}
	case !info.IsDir():
		return []Finding{fail(check, "Set data_dir to a folder.", "%s is not a folder.", path)}
	}
	uid, _, err := ownerOf(info)
	if err != nil {
		return []Finding{fail(check, "", "%v.", err)}
	}
	if me != 0 && me != uid {
		return []Finding{fail(check, "Run doctor as root or as the service's account.", "%s belongs to account %d, and doctor runs as %d.", path, uid, me)}
	}
	var found []Finding
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		found = append(found, fail(check, "chmod 700 "+path, "Other accounts may open %s (its rights are %04o).", path, mode))
	}
	var foreign, open []string
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a temporary file that is gone by now
		}
		if err != nil {
			return err
		}
		if owner, _, err := ownerOf(info); err == nil && owner != uid {
			foreign = append(foreign, name)
		}
		if name != path && info.Mode().Perm()&0o007 != 0 && info.Mode()&fs.ModeSymlink == 0 {
			open = append(open, name)
		}
		return nil
	})
	if err != nil {
		found = append(found, fail(check, "", "It can't be read through: %v.", err))
	}
	if len(foreign) > 0 {
		found = append(found, fail(check, fmt.Sprintf("chown -R %d: %s", uid, path),
			"%d files do not belong to the folder's owner, the first is %s.", len(foreign), foreign[0]))
	}
	if len(open) > 0 {
		found = append(found, warn(check, "chmod -R o= "+path, "%d files have rights for everybody, the first is %s.", len(open), open[0]))
	}
	if found == nil {
		found = append(found, ok(check, "%s belongs to account %d alone.", path, uid))
	}
	return found
}

// doctorKey looks at the master key where the configuration says, else in the folder.
func doctorKey(cfg Config) Finding {
	const check = "master key"
	path := keyPath(cfg)
	_, err := readKey(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && cfg.KeyFile == "":
		if _, statErr := os.Stat(cfg.DataDir); errors.Is(statErr, fs.ErrNotExist) {
			return ok(check, "It is made at the first start.")
		}
		return warn(check, "Before the first start that is right. Otherwise put the key back, or set key_file; a service may have it as a "+
			"systemd credential, which doctor can't see.", "There is none at %s.", path)
	case err != nil:
		return fail(check, "Put the right key there; without it the stored passwords of booking systems can't be opened.", "%v.", err)
	case cfg.KeyFile == "":
		return warn(check, "Move it out of the data folder and set key_file to its new place, so that a copy of the folder is not enough to open what is sealed.",
			"It lies in the data folder, at %s.", path)
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return warn(check, "chmod 600 "+path, "It lies outside the data folder, but other accounts may read %s.", path)
	}
	return ok(check, "It lies outside the data folder, at %s.", path)
}

func doctorDisk(path string) []Finding {
	const check = "disk"
	for dir := path; ; dir = filepath.Dir(dir) {
		var st syscall.Statfs_t
		err := syscall.Statfs(dir, &st)
		if errors.Is(err, fs.ErrNotExist) && dir != "/" {
			continue
		}
		if err != nil {
			return []Finding{fail(check, "", "The free space of %s can't be told: %v.", dir, err)}
		}
		free := int64(st.Bavail) * int64(st.Bsize) // the types differ between systems
		const cure = "Make room, or move the data folder to a larger disk."
		switch {
		case free < diskFail:
			return []Finding{fail(check, cure, "Only %s are free for %s.", byteCount(free), path)}
		case free < diskWarn:
			return []Finding{warn(check, cure, "%s are free for %s.", byteCount(free), path)}
		}
		return []Finding{ok(check, "%s are free.", byteCount(free))}
	}
}

// doctorClock holds the clock against a date before which this program did not exist, and asks
// the kernel whether anything keeps it right.
func doctorClock(now time.Time, synchronised func() (known, yes bool)) Finding {
	const check = "clock"
	written := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	stamp := now.Format("2006-01-02 15:04:05 MST")
	if now.Before(written) || now.After(written.AddDate(25, 0, 0)) {
		return fail(check, "Set the clock, and have it kept right by NTP: timedatectl set-ntp true", "This machine says that it is %s, which can't be.", stamp)
	}
	if known, yes := synchronised(); known && !yes {
		return warn(check, "Have it kept right by NTP: timedatectl set-ntp true. Bookings at the door are decided by the clock.",
			"It says %s, and nothing on this machine keeps it right.", stamp)
	}
	return ok(check, "It says %s.", stamp)
}

// doctorServer asks the running server how it is and connects to both of its listeners.
func doctorServer(ctx context.Context, cfg Config) []Finding {
	const check = "server"
	health, err := serverHealth(ctx, cfg.DataDir)
	if errors.Is(err, errNoServer) {
		found := []Finding{warn(check, "Start it: systemctl start lintel, or lintel serve", "It is not running.")}
		for _, l := range []struct{ key, addr string }{{"listen", cfg.Listen}, {"device_listen", cfg.DeviceListen}} {
			found = append(found, doctorPort(ctx, l.key, l.addr)...)
		}
		return found
	}
	if err != nil {
		return []Finding{fail(check, "Look at its log: journalctl -u lintel. If it is stuck: systemctl restart lintel", "It runs but does not say how it is: %s.", explain(err))}
	}
	var found []Finding
	for _, fault := range health.Faults {
		found = append(found, fail(check, "Look at its log: journalctl -u lintel", "%s", fault))
	}
	if found == nil {
		found = append(found, ok(check, "Version %s runs as process %d since %s: portal %s, devices %s.", health.Version, health.PID,
			health.StartedAt.Local().Format("2006-01-02 15:04"), health.PortalURL, health.DeviceURL))
	}
	for _, l := range []struct{ key, addr string }{{"listen", cfg.Listen}, {"device_listen", cfg.DeviceListen}} {
		found = append(found, doctorListener(ctx, l.key, l.addr))
	}
	return found
}

// doctorPort says whether a port is free for a server that does not run yet.
func doctorPort(ctx context.Context, key, addr string) []Finding {
	ln, err := listen(ctx, key, addr, 1)
	if err != nil {
		return []Finding{fail("listener", "", "%v.", err)}
	}
	ln.Close()
	return nil
}

func doctorListener(ctx context.Context, key, addr string) Finding {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "0" {
		return ok("listener", "%s is %s, a port that is chosen at each start.", key, addr)
	}
	hosts := []string{host}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		hosts = []string{"127.0.0.1", "::1"} // not localhost: a small system has no /etc/hosts
	}
	d := net.Dialer{Timeout: dialTime}
	answered := slices.ContainsFunc(hosts, func(host string) bool {
		conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	if !answered {
		return fail("listener", "Was the configuration changed since the start? Then restart: systemctl restart lintel",
			"Nobody answers on %s (%s).", addr, key)
	}
	return ok("listener", "%s (%s) answers.", addr, key)
}
