package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

const (
	envPrefix        = "LINTEL_"
	systemConfigFile = "/etc/lintel/lintel.toml"
	maxConfigBytes   = 1 << 20
	maxSecretBytes   = 64 << 10
	keyCredential    = "lintel.key" // name of the systemd credential that holds the master key
)

// ConfigSource is where LoadConfig looks, weakest first: defaults, file, systemd credentials,
// environment, flags.
type ConfigSource struct {
	File       string            // from --config; it has to exist. Empty: LINTEL_CONFIG, else the usual places
	SystemFile string            // the first of the usual places; empty: none
	Env        map[string]string // the whole environment
	Flags      map[string]string // key -> value
}

// Effective is a configuration together with where each value came from.
type Effective struct {
	Config Config
	File   string            // the file that was read; empty: none
	Origin map[string]string // key -> "default", "/etc/lintel/lintel.toml:12", "LINTEL_LISTEN", ...
}

// ConfigError is all that is wrong with a configuration, one sentence a line.
type ConfigError struct{ Faults []string }

func (e *ConfigError) Error() string {
	return "the configuration can't be used:\n  " + strings.Join(e.Faults, "\n  ")
}

// LoadConfig reads and validates the configuration. The error is a *ConfigError that names every
// fault at once; the Effective is then what could be read.
func LoadConfig(src ConfigSource) (Effective, error) {
	l := &configLoader{src: src, keys: configKeys()}
	l.eff.Origin = make(map[string]string, len(l.keys))
	for _, k := range l.keys {
		l.set(k, k.def, "default")
	}
	l.readFile()
	l.readCredentials()
	l.readEnv()
	for _, k := range l.keys {
		if v, ok := src.Flags[k.name]; ok {
			l.set(k, v, "flag")
		}
	}
	l.finish()
	if len(l.faults) == 0 {
		l.faults = l.eff.Config.Validate()
	}
	if len(l.faults) > 0 {
		return l.eff, &ConfigError{Faults: l.faults}
	}
	return l.eff, nil
}

type configLoader struct {
	src    ConfigSource
	keys   []configKey
	eff    Effective
	faults []string
}

func (l *configLoader) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

func (l *configLoader) key(name string) (configKey, bool) {
	i := slices.IndexFunc(l.keys, func(k configKey) bool { return k.name == name })
	if i < 0 {
		return configKey{}, false
	}
	return l.keys[i], true
}

// set puts a value into the configuration and remembers where it came from.
func (l *configLoader) set(k configKey, raw any, origin string) {
	ptr := k.ptr(&l.eff.Config)
	if s, ok := raw.(string); ok {
		if s == "" && k.def == "" && origin == "default" {
			return
		}
		if k.choices != nil && !slices.Contains(k.choices, s) {
			l.fault("%s: %s is %q; choose one of %s", origin, k.name, s, strings.Join(k.choices, ", "))
			return
		}
	}
	if err := setConfig(ptr, raw); err != nil {
		l.fault("%s: %s %v", origin, k.name, err)
		return
	}
	l.eff.Origin[k.name] = origin
}

// readFile finds and reads the TOML file.
func (l *configLoader) readFile() {
	path, must := l.src.File, true
	if path == "" {
		path = l.src.Env[envPrefix+"CONFIG"]
	}
	if path == "" {
		path, must = l.usualFile(), false
	}
	if path == "" {
		return
	}
	content, err := readSmall(path, maxConfigBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !must:
		return
	case errors.Is(err, fs.ErrPermission):
		l.fault("%s: this account may not read the file; run the command as root or as the service's account", path)
		return
	case err != nil:
		l.fault("read configuration: %v", err)
		return
	}
	l.eff.File = path
	l.readTOML(path, string(content))
}

// usualFile returns the first of the usual places that has a file, or nothing.
func (l *configLoader) usualFile() string {
	places := []string{l.src.SystemFile}
	if dir := l.src.Env["XDG_CONFIG_HOME"]; dir != "" {
		places = append(places, filepath.Join(dir, "lintel", "lintel.toml"))
	} else if home := l.src.Env["HOME"]; home != "" {
		places = append(places, filepath.Join(home, ".config", "lintel", "lintel.toml"))
	}
	for _, path := range places {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return path
		}
	}
	return ""
}

func (l *configLoader) readTOML(path, content string) {
	tree := map[string]any{}
	if _, err := toml.Decode(content, &tree); err != nil {
		var perr toml.ParseError
		if errors.As(err, &perr) {
			l.fault("%s:%d: %s", path, perr.Position.Line, perr.Message)
		} else {
			l.fault("%s: %v", path, err)
		}
		return
	}
	for _, v := range flatten(tree) {
		where := path
		if n := lineOf(content, v.path); n > 0 {
			where = fmt.Sprintf("%s:%d", path, n)
		}
		name := strings.Join(v.path, ".")
		if k, ok := l.key(name); ok {
			l.set(k, v.raw, where)
			continue
		}
		if k, ok := l.key(strings.TrimSuffix(name, fileSuffix)); ok && k.secret() && strings.HasSuffix(name, fileSuffix) {
			file, isText := v.raw.(string)
			if !isText {
				l.fault("%s: %s wants a path in quotes", where, name)
				continue
			}
			l.setFromFile(k, file, where)
			continue
		}
		l.fault("%s: there is no setting %q%s", where, name, l.suggest(name))
	}
}

