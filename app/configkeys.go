package app

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"lintel/app/secret"
)

// configKey is one setting: its name in the file (dots are tables), its default as it would be
// typed into the environment, and what it is for. LINTEL_ and the name in capitals, dots as
// underscores, is its environment variable.
type configKey struct {
	name    string
	def     string
	choices []string // nil: any
	doc     string
	ptr     func(*Config) any // *string, *bool, *int, *int64, *time.Duration, *[]string, *[]netip.Prefix, *secret.Text, *TLSMode or *slog.Level
}

func (k configKey) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(k.name, ".", "_"))
}

func (k configKey) secret() bool {
	_, ok := k.ptr(new(Config)).(*secret.Text)
	return ok
}

// configKeys is every setting, in the order in which it is documented. The file, the environment,
// `config print` and the manual page are made from it.
func configKeys() []configKey {
	modes := []string{string(TLSOff), string(TLSLocalCA), string(TLSFiles), string(TLSACME)}
	return []configKey{
		{
			"data_dir", "", nil, "Folder of the databases, keys and certificates; only the service's account may read it. " +
				"Without a value: $STATE_DIRECTORY, else $XDG_DATA_HOME/lintel, else ~/.local/share/lintel.",
			func(c *Config) any { return &c.DataDir },
		},
		{
			"key_file", "", nil, "File with the master key that seals stored passwords and tokens (32 bytes in base64). A systemd " +
				"credential named lintel.key is found by itself. Without a value the key lies in keys/ in the data folder: " +
				"then a copy of the folder holds the key too.",
			func(c *Config) any { return &c.KeyFile },
		},
		{
			"font_dir", "", nil, "Folder with further fonts for door pictures, for example Chinese, Japanese and Korean.",
			func(c *Config) any { return &c.FontDir },
		},

		{
			"listen", "127.0.0.1:8080", nil, "Address and port of the portal for people. \":8443\" means all addresses of this machine.",
			func(c *Config) any { return &c.Listen },
		},
		{
			"base_url", "", nil, "Address under which people reach the portal, for example https://rooms.example.com or, behind a proxy, " +
				"https://intranet.example.com/rooms. Without a value it is made from listen.",
			func(c *Config) any { return &c.BaseURL },
		},
		{
			"device_listen", "127.0.0.1:8081", nil, "Address and port for displays, panels and gateways. It serves no page of the portal.",
			func(c *Config) any { return &c.DeviceListen },
		},
		{
			"device_url", "", nil, "Address under which devices reach device_listen; pictures are named by it. Without a value it is made " +
				"from device_listen.",
			func(c *Config) any { return &c.DeviceURL },
		},
		{
			"trusted_proxies", "", nil, "Reverse proxies (addresses or networks) whose X-Forwarded-For is believed.",
			func(c *Config) any { return &c.TrustedProxies },
		},

		{
			"tls.portal.mode", string(TLSOff), modes, "Certificate of the portal: off (loopback, or behind a proxy), local-ca (an authority of " +
				"Lintel's own, whose root can be downloaded), files, or acme.",
			func(c *Config) any { return &c.TLS.Portal.Mode },
		},
		{
			"tls.portal.cert_file", "", nil, "Certificate chain of the portal in PEM, for files. It is read again when it changes.",
			func(c *Config) any { return &c.TLS.Portal.CertFile },
		},
		{
			"tls.portal.key_file", "", nil, "Private key of the portal in PEM, for files.",
			func(c *Config) any { return &c.TLS.Portal.KeyFile },
		},
		{
			"tls.device.mode", string(TLSOff), modes, "Certificate of the device listener, as above. With local-ca it is valid from 2020 and for ten " +
				"years, so that a device whose clock is wrong trusts it.",
			func(c *Config) any { return &c.TLS.Device.Mode },
		},
		{
			"tls.device.cert_file", "", nil, "Certificate chain of the device listener in PEM, for files.",
			func(c *Config) any { return &c.TLS.Device.CertFile },
		},
		{
			"tls.device.key_file", "", nil, "Private key of the device listener in PEM, for files.",
			func(c *Config) any { return &c.TLS.Device.KeyFile },
		},
		{
			"tls.names", "", nil, "Further host names and IP addresses for the certificates. Those of base_url and device_url are always in " +
				"them; with local-ca also this machine's name and addresses.",
			func(c *Config) any { return &c.TLS.Names },
		},
		{
			"tls.key_type", "ecdsa",
			[]string{"ecdsa", "rsa"},
			"Kind of the keys that Lintel makes. Use rsa only for devices that know nothing else.",
			func(c *Config) any { return &c.TLS.KeyType },
		},
		{
			"tls.hsts", "false", nil, "Whether browsers are told to come back to the portal by TLS alone for a year (HSTS). Only where tls.portal.mode " +
				"is files or acme, with a certificate that every browser trusts: a browser that was told so lets nobody past a " +
				"warning, and remembers it after this is switched off.",
			func(c *Config) any { return &c.TLS.HSTS },
		},
		{
			"tls.acme.directory", "https://acme-v02.api.letsencrypt.org/directory", nil, "Directory of the ACME server. It is contacted only where a " +
				"mode is acme; choosing that means that you agree to the authority's terms.",
			func(c *Config) any { return &c.TLS.ACME.Directory },
		},
		{
			"tls.acme.email", "", nil, "Address that the authority may write to about certificates.",
			func(c *Config) any { return &c.TLS.ACME.Email },
		},
		{
			"tls.acme.roots_file", "", nil, "Root certificates in PEM that the ACME server itself is checked against. Without a value: the system's.",
			func(c *Config) any { return &c.TLS.ACME.RootsFile },
		},
		{
			"tls.acme.eab_key_id", "", nil, "Key identifier for external account binding, if the authority asks for one.",
			func(c *Config) any { return &c.TLS.ACME.EABKeyID },
		},
		{
			"tls.acme.eab_hmac", "", nil, "Key for external account binding, in base64url.",
			func(c *Config) any { return &c.TLS.ACME.EABHMAC },
		},
		{
			"tls.acme.http_listen", "", nil, "Address and port that answer the authority's HTTP-01 question and send browsers to the portal, " +
				"usually \":80\". Without a value the portal's own port answers (TLS-ALPN-01), which has to be reachable as 443.",
			func(c *Config) any { return &c.TLS.ACME.HTTPListen },
		},

		{
			"log.level", "info",
			[]string{"debug", "info", "warn", "error"},
			"Least important lines that are logged.",
			func(c *Config) any { return &c.Log.Level },
		},
		{
			"log.format", logAuto,
			[]string{logAuto, logText, logJSON, logJournal},
			"auto writes for the systemd journal where it listens, else text.",
			func(c *Config) any { return &c.Log.Format },
		},

		{
			"outbound.proxy", "", nil, "HTTP proxy for all connections to booking systems and authorities, for example http://proxy.example.com:3128.",
			func(c *Config) any { return &c.Outbound.Proxy },
		},
		{
			"outbound.proxy_user", "", nil, "Account at the proxy.",
			func(c *Config) any { return &c.Outbound.ProxyUser },
		},
		{
			"outbound.proxy_password", "", nil, "Password at the proxy.",
			func(c *Config) any { return &c.Outbound.ProxyPassword },
		},
		{
			"outbound.no_proxy", "", nil, "Hosts, domains (.example.com) and networks that are reached without the proxy.",
			func(c *Config) any { return &c.Outbound.NoProxy },
		},
		{
			"outbound.ca_file", "", nil, "Further root certificates in PEM that servers may be signed by.",
			func(c *Config) any { return &c.Outbound.CAFile },
		},
		{
			"outbound.allow_loopback", "false", nil, "Whether booking systems on this very machine may be connected.",
			func(c *Config) any { return &c.Outbound.AllowLoopback },
		},

		{
			"limits.connections", "4096", nil, "Open connections for each listener; further ones wait.",
			func(c *Config) any { return &c.Limits.Connections },
		},
		{
			"limits.request_bytes", "16777216", nil, "Largest body of one request in bytes.",
			func(c *Config) any { return &c.Limits.RequestBytes },
		},
		{
			"limits.stop_timeout", "20s", nil, "How long requests that are under way may take when the server stops.",
			func(c *Config) any { return &c.Limits.StopTimeout },
		},
	}
}

