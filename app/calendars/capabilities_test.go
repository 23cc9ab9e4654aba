package calendars

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"testing"
	"time"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

// What the table says of a kind is what its connectors say of themselves, however they are connected.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }
	out, err := outbound.New(outbound.Options{Version: "1", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "lintel@project.iam.gserviceaccount.com", "private_key_id": "k",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "https://oauth2.googleapis.com/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string][]Connection{
		"ews": {
			{URL: "mail.example.com", Username: `EX\svc`, Secrets: secrets("password", "x")},
			{URL: "mail.example.com", Username: `EX\svc`, Secrets: secrets("password", "x"), Settings: map[string]string{"access": "free_busy"}},
			{URL: "mail.example.com", Username: `EX\svc`, Secrets: secrets("password", "x"), Settings: map[string]string{"booking": invite, "account": "svc@example.com"}},
		},
		"graph": {
			{Settings: map[string]string{"tenant": "example.com", "client_id": guid}},
			{Settings: map[string]string{"tenant": "example.com", "client_id": guid, "booking": invite, "account": "svc@example.com"}},
		},
		"google": {
			{Secrets: secrets("key", string(account))},
			{Secrets: secrets("key", string(account)), Settings: map[string]string{"subject": "admin@example.com", "booking": invite, "inviter": "rooms@example.com"}},
		},
		"caldav": {{URL: "https://cloud.example.com/dav/"}},
		"ics":    {{URL: "https://feeds.example.com/"}},
		"connector": {
			{URL: "https://booking.example.com/connector", Username: "lintel", Secrets: secrets("password", "x")},
		},
	}
	kinds := Systems(now)
	s := New(Options{Now: now, Kinds: kinds, Out: out})
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			always, perhaps := Capabilities(name)
			if always == 0 || always&perhaps != 0 {
				t.Fatalf("always %b, perhaps %b", always, perhaps)
			}
			if kind.Pushed {
				return // it has no connector that could say
			}
			all, any := ^connectors.Caps(0), connectors.Caps(0)
			for _, c := range ways[name] {
				c.Kind, c.Name = name, name
				y, err := s.validate(c, nil)
				if err == nil {
					err = s.complete(&y)
				}
				if err != nil {
					t.Fatal(err)
				}
				conn, err := kind.Open(out, y, nil)
				if err != nil {
					t.Fatal(err)
				}
				all, any = all&conn.Caps(), any|conn.Caps()
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
			}
			if all != always || any != always|perhaps {
				t.Errorf("always %b, perhaps %b; the connectors say %b and %b", always, perhaps, all, any&^all)
			}
		})
	}
	if always, perhaps := Capabilities("fax"); always != 0 || perhaps != 0 {
		t.Error("an unknown kind can do something")
	}
}
