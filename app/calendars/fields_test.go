package calendars

import (
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/connectors/outbound"
	"lintel/store"
)

func secrets(pairs ...string) map[string]secret.Text {
	m := map[string]secret.Text{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = secret.New(pairs[i+1])
	}
	return m
}

// guid is an application's id.
const guid = "8d6f0c1e-0000-4000-8000-1234567890ab"

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
		{"a secret is missing", Connection{Kind: "graph", Name: "M", Settings: map[string]string{"tenant": "t.example", "client_id": guid, "auth": "secret"}}, nil, "secret"},
		{"a certificate needs none", Connection{Kind: "graph", Name: "M", Settings: map[string]string{"tenant": "t.example", "client_id": guid}}, nil, ""},
		{"a day that is none", Connection{Kind: "graph", Name: "M", Settings: map[string]string{"tenant": "t.example", "client_id": guid, "auth": "secret", "secret_expires": "soon"}, Secrets: secrets("secret", "s")}, nil, "secret_expires"},
		{"a tenant that is none", Connection{Kind: "graph", Name: "M", Settings: map[string]string{"tenant": "not a tenant!!", "client_id": guid}}, nil, "tenant"},
		{"an application that is none", Connection{Kind: "graph", Name: "M", Settings: map[string]string{"tenant": "t.example", "client_id": "nonsense"}}, nil, "client_id"},
		{"an id in braces", Connection{Kind: "graph", Name: "M", Settings: map[string]string{"tenant": "{" + guid + "}", "client_id": guid}}, nil, "tenant"},
		{"a mailbox that is none", Connection{Kind: "graph", Name: "M", Settings: map[string]string{"tenant": guid, "client_id": guid, "normal_mailbox": "anna"}}, nil, "normal_mailbox"},
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

