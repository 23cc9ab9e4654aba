//go:build judges

package kerberos

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// need returns what packaging/judges/signin has put into the environment.
func need(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Skipf("%s is not set: packaging/judges/signin sets it", name)
	}
	return v
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(need(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// judge is a client of one judge and what it has sent.
type judge struct {
	*outbound.Client
	base     string
	mu       sync.Mutex
	trace    []outbound.Exchange
	contacts []outbound.Contact
}

// newJudge signs in with a password, to the host that the judge's ticket names although it is reached
// by its address.
func newJudge(t *testing.T, base string, change ...func(*Config)) *judge {
	t.Helper()
	j := &judge{base: base}
	out, err := outbound.New(outbound.Options{AllowLoopback: true, Now: time.Now, Record: func(c outbound.Contact) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.contacts = append(j.contacts, c)
	}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		User: need(t, "LINTEL_JUDGE_USER"), Password: secret.New(need(t, "LINTEL_JUDGE_PASSWORD")), Realm: need(t, "LINTEL_JUDGE_REALM"),
		KDCs: []string{need(t, "LINTEL_JUDGE_KDC")}, SPN: "HTTP/" + need(t, "LINTEL_JUDGE_HOST"), Purpose: "judge", Now: time.Now,
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := New(out, cfg)
	if err != nil {
		t.Fatal(err)
	}
	j.Client, err = out.Client(outbound.ClientOptions{
		Purpose: "judge", Hosts: []string{base}, CA: append(read(t, "LINTEL_JUDGE_CA"), read(t, "LINTEL_JUDGE_CA384")...), Credentials: s.Credentials(),
		Trace: func(e outbound.Exchange) {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.trace = append(j.trace, e)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j
}

func (j *judge) post(path string, body []byte) (*outbound.Response, error) {
	u, err := url.Parse(j.base + path)
	if err != nil {
		return nil, err
	}
	r, err := j.Do(context.Background(), outbound.Request{Op: "judge", Method: "POST", URL: u, Body: body})
	if err == nil {
		err = r.Err()
	}
	return r, err
}

func (j *judge) counts(t *testing.T) (handshakes, refused int) {
	t.Helper()
	r, err := j.post("/counts", nil)
	if err != nil {
		t.Fatal(err)
	}
	var connections int
	if _, err := fmt.Sscan(string(r.Body), &connections, &handshakes, &refused); err != nil {
		t.Fatal(err)
	}
	return handshakes, refused
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func TestJudgeApache(t *testing.T) {
	base := need(t, "LINTEL_JUDGE_WEB_KERBEROS")
	for name, change := range map[string]func(*Config){
		"password": func(*Config) {},
		"keytab": func(c *Config) {
			c.Password, c.Keytab = secret.Text{}, secret.New(string(read(t, "LINTEL_JUDGE_KEYTAB")))
		},
		"krb5.conf": func(c *Config) { c.Realm, c.KDCs, c.Krb5Conf = "", nil, string(read(t, "LINTEL_JUDGE_KRB5CONF")) },
		"realm in the name, first centre silent": func(c *Config) {
			c.User, c.Realm, c.KDCs = c.User+"@rooms.test", "", []string{"127.0.0.1:1", c.KDCs[0]}
		},
	} {
		j := newJudge(t, base, change)
		for i := range 20 {
			if _, err := j.post("/", []byte("x")); err != nil {
				t.Fatalf("%s: request %d: %v", name, i, err)
			}
		}
		if got := len(j.trace); got != 21 {
			t.Errorf("%s: %d exchanges for 20 requests on one connection, want 21", name, got)
		}
		if _, err := j.post("/", bytes.Repeat([]byte("x"), 200_000)); err != nil {
			t.Errorf("%s: a large body: %v", name, err)
		}
		centres := 0
		for _, c := range j.contacts {
			if u, _ := url.Parse(base); fmt.Sprint(c.Port) != u.Port() {
				centres++
			}
		}
		if centres < 3 {
			t.Errorf("%s: %d connections to centres are recorded, want at least 3: two to sign in, one for the service", name, centres)
		}
	}
}

// A server that forgets the sign-in after each request gets a ticket at once with each, after the first three.
func TestJudgeApacheForgets(t *testing.T) {
	j := newJudge(t, need(t, "LINTEL_JUDGE_WEB_KERBEROS"))
	for i := range 10 {
		if _, err := j.post("/forgets/", []byte("x")); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	if got := len(j.trace); got != 13 {
		t.Errorf("%d exchanges for 10 requests, want 13", got)
	}
}

func TestJudgeBound(t *testing.T) {
	base := need(t, "LINTEL_JUDGE_BOUND_KERBEROS") // its certificate is signed with SHA-384
	for _, tt := range []struct {
		binding outbound.Binding
		kind    connectors.Kind
		cure    string
	}{
		{outbound.BindingAuto, "", ""},
		{outbound.BindingAlways, "", ""},
		{outbound.BindingNever, connectors.Auth, "calendar.cure.kerberos_ticket"},
	} {
		j := newJudge(t, base, func(c *Config) { c.Binding = tt.binding })
		signed, refused := j.counts(t)
		body := bytes.Repeat([]byte("z"), 200_000)
		r, err := j.post("/", body)
		if connectors.KindOf(err) != tt.kind || connectors.CureOf(err) != tt.cure {
			t.Fatalf("%q: %v", tt.binding, err)
		}
		signed2, refused2 := j.counts(t)
		if tt.kind != "" {
			if signed2 != signed || refused2 != refused+1 {
				t.Errorf("%q: %d sign-ins and %d refusals more", tt.binding, signed2-signed, refused2-refused)
			}
			continue
		}
		if string(r.Body) != sum(body) {
			t.Errorf("%q: the body did not arrive whole", tt.binding)
		}
		if signed2 != signed+1 || refused2 != refused {
			t.Errorf("%q: %d sign-ins and %d refusals more", tt.binding, signed2-signed, refused2-refused)
		}
	}
}

func TestJudgeParallel(t *testing.T) {
	j := newJudge(t, need(t, "LINTEL_JUDGE_BOUND_KERBEROS"))
	before, _ := j.counts(t)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			body := []byte(strings.Repeat("y", 1000*i))
			r, err := j.post("/", body)
			if err != nil || string(r.Body) != sum(body) {
				t.Errorf("request %d: %v", i, err)
			}
		}()
	}
	wg.Wait()
	after, _ := j.counts(t)
	if n := after - before; n < 1 || n > 4 {
		t.Errorf("%d sign-ins, want at most one for each of 4 connections", n)
	}
}

// What the centre says is told apart, and a wrong password costs the account one attempt.
func TestJudgeCentre(t *testing.T) {
	base := need(t, "LINTEL_JUDGE_WEB_KERBEROS")
	user := func(name string) func(*Config) { return func(c *Config) { c.User = name } }
	for _, tt := range []struct {
		name   string
		change func(*Config)
		kind   connectors.Kind
		cure   string
	}{
		{"disabled", user("svc-disabled"), connectors.Auth, "calendar.cure.kerberos_locked"},
		{"password expired", user("svc-expired"), connectors.Auth, "calendar.cure.kerberos_expired"},
		{"unknown user", user("nobody"), connectors.Auth, "calendar.cure.kerberos_user"},
		{"unknown service", func(c *Config) { c.SPN = "HTTP/other.rooms.test" }, connectors.Auth, "calendar.cure.kerberos_spn"},
		{"wrong realm", func(c *Config) { c.Realm = "OTHER.TEST" }, connectors.Auth, "calendar.cure.kerberos_user"},
		{"keytab of somebody else", func(c *Config) {
			c.User, c.Keytab = "svc-wrong", secret.New(string(read(t, "LINTEL_JUDGE_KEYTAB")))
		}, connectors.Auth, "calendar.cure.kerberos_keytab"},
		{"clock", func(c *Config) { c.Now = func() time.Time { return time.Now().Add(-time.Hour) } }, connectors.Transient, "calendar.cure.kerberos_clock"},
		{"no centre", func(c *Config) { c.KDCs = []string{"127.0.0.1:1"} }, connectors.Transient, "calendar.cure.kerberos_kdc"},
	} {
		_, err := newJudge(t, base, tt.change).post("/", nil)
		if connectors.KindOf(err) != tt.kind || connectors.CureOf(err) != tt.cure {
			t.Errorf("%s: %v, cure %q, said %q", tt.name, err, connectors.CureOf(err), connectors.SaidOf(err))
		}
	}

	attempts := func() string {
		out, err := exec.Command("sh", "-c", fmt.Sprintf(need(t, "LINTEL_JUDGE_BADPWD"), "svc-wrong")).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			if n, ok := strings.CutPrefix(strings.TrimSpace(line), "badPwdCount: "); ok {
				return n
			}
		}
		return "0"
	}
	before := attempts()
	j := newJudge(t, base, func(c *Config) { c.User, c.Password = "svc-wrong", secret.New("not this one") })
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := j.post("/", nil); connectors.KindOf(err) != connectors.Auth {
				t.Errorf("wrong password: %v", err)
			}
		}()
	}
	wg.Wait()
	if _, err := j.post("/", nil); connectors.KindOf(err) != connectors.Auth || connectors.CureOf(err) != "calendar.cure.auth" {
		t.Errorf("wrong password: %v", err)
	}
	if after := attempts(); before != "0" || after != "1" {
		t.Errorf("the domain counted from %s to %s wrong passwords for nine requests, want 0 to 1", before, after)
	}
}
