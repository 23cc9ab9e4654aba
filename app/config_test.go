package app

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lintel/app/secret"
)

// compareConfigs looks into the types of ours and the library's that have private parts.
func compareConfigs() cmp.Option {
	return cmp.Options{cmp.AllowUnexported(secret.Text{}), cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()}
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// home is an environment with nothing but a home folder.
func home(t *testing.T, more map[string]string) map[string]string {
	t.Helper()
	env := map[string]string{"HOME": t.TempDir()}
	maps.Copy(env, more)
	return env
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	env := home(t, nil)
	eff, err := LoadConfig(ConfigSource{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		DataDir: filepath.Join(env["HOME"], ".local/share/lintel"), Listen: "127.0.0.1:8080", DeviceListen: "127.0.0.1:8081",
		TLS: TLSConfig{
			Portal: ListenerTLS{Mode: TLSOff}, Device: ListenerTLS{Mode: TLSOff}, KeyType: "ecdsa",
			ACME: ACMEConfig{Directory: "https://acme-v02.api.letsencrypt.org/directory"},
		},
		Log:    LogConfig{Level: slog.LevelInfo, Format: "auto"},
		Limits: LimitsConfig{Connections: 4096, RequestBytes: 16 << 20, StopTimeout: 20 * time.Second},
	}
	if diff := cmp.Diff(want, eff.Config, compareConfigs()); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestConfigSources(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "lintel.toml", `
listen = "127.0.0.1:1001"
device_listen = ":1002"
trusted_proxies = ["10.1.2.3", "192.168.0.0/16"]
outbound.allow_loopback = true

[limits]
connections = 100
stop_timeout = "30s"

[tls]
names = ["a.example.com"]
device = { mode = "local-ca" }

[tls.acme]
eab_hmac_file = "`+writeFile(t, "hmac", "AAAA\n")+`"
eab_key_id = "from-file"
`)
	credentials := t.TempDir()
	for name, content := range map[string]string{"lintel.key": "key", "outbound.proxy_password": "pass word\n", "unrelated": "x"} {
		if err := os.WriteFile(filepath.Join(credentials, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := home(t, map[string]string{
		"LINTEL_CONFIG": file, "CREDENTIALS_DIRECTORY": credentials, "STATE_DIRECTORY": "/var/lib/lintel:/var/lib/other",
		"LINTEL_LISTEN": "127.0.0.1:2001", "LINTEL_OUTBOUND_PROXY": "http://proxy:3128", "LINTEL_OUTBOUND_PROXY_USER_FILE": writeFile(t, "user", "anna\n"),
		"LINTEL_TLS_NAMES": "b.example.com, 192.0.2.1", "LINTEL_LIMITS_CONNECTIONS": "200", "LINTEL_LOG_LEVEL": "debug",
		// These are not ours, or no settings.
		"LINTEL_SERVICE_HOST": "10.0.0.1", "LINTEL_PORT_8080_TCP": "tcp://10.0.0.1:8080", "LINTEL_PORT": "tcp://10.0.0.1:8080", "LINTEL_CORPUS": "/x", "LINTELX": "y",
	})
	eff, err := LoadConfig(ConfigSource{Env: env, Flags: map[string]string{"limits.connections": "300"}})
	if err != nil {
		t.Fatal(err)
	}
	c := eff.Config
	for _, test := range []struct {
		key       string
		got, want any
		origin    string
	}{
		{"data_dir", c.DataDir, "/var/lib/lintel", "STATE_DIRECTORY"},
		{"listen", c.Listen, "127.0.0.1:2001", "LINTEL_LISTEN"},
		{"device_listen", c.DeviceListen, ":1002", file + ":3"},
		{"trusted_proxies", fmt.Sprint(c.TrustedProxies), "[10.1.2.3/32 192.168.0.0/16]", file + ":4"},
		{"outbound.allow_loopback", c.Outbound.AllowLoopback, true, file + ":5"},
		{"limits.connections", c.Limits.Connections, 300, "flag"},
		{"limits.stop_timeout", c.Limits.StopTimeout, 30 * time.Second, file + ":9"},
		{"tls.names", fmt.Sprint(c.TLS.Names), "[b.example.com 192.0.2.1]", "LINTEL_TLS_NAMES"},
		{"tls.device.mode", c.TLS.Device.Mode, TLSLocalCA, file + ":13"},
		{"tls.acme.eab_hmac", c.TLS.ACME.EABHMAC.Reveal(), "AAAA", file + ":16"},
		{"tls.acme.eab_key_id", c.TLS.ACME.EABKeyID, "from-file", file + ":17"},
		{"outbound.proxy_user", c.Outbound.ProxyUser, "anna", "LINTEL_OUTBOUND_PROXY_USER_FILE"},
		{"outbound.proxy_password", c.Outbound.ProxyPassword.Reveal(), "pass word", "credential outbound.proxy_password"},
		{"key_file", c.KeyFile, filepath.Join(credentials, "lintel.key"), "credential lintel.key"},
		{"log.level", c.Log.Level, slog.LevelDebug, "LINTEL_LOG_LEVEL"},
		{"log.format", c.Log.Format, "auto", "default"},
	} {
		if test.got != test.want {
			t.Errorf("%s = %v, want %v", test.key, test.got, test.want)
		}
		if got := eff.Origin[test.key]; got != test.origin {
			t.Errorf("%s comes from %s, want %s", test.key, got, test.origin)
		}
	}
	if got := c.Outbound.ProxyURL().String(); got != "http://anna:pass%20word@proxy:3128" {
		t.Errorf("proxy = %s", got)
	}

	var b strings.Builder
	if err := printConfig(&b, eff); err != nil {
		t.Fatal(err)
	}
	if out := b.String(); strings.Contains(out, "AAAA") || strings.Contains(out, "pass word") || !strings.Contains(out, `tls.acme.eab_hmac = "***"`) {
		t.Errorf("print:\n%s", out)
	}
	if out := fmt.Sprintf("%v %+v %#v", eff, c, c); strings.Contains(out, "AAAA") || strings.Contains(out, "pass word") {
		t.Error("a secret is printed")
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		file string
		env  map[string]string
		want []string // each in a fault of its own, in order
	}{
		{"unknown key", "\nlisten_adress = \"x\"", nil, []string{`lintel.toml:2: there is no setting "listen_adress"; did you mean "listen"?`}},
		{"unknown table", "[tsl.portal]\nmode = \"off\"", nil, []string{`lintel.toml:2: there is no setting "tsl.portal.mode"; did you mean "tls.portal.mode"?`}},
		{"wrong case", `Listen = ":1"`, nil, []string{`lintel.toml:1: there is no setting "Listen"; did you mean "listen"?`}},
		{"right name without its table", `ca_file = "/x"`, nil, []string{`did you mean "outbound.ca_file"?`}},
		{"nothing like it", `zzzzzzzzzzzz = 1`, nil, []string{"`lintel config print` lists all"}},
		{"table as value", `tls = "off"`, nil, []string{`it is a table of tls.portal.mode`}},
		{"array of tables", "[[listen]]\na = 1", nil, []string{`listen wants text in quotes, not a list`}},
		{"wrong type", `listen = 8080`, nil, []string{`lintel.toml:1: listen wants text in quotes, not a number`}},
		{"wrong list", `tls.names = ["a", 1]`, nil, []string{`wants a list of texts`}},
		{"wrong choice", `tls.portal.mode = "on"`, nil, []string{`is "on"; choose one of off, local-ca, files, acme`}},
		{"bad syntax", "listen = \"a\"\nlisten = \"b\"", nil, []string{`lintel.toml:2: `}},
		{"bad number", "", map[string]string{"LINTEL_LIMITS_CONNECTIONS": "many"}, []string{"LINTEL_LIMITS_CONNECTIONS: limits.connections wants a whole number"}},
		{"bad time", `limits.stop_timeout = 20`, nil, []string{`wants a time such as "20s"`}},
		{"unknown variable", "", map[string]string{"LINTEL_LISTEN_ADDR": ":1"}, []string{"LINTEL_LISTEN_ADDR: there is no such setting; did you mean LINTEL_LISTEN?"}},
		{"value and file", "", map[string]string{"LINTEL_LISTEN": ":1", "LINTEL_LISTEN_FILE": "/x"}, []string{"LINTEL_LISTEN and LINTEL_LISTEN_FILE are both set; keep one"}},
		{"missing value file", "", map[string]string{"LINTEL_LISTEN_FILE": "/does/not/exist"}, []string{"LINTEL_LISTEN_FILE: read the value of listen"}},
		{"everything at once", "a = 1\nb = 2", map[string]string{"LINTEL_C": "3"}, []string{`"a"`, `"b"`, "LINTEL_C"}},

		{"relative path", `data_dir = "data"`, nil, []string{"write the whole path"}},
		{"no port", `listen = "localhost"`, nil, []string{`write it as address:port`}},
		{"big port", `listen = ":70000"`, nil, []string{"has to be a number up to 65535"}},
		{"bad address", `listen = "a b:80"`, nil, []string{"neither an IP address nor a host name"}},
		{"one port for both", `device_listen = "127.0.0.1:8080"`, nil, []string{"give devices a port of their own"}},
		{"URL without scheme", `base_url = "rooms.example.com"`, nil, []string{"has to begin with http:// or https://"}},
		{"URL with query", `base_url = "https://a/?b"`, nil, []string{"only a host, a port and a path"}},
		{"URL with dots", `base_url = "https://a/b/../c"`, nil, []string{"its path has to be plain"}},
		{"URL against mode", "base_url = \"http://a\"\ntls.portal.mode = \"local-ca\"", nil, []string{"write https://"}},
		{"everybody is a proxy", `trusted_proxies = ["0.0.0.0/0"]`, nil, []string{"every client could claim any address"}},
		{"no proxy address", `trusted_proxies = ["proxy"]`, nil, []string{`"proxy" is neither an address nor a network`}},
		{"files without files", `tls.portal.mode = "files"`, nil, []string{"set both tls.portal.cert_file and tls.portal.key_file"}},
		{"files for another mode", "tls.device.cert_file = \"/a\"", nil, []string{`are used only where tls.device.mode is "files", but it is "off"`}},
		{"name with port", `tls.names = ["a.example.com:8443"]`, nil, []string{"leave out port and https://"}},
		{"HSTS with the local authority", "tls.portal.mode = \"local-ca\"\ntls.hsts = true", nil, []string{"tls.hsts is used only where tls.portal.mode is"}},
		{"HSTS without TLS", "tls.hsts = true", nil, []string{"behind a proxy, the proxy sends that header"}},
		{"ACME without a name", `tls.portal.mode = "acme"`, nil, []string{"an ACME certificate needs a host name"}},
		{"ACME for an internal name", "tls.portal.mode = \"acme\"\nbase_url = \"https://rooms.local\"", nil, []string{`no public authority gives a certificate for "rooms.local"; use local-ca`}},
		{"ACME over HTTP", "tls.portal.mode = \"acme\"\nbase_url = \"https://rooms.example.com\"\ntls.acme.directory = \"http://ca\"", nil, []string{"has to be an https:// address"}},
		{"half a binding", `tls.acme.eab_key_id = "k"`, nil, []string{"belong together"}},
		{"binding of another form", "tls.acme.eab_key_id = \"k\"\ntls.acme.eab_hmac = \"?\"", nil, []string{"is not base64url"}},
		{"proxy with password", `outbound.proxy = "http://a:b@proxy:1"`, nil, []string{"move it to outbound.proxy_user"}},
		{"proxy of another kind", `outbound.proxy = "socks5://proxy:1"`, nil, []string{"has to look like http://"}},
		{"password without user", `outbound.proxy_password = "x"`, nil, []string{"without outbound.proxy_user"}},
		{"too few connections", `limits.connections = 1`, nil, []string{"at least 16"}},
		{"too small requests", `limits.request_bytes = 1`, nil, []string{"at least 65536"}},
		{"too long a stop", `limits.stop_timeout = "1h"`, nil, []string{"between 1s and 5m"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadConfig(ConfigSource{File: writeFile(t, "lintel.toml", test.file), Env: home(t, test.env)})
			var config *ConfigError
			if !errors.As(err, &config) {
				t.Fatalf("err = %v", err)
			}
			if len(config.Faults) != len(test.want) {
				t.Fatalf("faults: %q", config.Faults)
			}
			for i, want := range test.want {
				if !strings.Contains(config.Faults[i], want) {
					t.Errorf("fault %q does not say %q", config.Faults[i], want)
				}
			}
		})
	}
}

func TestConfigPlaces(t *testing.T) {
	t.Parallel()
	env := home(t, nil)
	dir := filepath.Join(env["HOME"], ".config", "lintel")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lintel.toml"), []byte(`listen = ":1"`), 0o600); err != nil {
		t.Fatal(err)
	}
	eff, err := LoadConfig(ConfigSource{Env: env, SystemFile: "/does/not/exist.toml"})
	if err != nil || eff.Config.Listen != ":1" || eff.File != filepath.Join(dir, "lintel.toml") {
		t.Errorf("the home's file: %q %q %v", eff.File, eff.Config.Listen, err)
	}
	eff, err = LoadConfig(ConfigSource{Env: env, SystemFile: writeFile(t, "system.toml", `listen = ":2"`)})
	if err != nil || eff.Config.Listen != ":2" {
		t.Errorf("the system's file: %q %v", eff.Config.Listen, err)
	}
	if _, err := LoadConfig(ConfigSource{Env: env, File: "/does/not/exist.toml"}); err == nil {
		t.Error("a missing file that was asked for is no error")
	}
	if _, err := LoadConfig(ConfigSource{Env: map[string]string{}}); err == nil || !strings.Contains(err.Error(), "LINTEL_DATA_DIR") {
		t.Errorf("without a home: %v", err)
	}
}

// Every default is a value that the setting takes, every setting has an explanation and a way to
// be shown, and no two share a name in the environment.
func TestConfigKeys(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, k := range configKeys() {
		var c Config
		if k.def != "" {
			if err := setConfig(k.ptr(&c), k.def); err != nil {
				t.Errorf("default of %s: %v", k.name, err)
			}
		}
		_ = showConfig(k.ptr(&c))
		if k.doc == "" || !strings.HasSuffix(k.doc, ".") {
			t.Errorf("%s is explained by %q", k.name, k.doc)
		}
		for _, name := range []string{k.env(), k.env() + "_FILE"} {
			if names[name] {
				t.Errorf("%s names two settings", name)
			}
			names[name] = true
		}
		if notSettings.MatchString(k.env()) {
			t.Errorf("%s is taken for a variable of Kubernetes", k.env())
		}
	}
}

// What print writes is a file that says the same, and the file to start from is valid, commented
// in or not.
func TestConfigPrintIsTOML(t *testing.T) {
	t.Parallel()
	eff, err := LoadConfig(ConfigSource{Env: home(t, map[string]string{"LINTEL_TLS_NAMES": "a b", "LINTEL_FONT_DIR": `/a "b"\c`})})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := printConfig(&b, eff); err != nil {
		t.Fatal(err)
	}
	again, err := LoadConfig(ConfigSource{File: writeFile(t, "again.toml", b.String())})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(eff.Config, again.Config, compareConfigs()); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}

	b.Reset()
	if err := printDefaults(&b); err != nil {
		t.Fatal(err)
	}
	var commentedIn strings.Builder
	for line := range strings.Lines(b.String()) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(rest, " ") {
			line = rest
		}
		commentedIn.WriteString(line)
	}
	defaults, err := LoadConfig(ConfigSource{File: writeFile(t, "defaults.toml", commentedIn.String()), Env: map[string]string{"HOME": "/h"}})
	if err != nil {
		t.Fatal(err)
	}
	bare, err := LoadConfig(ConfigSource{Env: map[string]string{"HOME": "/h"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bare.Config, defaults.Config, compareConfigs()); diff != "" {
		t.Errorf("defaults commented in (-want +got):\n%s", diff)
	}
}

func TestConfigWarnings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags map[string]string
		want  string
	}{
		"portal in clear":       {map[string]string{"listen": ":8080", "base_url": "http://a"}, "passwords cross the network in clear"},
		"devices in clear":      {map[string]string{"device_listen": ":8081"}, "Devices are served on :8081 without encryption"},
		"proxy without a name":  {map[string]string{"base_url": "https://a"}, "Name it in trusted_proxies"},
		"no address for people": {map[string]string{"listen": ":8443", "tls.portal.mode": "local-ca"}, "base_url is not set"},
	} {
		if got := strings.Join(testConfig(t, test.flags).Warnings(), "\n"); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	quiet := testConfig(t, map[string]string{
		"listen": ":8080", "device_listen": ":8081", "base_url": "https://a", "trusted_proxies": "10.0.0.1",
	})
	if got := quiet.Warnings(); got != nil {
		t.Errorf("warnings without a reason: %q", got)
	}
}

func TestConfigCheckFiles(t *testing.T) {
	t.Parallel()
	c := testConfig(t, map[string]string{
		"outbound.ca_file": writeFile(t, "ca.pem", "nothing"), "tls.acme.roots_file": "/does/not/exist",
		"tls.portal.mode": "files", "tls.portal.cert_file": "/does/not/exist", "tls.portal.key_file": "/does/not/exist", "font_dir": "/does/not/exist",
	})
	got := c.CheckFiles()
	for i, want := range []string{"tls.acme.roots_file: ", "holds no certificate in PEM", "tls.portal.cert_file and tls.portal.key_file: ", "font_dir: "} {
		if i >= len(got) || !strings.Contains(got[i], want) {
			t.Errorf("fault %d does not say %q: %q", i, want, got)
		}
	}
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"listen", "listen", 0}, {"lisetn", "listen", 2}, {"kitten", "sitting", 3}} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

// Whatever stands in the file: no panic, every fault names the file, and what is accepted can be
// printed and read again.
func FuzzConfigTOML(f *testing.F) {
	for _, seed := range []string{
		"", "listen = \":1\"", "[tls.portal]\nmode = \"local-ca\"", "tls = 1", "a.b.c = [1, {x = 2}]", "\"\" = 1", "listen = '''\n'''",
		"limits = { connections = 100 }", "trusted_proxies = [\"10.0.0.0/8\"]", "x = 2020-01-01", "outbound.proxy_password_file = \"/dev/zero\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		if strings.Contains(content, "_file") {
			return // the fuzzer is not to open files
		}
		l := &configLoader{keys: configKeys(), eff: Effective{Origin: map[string]string{}}}
		l.readTOML("f.toml", content)
		for _, fault := range l.faults {
			if !strings.HasPrefix(fault, "f.toml") {
				t.Errorf("fault %q", fault)
			}
		}
		if l.faults != nil {
			return
		}
		_ = l.eff.Config.Validate()
		var b bytes.Buffer
		if err := printConfig(&b, l.eff); err != nil {
			t.Fatal(err)
		}
		if _, err := toml.Decode(b.String(), &map[string]any{}); err != nil {
			t.Errorf("printed %q: %v", b.String(), err)
		}
	})
}