const fileSuffix = "_file"

// setFromFile takes a value from a file's first and only line.
func (l *configLoader) setFromFile(k configKey, path, origin string) {
	content, err := readSmall(path, maxSecretBytes)
	if err != nil {
		l.fault("%s: read the value of %s: %v", origin, k.name, err)
		return
	}
	l.set(k, strings.TrimRight(string(content), "\r\n"), origin)
}

// readCredentials looks for systemd credentials: one for each secret setting, named like it, and
// the master key.
func (l *configLoader) readCredentials() {
	dir := l.src.Env["CREDENTIALS_DIRECTORY"]
	if dir == "" {
		return
	}
	for _, k := range l.keys {
		path := filepath.Join(dir, k.name)
		if _, err := os.Stat(path); err == nil && k.secret() {
			l.setFromFile(k, path, "credential "+k.name)
		}
	}
	path := filepath.Join(dir, keyCredential)
	if _, err := os.Stat(path); err == nil {
		k, _ := l.key("key_file")
		l.set(k, path, "credential "+keyCredential)
	}
}

// notSettings are variables that begin like a setting and are none: those of the program and its tests, and
// the ones that Kubernetes adds for a service called lintel.
var notSettings = regexp.MustCompile(`^LINTEL_(CONFIG|CORPUS|FULL|AXE|SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_[0-9]+_(TCP|UDP)(_.*)?)?)$`)

func (l *configLoader) readEnv() {
	byEnv := make(map[string]configKey, len(l.keys))
	for _, k := range l.keys {
		byEnv[k.env()] = k
	}
	names := make([]string, 0, 8)
	for name := range l.src.Env {
		if strings.HasPrefix(name, envPrefix) && !notSettings.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		value := l.src.Env[name]
		if k, ok := byEnv[name]; ok {
			l.set(k, value, name)
			continue
		}
		base, isFile := strings.CutSuffix(name, strings.ToUpper(fileSuffix))
		if k, ok := byEnv[base]; ok && isFile {
			if _, both := l.src.Env[base]; both {
				l.fault("%s and %s are both set; keep one", base, name)
				continue
			}
			l.setFromFile(k, value, name)
			continue
		}
		l.fault("%s: there is no such setting%s", name, l.suggestEnv(name))
	}
}

// finish fills what depends on the environment and makes paths and addresses uniform.
func (l *configLoader) finish() {
	c := &l.eff.Config
	if c.DataDir == "" {
		dir, origin := defaultDataDir(l.src.Env)
		if dir == "" {
			l.fault("data_dir: there is no home folder to put it in; set data_dir or LINTEL_DATA_DIR")
			return
		}
		c.DataDir = dir
		l.eff.Origin["data_dir"] = origin
	}
	for _, name := range []string{
		"data_dir", "key_file", "font_dir", "tls.portal.cert_file", "tls.portal.key_file",
		"tls.device.cert_file", "tls.device.key_file", "tls.acme.roots_file", "outbound.ca_file",
	} {
		k, _ := l.key(name)
		path, ok := k.ptr(c).(*string)
		if !ok || *path == "" || filepath.IsAbs(*path) {
			continue
		}
		// The server and the commands beside it are started in different folders.
		if origin := l.eff.Origin[name]; l.eff.File != "" && strings.HasPrefix(origin, l.eff.File) {
			l.fault("%s: %s is %q; write the whole path, from / on", origin, name, *path)
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			l.fault("%s: %v", name, err)
			continue
		}
		*path = abs
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	c.DeviceURL = strings.TrimRight(c.DeviceURL, "/")
}

func defaultDataDir(env map[string]string) (dir, origin string) {
	if list := env["STATE_DIRECTORY"]; list != "" {
		first, _, _ := strings.Cut(list, ":")
		return first, "STATE_DIRECTORY"
	}
	if data := env["XDG_DATA_HOME"]; data != "" {
		return filepath.Join(data, "lintel"), "XDG_DATA_HOME"
	}
	if home := env["HOME"]; home != "" {
		return filepath.Join(home, ".local", "share", "lintel"), "default"
	}
	return "", ""
}

// readSmall reads a file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder", path)
	}
	return readAtMost(f, limit, path)
}

// environ turns KEY=value lines into a map; of a key that stands twice the last counts.
func environ(lines []string) map[string]string {
	env := make(map[string]string, len(lines))
	for _, line := range lines {
		if key, value, ok := strings.Cut(line, "="); ok {
			env[key] = value
		}
	}
	return env
}