// setConfig puts raw, a value of a TOML file or a string of the environment, into what ptr points to.
// In a string, the members of a list stand between commas or white space.
func setConfig(ptr, raw any) error {
	s, isString := raw.(string)
	switch p := ptr.(type) {
	case *string:
		if !isString {
			return fmt.Errorf("wants text in quotes, not %s", tomlKind(raw))
		}
		*p = s
	case *TLSMode:
		if !isString {
			return fmt.Errorf("wants text in quotes, not %s", tomlKind(raw))
		}
		*p = TLSMode(s)
	case *secret.Text:
		if !isString {
			return fmt.Errorf("wants text in quotes, not %s", tomlKind(raw))
		}
		*p = secret.New(s)
	case *bool:
		b, ok := raw.(bool)
		if isString {
			var err error
			b, err = strconv.ParseBool(s)
			ok = err == nil
		}
		if !ok {
			return fmt.Errorf("wants true or false")
		}
		*p = b
	case *int:
		n, err := wholeNumber(raw)
		if err != nil {
			return err
		}
		*p = int(n)
	case *int64:
		n, err := wholeNumber(raw)
		if err != nil {
			return err
		}
		*p = n
	case *time.Duration:
		d, err := time.ParseDuration(s)
		if err != nil {
			return fmt.Errorf("wants a time such as \"20s\" or \"2m\"")
		}
		*p = d
	case *slog.Level:
		if err := p.UnmarshalText([]byte(s)); err != nil {
			return fmt.Errorf("wants debug, info, warn or error")
		}
	case *[]string:
		list, err := stringList(raw)
		if err != nil {
			return err
		}
		*p = list
	case *[]netip.Prefix:
		list, err := stringList(raw)
		if err != nil {
			return err
		}
		prefixes := make([]netip.Prefix, 0, len(list))
		for _, item := range list {
			prefix, err := parsePrefix(item)
			if err != nil {
				return err
			}
			prefixes = append(prefixes, prefix)
		}
		*p = prefixes
	default:
		panic(fmt.Sprintf("no way to set a %T", ptr)) // a mistake in configKeys, which a test finds
	}
	return nil
}

