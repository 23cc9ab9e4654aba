package google_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/google"
	"lintel/connectors/google/googletest"
)

func TestKeyFile(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	change := func(f func(map[string]any)) string {
		var file map[string]any
		if err := json.Unmarshal([]byte(s.Key()), &file); err != nil {
			t.Fatal(err)
		}
		f(file)
		b, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	set := func(name string, value any) string { return change(func(m map[string]any) { m[name] = value }) }
	const short = "-----BEGIN PRIVATE KEY-----\nMIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEAq7BFUpkGp3+LQmlQ\n-----END PRIVATE KEY-----\n"
	for name, tt := range map[string]struct{ file, said string }{
		"good":                {s.Key(), ""},
		"nothing":             {"", "missing"},
		"no JSON":             {"-----BEGIN PRIVATE KEY-----", "no JSON"},
		"OAuth client":        {`{"installed":{"client_id":"x"}}`, "OAuth client"},
		"OAuth client of web": {`{"web":{"client_id":"x"}}`, "OAuth client"},
		"a user's":            {set("type", "authorized_user"), "service_account"},
		"no address":          {set("client_email", ""), "client_email"},
		"no id":               {set("private_key_id", ""), "private_key_id"},
		"no key":              {set("private_key", ""), "PEM"},
		"a certificate":       {set("private_key", strings.ReplaceAll(short, "PRIVATE KEY", "CERTIFICATE")), "PEM"},
		"a damaged key":       {set("private_key", short), "damaged"},
		"another cloud":       {set("universe_domain", "example.cloud"), "another cloud"},
		"evil token_uri":      {set("token_uri", "https://oauth2.googleapis.com.evil.example/token"), "not Google's"},
		"plain token_uri":     {set("token_uri", "http://oauth2.googleapis.com/token"), "not Google's"},
		"token_uri with port": {set("token_uri", "https://oauth2.googleapis.com:8443/token"), "not Google's"},
		"token_uri with user": {set("token_uri", "https://x@oauth2.googleapis.com/token"), "no URL"},
		"no token_uri":        {set("token_uri", ""), "no URL"},
	} {
		_, err := google.New(newOutbound(t), google.Config{Key: secret.New(tt.file), Now: time.Now})
		if tt.said == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var e *connectors.Error
		if !errors.As(err, &e) || e.Kind != connectors.Invalid || !strings.Contains(e.Said, tt.said) || e.Cure != "calendar.cure.google_key_file" {
			t.Errorf("%s: %v", name, err)
		}
		clean(t, s, err)
	}
	for name, change := range map[string]func(*google.Config){
		"a name as subject":        func(c *google.Config) { c.Subject = "Ada Example" },
		"delegation for nobody":    func(c *google.Config) { c.AsSubject = true },
		"invitations by nobody":    func(c *google.Config) { c.Invite = true },
		"an inviter without an at": func(c *google.Config) { c.Invite, c.Inviter = true, "booker" },
	} {
		cfg := google.Config{Key: secret.New(s.Key()), Now: time.Now}
		change(&cfg)
		_, err := google.New(newOutbound(t), cfg)
		cured(t, s, err, connectors.Invalid, "google_subject")
		_ = name
	}
	if calls := s.Calls(); len(calls) != 0 {
		t.Errorf("New has sent %d requests", len(calls))
	}
}