// All that is wrong is said at once.
func TestAllWrongFieldsAreNamed(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }
	s := New(Options{Now: now, Kinds: Systems(now)})
	_, err := s.validate(Connection{Kind: "ews", URL: "ftp://x", Settings: map[string]string{"booking": "invite", "account": "nobody"}}, nil)
	p := problem.Of(err)
	if p == nil {
		t.Fatalf("got %v", err)
	}
	for _, field := range []string{"name", "url", "username", "account"} {
		if p.Fields[field] == "" {
			t.Errorf("%s is not blamed: %v", field, p.Fields)
		}
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

// real makes a bench speak to the real kinds of systems.
func (b *bench) real() {
	b.t.Helper()
	out, err := outbound.New(outbound.Options{Version: "1", Now: b.o.Now})
	if err != nil {
		b.t.Fatal(err)
	}
	b.o.Kinds, b.o.Out = Systems(b.o.Now), out
}

// What a connector can't be made of is refused with the field to blame, before it is stored.
func TestUnusableSettingsAreRefused(t *testing.T) {
	t.Parallel()
	graph := func(more ...string) map[string]string {
		m := map[string]string{"tenant": "t.example", "client_id": guid}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	exchange := func(url string, more ...string) Connection {
		c := Connection{Kind: "ews", URL: url, Username: "svc@example.com", Settings: map[string]string{}, Secrets: secrets("password", "x")}
		for i := 0; i+1 < len(more); i += 2 {
			c.Settings[more[i]] = more[i+1]
		}
		return c
	}
	cases := map[string]struct {
		typed Connection
		field string
	}{
		"a key that is no JSON":            {Connection{Kind: "google", Secrets: secrets("key", "{garbage")}, "key"},
		"a key of another sort":            {Connection{Kind: "google", Secrets: secrets("key", `{"type":"authorized_user"}`)}, "key"},
		"a key with a damaged key":         {Connection{Kind: "google", Secrets: secrets("key", `{"type":"service_account","client_email":"a@b.example","private_key_id":"1","private_key":"x","token_uri":"https://oauth2.googleapis.com/token"}`)}, "key"},
		"an authority with a path":         {Connection{Kind: "graph", Settings: graph("authority", "https://login.example.com/path")}, "authority"},
		"Exchange Online":                  {exchange("outlook.office365.com"), "url"},
		"a password in clear over the net": {exchange("http://mail.example.com"), "url"},
		"a pin that is none":               {exchange("mail.example.com", "pins", "abc"), "pins"},
		"a realm that nobody named":        {func() Connection { c := exchange("mail.example.com", "auth", "kerberos"); c.Username = "svc"; return c }(), "realm"},
		"a keytab that is none": {func() Connection {
			c := exchange("mail.example.com", "auth", "kerberos")
			c.Secrets = secrets("keytab", "bm9uZQ==")
			return c
		}(), "keytab"},
		"hosts of pictures without an https": {Connection{Kind: "connector", URL: "https://rooms.example.com/", Username: "u", Secrets: secrets("password", "x"), Settings: map[string]string{"image_hosts": "pictures"}}, "image_hosts"},
		"an authority that is damaged":       {Connection{Kind: "caldav", URL: "https://cloud.example.com/", CAPEM: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "ca"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.real()
			c.typed.Name = "Typed"
			_, err := b.Connect(t.Context(), admin, c.typed)
			if p := problem.Of(err); p == nil || p.Fields[c.field] == "" {
				t.Errorf("want field %s to be wrong, got %v", c.field, err)
			}
			if _, err := b.Check(t.Context(), admin, "", c.typed, CheckOptions{}); problem.Of(err) == nil || problem.Of(err).Fields[c.field] == "" {
				t.Errorf("tried without saving: %v", err)
			}
			if n := len(b.Statuses()); n != 1 {
				t.Errorf("%d systems are there", n)
			}
		})
	}
}

// A certificate is made for a form that is right otherwise, as that takes a while; and only for one that needs it.
func TestCertificateIsMadeLast(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.real()
	kind, made := b.o.Kinds["graph"], 0
	graphs := kind.Make
	kind.Make = func(y *store.System, now time.Time, openable func(store.System) error) error {
		err := graphs(y, now, openable)
		if _, ok := y.Secrets[ownCertificate]; ok {
			made++
		}
		return err
	}
	b.o.Kinds["graph"] = kind
	typed := func(name string, settings ...string) Connection {
		c := Connection{Kind: "graph", Name: name, Settings: map[string]string{"tenant": "t.example", "client_id": guid}}
		for i := 0; i+1 < len(settings); i += 2 {
			c.Settings[settings[i]] = settings[i+1]
		}
		return c
	}
	damaged := typed("M")
	damaged.CAPEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
	for field, c := range map[string]Connection{
		"tenant": typed("M", "tenant", "not a tenant!!"), "name": typed("Script"), "authority": typed("M", "authority", "https://login.example.com/path"), "ca": damaged,
	} {
		_, err := b.Connect(t.Context(), admin, c)
		if p := problem.Of(err); p == nil || p.Fields[field] == "" || made > 0 {
			t.Errorf("%s: %d made, %v", field, made, err)
		}
	}
	if p := problem.Of(second(b.Connect(t.Context(), admin, typed("Script", "client_id", "nonsense")))); p == nil || len(p.Fields) != 2 {
		t.Errorf("a name that is taken and a wrong field: %v", p)
	}
	withSecret := typed("Secret", "auth", "secret")
	withSecret.Secrets = secrets("secret", "s")
	for want, c := range []Connection{withSecret, typed("M")} {
		if _, err := b.Connect(t.Context(), admin, c); err != nil || made != want {
			t.Errorf("%s: %d made, %v", c.Name, made, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A stored system of which no connector can be made, by whatever fault, stands beside the others and can be deleted.
func TestBrokenSystemIsBorne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.real()
	id := store.NewID[store.SystemID]()
	if err := b.st.Update(t.Context(), func(tx *store.Tx) error {
		return tx.SaveSystem(store.System{ID: id, Kind: "google", Name: "Broken", Secrets: secrets("key", "{garbage")})
	}); err != nil {
		t.Fatal(err)
	}
	again := New(b.o)
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, st := range again.Statuses() {
		found = found || st.System.ID == id && st.OpenErr != nil && st.Caps == 0
	}
	if !found || len(again.Expiries()) != 0 {
		t.Errorf("statuses: %+v", again.Statuses())
	}
	if err := again.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := again.Disconnect(t.Context(), admin, id); err != nil {
		t.Fatal(err)
	}
}

// The address of a feed is blamed by its field, and nothing is attached.
func TestAddressOfAFeedIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.real()
	id, err := b.Connect(t.Context(), admin, Connection{Kind: "ics", Name: "Feeds"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Detach(t.Context(), admin, b.ws); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"not an address", "feeds.example/x.ics", "ftp://feeds.example/x.ics"} {
		p := problem.Of(b.Attach(t.Context(), admin, b.ws, id, address))
		if p == nil || p.Kind != problem.Invalid || p.Fields["address"] != "systems.url_invalid" {
			t.Errorf("%s: %+v", address, p)
		}
	}
}