func wholeNumber(raw any) (int64, error) {
	switch v := raw.(type) {
	case int64:
		return v, nil
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("wants a whole number")
}

func stringList(raw any) ([]string, error) {
	switch v := raw.(type) {
	case string:
		return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }), nil
	case []any:
		list := make([]string, 0, len(v))
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("wants a list of texts, but %v is none", item)
			}
			list = append(list, s)
		}
		return list, nil
	}
	return nil, fmt.Errorf("wants a list such as [\"a\", \"b\"]")
}

func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", s)
	}
	return prefix.Masked(), nil
}

func tomlKind(v any) string {
	switch v.(type) {
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	case []any, []map[string]any:
		return "a list"
	case map[string]any:
		return "a table"
	case time.Time:
		return "a date"
	}
	return "nothing"
}

// showConfig returns the value that ptr points to in TOML; of a secret it shows *** or nothing.
func showConfig(ptr any) string {
	switch p := ptr.(type) {
	case *string:
		return tomlString(*p)
	case *TLSMode:
		return tomlString(string(*p))
	case *secret.Text:
		return tomlString(p.String())
	case *bool:
		return strconv.FormatBool(*p)
	case *int:
		return strconv.Itoa(*p)
	case *int64:
		return strconv.FormatInt(*p, 10)
	case *time.Duration:
		return tomlString(p.String())
	case *slog.Level:
		return tomlString(strings.ToLower(p.String()))
	case *[]string:
		return tomlList(*p)
	case *[]netip.Prefix:
		list := make([]string, len(*p))
		for i, prefix := range *p {
			list[i] = prefix.String()
		}
		return tomlList(list)
	}
	panic(fmt.Sprintf("no way to show a %T", ptr))
}

func tomlList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = tomlString(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// tomlString quotes s as a basic string of TOML 1.0.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
