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
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lintel/store"
	"lintel/templates/text"
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
	mark := map[Level]string{LevelOK: "ok      ", LevelWarn: "warning ", LevelFail: "FAILURE ", LevelSkip: "--      "}[f.Level]
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

// examine makes all findings: first those that need nothing but the configuration, then what the
// running server, or else the databases themselves, say.
func (p *program) examine(ctx context.Context, req DoctorRequest) []Finding {
	eff, err := p.load()
	found := inEnglish(doctorConfig(eff, err))
	if err != nil {
		return found
	}
	cfg := eff.Config
	found = append(found, inEnglish(doctorMachine(cfg, p.wiring.now()))...)
	if _, _, exists, err := folderOwner(cfg.DataDir); err != nil || !exists {
		return found
	}
	found = append(found, inEnglish(doctorServer(ctx, cfg))...)
	if _, err := os.Stat(filepath.Join(cfg.DataDir, store.MainFile)); errors.Is(err, fs.ErrNotExist) {
		return append(found, inEnglish([]finding{warn("doctor.check_database", cure("doctor.cure_start_makes"), "doctor.database_none", "Folder", cfg.DataDir)})...)
	}
	ops, done, err := p.operations(ctx, cfg)
	if err != nil {
		return append(found, inEnglish([]finding{fail("doctor.check_database", cured{}, "doctor.database_closed", "Error", explain(err))})...)
	}
	more, err := ops.Doctor(ctx, req)
	if err := errors.Join(err, done()); err != nil {
		more = append(more, inEnglish([]finding{fail("doctor.check_database", cured{}, "doctor.broke_off", "Error", explain(err))})...)
	}
	return append(found, more...)
}

// doctorMachine looks at what the program stands on.
func doctorMachine(cfg Config, now time.Time) []finding {
	found := doctorFolder(cfg.DataDir, os.Geteuid())
	found = append(found, doctorKey(cfg), doctorDisk(cfg.DataDir))
	return append(found, doctorClock(now, clockIsSynchronised))
}

func doctorConfig(eff Effective, err error) []finding {
	const check = "doctor.check_configuration"
	var config *ConfigError
	var found []finding
	if errors.As(err, &config) {
		for _, fault := range config.Faults {
			found = append(found, finding{Level: LevelFail, Check: text.Of(check), Text: text.Plain(fault)})
		}
		return found
	}
	source := ok(check, "doctor.config_none")
	if eff.File != "" {
		source = ok(check, "doctor.config_file", "File", eff.File)
	}
	found = append(found, source)
	for _, fault := range eff.Config.CheckFiles() {
		found = append(found, finding{Level: LevelFail, Check: text.Of(check), Text: text.Plain(fault)})
	}
	for _, warning := range eff.Config.Warnings() {
		said, todo, _ := strings.Cut(warning, ". ")
		found = append(found, finding{
			Level: LevelWarn, Check: text.Of(check), Text: text.Plain(strings.TrimSuffix(said, ".") + "."), Cure: text.Plain(todo),
		})
	}
	return found
}

// doctorFolder looks at the rights of the data folder and of what lies in it.
func doctorFolder(path string, me int) []finding {
	const check = "doctor.check_folder"
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []finding{warn(check, cure("doctor.cure_folder_make"), "doctor.folder_none", "Folder", path)}
	case err != nil:
		return []finding{fail(check, cure("doctor.cure_as_owner"), "doctor.folder_closed", "Folder", path, "Error", err.Error())}
	case !info.IsDir():
		return []finding{fail(check, cure("doctor.cure_folder_set"), "doctor.folder_is_none", "Folder", path)}
	}
	uid, _, err := ownerOf(info)
	if err != nil {
		return []finding{fail(check, cured{}, "doctor.folder_closed", "Folder", path, "Error", err.Error())}
	}
	if me != 0 && me != uid {
		return []finding{fail(check, cure("doctor.cure_as_owner"), "doctor.folder_other", "Folder", path, "Owner", strconv.Itoa(uid), "Account", strconv.Itoa(me))}
	}
	var found []finding
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		found = append(found, fail(check, command("chmod 700 "+path), "doctor.folder_open", "Folder", path, "Rights", fmt.Sprintf("%04o", mode)))
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
		found = append(found, fail(check, cured{}, "doctor.folder_closed", "Folder", path, "Error", err.Error()))
	}
	if len(foreign) > 0 {
		found = append(found, fail(check, command(fmt.Sprintf("chown -R %d: %s", uid, path)), "doctor.folder_foreign", "Count", len(foreign), "First", foreign[0]))
	}
	if len(open) > 0 {
		found = append(found, warn(check, command("chmod -R o= "+path), "doctor.folder_files_open", "Count", len(open), "First", open[0]))
	}
	if found == nil {
		found = append(found, ok(check, "doctor.folder_good", "Folder", path, "Owner", strconv.Itoa(uid)))
	}
	return found
}

