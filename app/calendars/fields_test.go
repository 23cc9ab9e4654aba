package calendars

import (
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
)

func secrets(pairs ...string) map[string]secret.Text {
	m := map[string]secret.Text{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = secret.New(pairs[i+1])
	}
	return m
}

func TestValidate(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }
	s := New(Options{Now: now, Kinds: Systems(now)})
	stored := &store.System{
		Kind: "caldav", Name: "Cloud", URL: "https://cloud.example.com/dav/", Username: "svc", Secrets: secrets("password", "old"),
	}
	cases := []struct {
		name  string
		typed Connection
		old   *store.System
		field string // that is wrong; "" = all is well
	}{
		{"unknown kind", Connection{Kind: "fax", Name: "Fax"}, nil, "kind"},
		{"no name", Connection{Kind: "ics"}, nil, "name"},
		{"no address", Connection{Kind: "caldav", Name: "C"}, nil, "url"},
		{"password in the address", Connection{Kind: "caldav", Name: "C", URL: "https://a:b@cloud.example.com/"}, nil, "url"},
		{"a host alone where an address is wanted", Connection{Kind: "caldav", Name: "C", URL: "cloud.example.com"}, nil, "url"},
		{"a host alone", Connection{Kind: "ews", Name: "E", URL: "mail.example.com", Username: "svc", Secrets: secrets("password", "x")}, nil, ""},
		{"no user", Connection{Kind: "ews", Name: "E", URL: "mail.example.com", Secrets: secrets("password", "x")}, nil, "username"},
		{"a choice that there is not", Connection{Kind: "ews", Name: "E", URL: "mail.example.com", Username: "svc", Settings: map[string]string{"auth": "telepathy"}, Secrets: secrets("password", "x")}, nil, "auth"},
		{"what does not count is not asked for", Connection{Kind: "ews", Name: "E", URL: "mail.example.com", Username: "svc", Settings: map[string]string{"booking": "direct"}, Secrets: secrets("password", "x")}, nil, ""},
		{"what counts is", Connection{Kind: "ews", Name: "E", URL: "mail.example.com", Username: "svc", Settings: map[string]string{"booking": "invite"}, Secrets: secrets("password", "x")}, nil, "account"},
		{"a secret is missing", Connection{Kind: "graph", Name: "M", Settings: map[string]string{"tenant": "t.example", "client_id": "a", "auth": "secret"}}, nil, "secret"},
		{"a certificate needs none", Connection{Kind: "graph", Name: "M", Settings: map[string]string{"tenant": "t.example", "client_id": "a"}}, nil, ""},
		{"a day that is none", Connection{Kind: "graph", Name: "M", Settings: map[string]string{"tenant": "t.example", "client_id": "a", "auth": "secret", "secret_expires": "soon"}, Secrets: secrets("secret", "s")}, nil, "secret_expires"},
		{"no certificate in the authority", Connection{Kind: "caldav", Name: "C", URL: "https://cloud.example.com/", CAPEM: "hello"}, nil, "ca"},
		{"kept for the same server", Connection{Kind: "caldav", Name: "C", URL: "https://cloud.example.com/other/", Username: "svc"}, stored, ""},
		{"not kept for another", Connection{Kind: "caldav", Name: "C", URL: "https://evil.example.com/dav/", Username: "svc"}, stored, "password"},
		{"not kept without TLS", Connection{Kind: "caldav", Name: "C", URL: "http://cloud.example.com/dav/", Username: "svc"}, stored, "password"},
		{"not kept at another port", Connection{Kind: "caldav", Name: "C", URL: "https://cloud.example.com:444/dav/", Username: "svc"}, stored, "password"},
		{"typed again", Connection{Kind: "caldav", Name: "C", URL: "https://other.example.com/", Username: "svc", Secrets: secrets("password", "new")}, stored, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			y, err := s.validate(c.typed, c.old)
			p := problem.Of(err)
			switch {
			case c.field == "" && err != nil:
				t.Fatalf("refused: %v", err)
			case c.field != "" && (p == nil || p.Fields[c.field] == ""):
				t.Fatalf("want field %s to be wrong, got %v", c.field, err)
			}
			if c.name == "kept for the same server" && y.Secrets["password"].Reveal() != "old" {
				t.Error("the stored password was lost")
			}
			if c.name == "what does not count is not asked for" && y.Settings["account"] != "" {
				t.Error("a field that does not count is kept")
			}
		})
	}
}

// Every kind opens from the least that has to be typed, and says of itself what the fields promise.
func TestKindsOpen(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }
	for name, kind := range Systems(now) {
		seen := map[string]Field{}
		for _, f := range kind.Fields {
			if _, twice := seen[f.Name]; twice {
				t.Errorf("%s asks twice for %s", name, f.Name)
			}
			if f.Type == Choice && len(f.Options) < 2 {
				t.Errorf("%s: %s is no choice", name, f.Name)
			}
			if of, ok := seen[f.Only]; f.Only != "" && (!ok || of.Type != Choice) {
				t.Errorf("%s: %s counts by %s, which is no choice before it", name, f.Name, f.Only)
			}
			seen[f.Name] = f
		}
		if !kind.Pushed && kind.Open == nil || kind.Every <= 0 && !kind.Pushed {
			t.Errorf("%s can't be opened", name)
		}
	}
}
