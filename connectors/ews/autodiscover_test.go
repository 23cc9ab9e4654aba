package ews_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/ews"
	"lintel/connectors/ews/ewstest"
	"lintel/connectors/outbound"
)

// directory is an organisation's own server with a proxy to all others, which refuses and remembers.
type directory struct {
	*httptest.Server
	mu       sync.Mutex
	asked    []string // hosts
	signed   int      // requests with a name and password
	answer   func(w http.ResponseWriter)
	password string
}

func newDirectory(t *testing.T, answer func(w http.ResponseWriter)) *directory {
	d := &directory{answer: answer, password: ewstest.Password}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.asked = append(d.asked, r.Host)
		_, password, signed := r.BasicAuth()
		switch {
		case r.Method == http.MethodConnect:
			w.WriteHeader(http.StatusBadGateway)
			return
		case signed:
			d.signed++
		}
		if password != d.password {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w)
	}))
	t.Cleanup(d.Close)
	return d
}

func pox(account string) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Account>%s</Account></Response></Autodiscover>`, account)
	}
}

func protocol(kind, url string) string {
	return `<Protocol><Type>` + kind + `</Type><EwsUrl>` + url + `</EwsUrl></Protocol>`
}

func TestAutodiscover(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   ews.Found
		kind   connectors.Kind
		said   string
		cure   string
		asked  []string // other hosts than the typed one
	}{
		"inside before outside": {
			answer: pox(protocol("EXPR", "https://outside.rooms.test/EWS/Exchange.asmx") + protocol("EXCH", "https://mail.rooms.test/EWS/Exchange.asmx")),
			want:   ews.Found{URL: "https://mail.rooms.test/EWS/Exchange.asmx"},
		},
		"in another domain": {
			answer: pox(protocol("EXPR", "https://mail.hoster.example/EWS/Exchange.asmx")),
			want:   ews.Found{URL: "https://mail.hoster.example/EWS/Exchange.asmx", Foreign: true},
		},
		"Exchange Online": {
			answer: pox(protocol("EXCH", "https://outlook.office365.com/EWS/Exchange.asmx")),
			kind:   connectors.Unsupported, said: "outlook.office365.com", cure: "calendar.cure.exchange_online",
		},
		"redirection to Exchange Online": {
			answer: pox("<RedirectUrl>https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml</RedirectUrl>"),
			kind:   connectors.Unsupported, said: "autodiscover-s.outlook.com", cure: "calendar.cure.exchange_online",
		},
		"redirection to another domain": {
			answer: pox("<RedirectUrl>https://autodiscover.rooms.test.evil.example/autodiscover/autodiscover.xml</RedirectUrl>"),
			kind:   connectors.Trust, said: "autodiscover.rooms.test.evil.example", cure: "calendar.cure.autodiscover_elsewhere",
		},
		"redirection to http": {
			answer: pox("<RedirectUrl>http://autodiscover.rooms.test/autodiscover/autodiscover.xml</RedirectUrl>"),
			kind:   connectors.Trust, said: "autodiscover.rooms.test", cure: "calendar.cure.autodiscover_elsewhere",
		},
		"redirection to an address elsewhere": {
			answer: pox("<RedirectAddr>svc@evil.example</RedirectAddr>"),
			kind:   connectors.Trust, said: "autodiscover.evil.example", cure: "calendar.cure.autodiscover_elsewhere",
		},
		"HTTP redirection elsewhere": {
			answer: func(w http.ResponseWriter) {
				w.Header().Set("Location", "https://evil.example/autodiscover/autodiscover.xml")
				w.WriteHeader(http.StatusFound)
			},
			kind: connectors.Trust, said: "evil.example", cure: "calendar.cure.autodiscover_elsewhere",
		},
		"redirection within the domain": {
			answer: pox("<RedirectUrl>https://deep.in.rooms.test/autodiscover/autodiscover.xml</RedirectUrl>"),
			kind:   connectors.NotFound, cure: "calendar.cure.no_autodiscover",
			asked: []string{"deep.in.rooms.test:443", "autodiscover.rooms.test:443", "rooms.test:443"},
		},
		"in a circle": {
			answer: pox("<RedirectAddr>svc@rooms.test</RedirectAddr>"),
			kind:   connectors.NotFound, cure: "calendar.cure.no_autodiscover",
			asked: []string{"autodiscover.rooms.test:443", "rooms.test:443"},
		},
		"a web page": {
			answer: func(w http.ResponseWriter) { fmt.Fprint(w, "<html>welcome</html>") },
			kind:   connectors.NotFound, cure: "calendar.cure.no_autodiscover",
			asked: []string{"autodiscover.rooms.test:443", "rooms.test:443"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDirectory(t, tc.answer)
			out, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: time.Now, Proxy: secret.New(d.URL)})
			must(t, err)
			got, err := ews.Autodiscover(t.Context(), out, ews.Discovery{
				Address: "svc@rooms.test", Hosts: []string{d.URL},
				Credentials: outbound.Credentials{Scheme: outbound.Basic, User: "u", Password: secret.New(ewstest.Password)},
			})
			if got != tc.want || connectors.KindOf(err) != tc.kind || tc.cure != "" && connectors.CureOf(err) != tc.cure {
				t.Errorf("got %+v, %v with cure %s", got, err, connectors.CureOf(err))
			}
			if tc.said != "" && connectors.SaidOf(err) != tc.said {
				t.Errorf("said %q", connectors.SaidOf(err))
			}
			others := slices.DeleteFunc(d.asked, func(h string) bool { return strings.Contains(d.URL, h) })
			if !slices.Equal(others, tc.asked) {
				t.Errorf("asked %v", others)
			}
		})
	}
	t.Run("a wrong password is tried once", func(t *testing.T) {
		t.Parallel()
		d := newDirectory(t, pox(""))
		d.password = "other"
		_, err := ews.Autodiscover(t.Context(), newOutbound(t), ews.Discovery{
			Address: "svc@rooms.test", Hosts: []string{d.URL},
			Credentials: outbound.Credentials{Scheme: outbound.Basic, User: "u", Password: secret.New(ewstest.Password)},
		})
		if !errors.Is(err, connectors.Auth) || d.signed != 1 || len(d.asked) != 2 {
			t.Errorf("%v after %d requests, %d with a password", err, len(d.asked), d.signed)
		}
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"mail.example.com":                                "https://mail.example.com/EWS/Exchange.asmx",
		" mail.example.com:8443/ ":                        "https://mail.example.com:8443/EWS/Exchange.asmx",
		"https://mail.example.com/EWS/Exchange.asmx?wsdl": "https://mail.example.com/EWS/Exchange.asmx",
		"https://mail.example.com/other":                  "https://mail.example.com/other",
		"":                                                "", "https://": "", "https://u:p@mail.example.com": "", "ftp://mail.example.com": "", "http://mail.example.com": "",
		"outlook.office365.com": "online", "https://outlook.office365.us/EWS/Exchange.asmx": "online", "webmail.apps.outlook.com": "online", "partner.outlook.cn": "online",
		"outlook.example.com": "https://outlook.example.com/EWS/Exchange.asmx",
	} {
		c, err := ews.New(newOutbound(t), ews.Config{URL: address, Now: time.Now})
		switch {
		case want == "online":
			if connectors.CureOf(err) != "calendar.cure.exchange_online" || connectors.KindOf(err) != connectors.Unsupported {
				t.Errorf("%q: %v", address, err)
			}
		case (err == nil) != (want != ""):
			t.Errorf("%q: %v", address, err)
		case err == nil && ews.URL(c) != want:
			t.Errorf("%q: %s", address, ews.URL(c))
		}
	}
	for name, cfg := range map[string]ews.Config{
		"access":                   {Access: "full"},
		"invite without a mailbox": {Invite: true},
		"invite with times only":   {Invite: true, Access: ews.FreeBusy, Account: "svc@rooms.test"},
		"authority":                {CA: []byte("no PEM")},
		"pin":                      {Pins: []string{"xyz"}},
	} {
		cfg.URL, cfg.Now = "mail.example.com", time.Now
		if _, err := ews.New(newOutbound(t), cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