// doctorKey looks at the master key where the configuration says, else in the folder.
func doctorKey(cfg Config) finding {
	const check = "doctor.check_key"
	path := keyPath(cfg)
	_, err := readKey(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && cfg.KeyFile == "":
		if _, statErr := os.Stat(cfg.DataDir); errors.Is(statErr, fs.ErrNotExist) {
			return ok(check, "doctor.key_later")
		}
		return warn(check, cure("doctor.cure_key_back"), "doctor.key_none", "File", path)
	case err != nil:
		return fail(check, cure("doctor.cure_key_right"), "doctor.key_wrong", "Error", err.Error())
	case cfg.KeyFile == "":
		return warn(check, cure("doctor.cure_key_move"), "doctor.key_inside", "File", path)
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return warn(check, command("chmod 600 "+path), "doctor.key_open", "File", path)
	}
	return ok(check, "doctor.key_good", "File", path)
}

func doctorDisk(path string) finding {
	const check = "doctor.check_disk"
	for dir := path; ; dir = filepath.Dir(dir) {
		var st syscall.Statfs_t
		err := syscall.Statfs(dir, &st)
		if errors.Is(err, fs.ErrNotExist) && dir != "/" {
			continue
		}
		if err != nil {
			return fail(check, cured{}, "doctor.disk_unknown", "Folder", dir, "Error", err.Error())
		}
		free := int64(st.Bavail) * int64(st.Bsize) // the types differ between systems
		switch {
		case free < diskFail:
			return fail(check, cure("doctor.cure_disk"), "doctor.disk_full", "Size", text.Size(free), "Folder", path)
		case free < diskWarn:
			return warn(check, cure("doctor.cure_disk"), "doctor.disk_low", "Size", text.Size(free), "Folder", path)
		}
		return ok(check, "doctor.disk_good", "Size", text.Size(free))
	}
}

// doctorClock holds the clock against a date before which this program did not exist, and asks
// the kernel whether anything keeps it right.
func doctorClock(now time.Time, synchronised func() (known, yes bool)) finding {
	const check, ntp = "doctor.check_clock", "timedatectl set-ntp true"
	written := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	if now.Before(written) || now.After(written.AddDate(25, 0, 0)) {
		return fail(check, cureBy("doctor.cure_clock_set", ntp), "doctor.clock_wrong", "Time", now)
	}
	if known, yes := synchronised(); known && !yes {
		return warn(check, cureBy("doctor.cure_clock_keep", ntp), "doctor.clock_free", "Time", now)
	}
	return ok(check, "doctor.clock_good", "Time", now)
}

const (
	readLog = "journalctl -u lintel"
	restart = "systemctl restart lintel"
)

// doctorServer asks the running server how it is and connects to both of its listeners.
func doctorServer(ctx context.Context, cfg Config) []finding {
	const check = "doctor.check_server"
	health, err := serverHealth(ctx, cfg.DataDir)
	if errors.Is(err, errNoServer) {
		found := []finding{warn(check, cureBy("doctor.cure_server_start", "systemctl start lintel"), "doctor.server_stopped")}
		for _, l := range []struct{ key, addr string }{{"listen", cfg.Listen}, {"device_listen", cfg.DeviceListen}} {
			found = append(found, doctorPort(ctx, l.key, l.addr)...)
		}
		return found
	}
	if err != nil {
		return []finding{fail(check, cureBy("doctor.cure_server_stuck", readLog+"; "+restart), "doctor.server_silent", "Error", explain(err))}
	}
	var found []finding
	for _, fault := range health.Faults {
		found = append(found, finding{Level: LevelFail, Check: text.Of(check), Text: text.Plain(fault), Cure: text.Of("doctor.cure_log"), Run: readLog})
	}
	if found == nil {
		found = append(found, ok(check, "doctor.server_good", "Version", health.Version, "Process", strconv.Itoa(health.PID), "Time", health.StartedAt,
			"Portal", health.PortalURL, "Devices", health.DeviceURL))
	}
	for _, l := range []struct{ key, addr string }{{"listen", cfg.Listen}, {"device_listen", cfg.DeviceListen}} {
		found = append(found, doctorListener(ctx, l.key, l.addr))
	}
	return found
}

// doctorPort says whether a port is free for a server that does not run yet.
func doctorPort(ctx context.Context, key, addr string) []finding {
	ln, err := listen(ctx, key, addr, 1)
	if err != nil {
		return []finding{{Level: LevelFail, Check: text.Of("doctor.check_listener"), Text: text.Plain(err.Error() + ".")}}
	}
	ln.Close()
	return nil
}

func doctorListener(ctx context.Context, key, addr string) finding {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "0" {
		return ok("doctor.check_listener", "doctor.listener_any", "Key", key, "Address", addr)
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
		return fail("doctor.check_listener", cureBy("doctor.cure_restart", restart), "doctor.listener_silent", "Key", key, "Address", addr)
	}
	return ok("doctor.check_listener", "doctor.listener_good", "Key", key, "Address", addr)
}
