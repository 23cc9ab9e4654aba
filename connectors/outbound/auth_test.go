package outbound

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/secret"
	"lintel/connectors"
)

// The examples of RFC 7616 3.9.1 and RFC 2617 3.5.
func TestDigestVectors(t *testing.T) {
	t.Parallel()
	const nonce, cnonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	tests := []struct {
		name, header, user, password, cnonce, response string
	}{
		{
			"MD5", `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="` + nonce + `", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
			"Mufasa", "Circle of Life", cnonce, "8ca523f5e9506fed4657c9700eebdbec",
		},
		{
			"SHA-256", `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="` + nonce + `", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
			"Mufasa", "Circle of Life", cnonce, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
		},
		{
			"RFC 2617", `Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"Mufasa", "Circle Of Life", "0a4f113b", "6629fae49393a05397450978507c4ef1",
		},
	}
	for _, tt := range tests {
		c := bestDigest([]string{tt.header})
		if c == nil {
			t.Fatalf("%s: challenge not understood", tt.name)
		}
		got := c.answer(Credentials{User: tt.user, Password: secret.New(tt.password)}, "GET", "/dir/index.html", tt.cnonce, 1)
		if !strings.Contains(got, `response="`+tt.response+`"`) {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

func TestChallenges(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   []string
		want []parsedChallenge
	}{
		{[]string{`Basic realm="a"`}, []parsedChallenge{{"Basic", map[string]string{"realm": "a"}}}},
		{
			[]string{`Negotiate, NTLM`, `Basic realm="a, b=\"c\"", charset="UTF-8"`},
			[]parsedChallenge{{"Negotiate", map[string]string{}}, {"NTLM", map[string]string{}}, {"Basic", map[string]string{"realm": `a, b="c"`, "charset": "UTF-8"}}},
		},
		{
			[]string{`Negotiate YII/+==, Digest nonce=n , Qop = "auth"`},
			[]parsedChallenge{{"Negotiate", map[string]string{}}, {"Digest", map[string]string{"nonce": "n", "qop": "auth"}}},
		},
		{[]string{``, ` , ,`, `"`, `=x`}, nil},
		{[]string{`Basic realm="open`}, []parsedChallenge{{"Basic", map[string]string{}}, {"realm", map[string]string{}}}},
	}
	for _, tt := range tests {
		got := parseChallenges(tt.in)
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(parsedChallenge{})); d != "" {
			t.Errorf("%q: %s", tt.in, d)
		}
	}
}

func TestBestDigest(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`Digest realm="r", nonce="1", algorithm=MD5, qop="auth", Digest realm="r", nonce="2", algorithm=SHA-256, qop="auth"`: "2",
		`Digest realm="r", nonce="2", algorithm=SHA-256, Digest realm="r", nonce="1"`:                                        "2",
		`Digest realm="r", nonce="3", algorithm=SHA-512-256`:                                                                 "",
		`Digest realm="r", nonce="4", qop="auth-int"`:                                                                        "",
		`Digest realm="r"`:               "",
		`Basic realm="r", nonce="5"`:     "",
		`digest nonce=6,stale=TRUE`:      "6",
		`Digest nonce="7", qop="x,AUTH"`: "7",
	} {
		got := ""
		if c := bestDigest([]string{in}); c != nil {
			got = c.nonce
		}
		if got != want {
			t.Errorf("%s: nonce %q, want %q", in, got, want)
		}
	}
}

// digestServer accepts user u with password p; each nonce lives for two requests.
type digestServer struct {
	mu            sync.Mutex
	log           []string
	nonce         int
	uses          int
	stale, nothis bool
}

func (d *digestServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	got := r.Header.Get("Authorization")
	scheme, _, _ := strings.Cut(got, " ")
	want := &challenge{realm: "r", nonce: fmt.Sprint("n", d.nonce), algorithm: "SHA-256", qop: "auth"}
	p := parseChallenges([]string{got})
	ok := false
	if len(p) == 1 && scheme == "Digest" && p[0].params["nonce"] == want.nonce && d.uses < 2 && !d.nothis {
		var nc uint32
		_, _ = fmt.Sscanf(p[0].params["nc"], "%x", &nc)
		full := want.answer(Credentials{User: "u", Password: secret.New("p")}, r.Method, r.URL.RequestURI(), p[0].params["cnonce"], nc)
		ok = full == got && int(nc) == d.uses+1
	}
	d.log = append(d.log, fmt.Sprintf("%s %v", scheme, ok))
	if ok {
		d.uses++
		return
	}
	stale := scheme == "Digest" && d.uses >= 2 && d.stale
	d.nonce, d.uses = d.nonce+1, 0
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="r", nonce="n%d", algorithm=SHA-256, qop="auth", stale=%v`, d.nonce, stale))
	w.WriteHeader(http.StatusUnauthorized)
}

func TestDigestSignIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		scheme   Scheme
		password string
		stale    bool
		want     []string
		status   []int
	}{
		{"auto", Auto, "p", true, []string{"Basic false", "Digest true", "Digest true", "Digest false", "Digest true"}, []int{200, 200, 200}},
		{"digest, server never says stale", Digest, "p", false, []string{" false", "Digest true", "Digest true", "Digest false", "Digest true"}, []int{200, 200, 200}},
		{"wrong password", Digest, planted, true, []string{" false", "Digest false", "Digest false"}, []int{401, 401}},
		{"basic only", Basic, "p", true, []string{"Basic false"}, []int{401}},
	} {
		d := &digestServer{stale: tt.stale}
		base := serve(t, d.ServeHTTP)
		c := newClient(t, newOutbound(t), ClientOptions{Hosts: []string{base}, Credentials: Credentials{Scheme: tt.scheme, User: "u", Password: secret.New(tt.password)}})
		for _, want := range tt.status {
			r, err := get(c, base+"/a?b=c")
			if err != nil {
				t.Fatal(err)
			}
			if r.Status != want {
				t.Errorf("%s: HTTP %d, want %d", tt.name, r.Status, want)
			}
			if want == 401 {
				wantKind(t, r.Err(), connectors.Auth)
			}
		}
		if diff := cmp.Diff(tt.want, d.log); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// asking is the context of one request. It tells once that somebody waits for its end, which a request does for
// the first time where it waits for its turn to sign in.
type asking struct {
	context.Context
	waits func()
}

func (a asking) Done() <-chan struct{} {
	a.waits()
	return a.Context.Done()
}

// A wrong password is sent once by all requests that begin together, whatever they ask for; a right one lets
// them go side by side as soon as the first answer begins, and one that was right stays so for the others.
func TestWrongPasswordAtOnce(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute) // for whoever waits for what does not come
	defer stop()
	var sent atomic.Int32
	var asked, closed sync.WaitGroup // who has yet to ask before the first is refused, and to come to /closed
	slow, answered := make(chan struct{}), make(chan struct{})
	await := func(done func()) {
		ended := make(chan struct{})
		go func() { done(); close(ended) }()
		select {
		case <-ended:
		case <-ctx.Done():
			t.Error("not all have come")
		}
	}
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent.Add(1)
		_, password, _ := r.BasicAuth()
		switch {
		case password != "p":
			await(asked.Wait)
		case r.URL.Path == "/closed":
			closed.Done()
			await(closed.Wait)
		case r.URL.Path == "/slow":
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			close(slow)
			await(func() { <-answered })
			return
		default:
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	client := func(password string) *Client {
		return newClient(t, newOutbound(t), ClientOptions{Hosts: []string{base}, Credentials: Credentials{Scheme: Basic, User: "u", Password: secret.New(password)}})
	}
	c := client(planted)
	together := func(n int, path string, status int) {
		t.Helper()
		var wg sync.WaitGroup
		asked.Add(n)
		for i := range n {
			wg.Go(func() {
				u, err := url.Parse(fmt.Sprint(base, path, "?", i))
				if err != nil {
					t.Error(err)
					return
				}
				// As Do does, which puts a context of its own between.
				r, err := c.follow(asking{ctx, sync.OnceFunc(asked.Done)}, call{req: Request{Op: "test", Method: "GET", URL: u}})
				if err != nil || r.Status != status {
					t.Errorf("%+v %v", r, err)
				} else if e := r.Err(); status == 401 && (connectors.KindOf(e) != connectors.Auth || strings.Contains(e.Error(), planted)) {
					t.Errorf("got %v", e)
				}
			})
		}
		wg.Wait()
	}
	together(8, "/", 401)
	if n := sent.Load(); n != 1 {
		t.Errorf("a wrong password was sent %d times by 8 requests", n)
	}
	together(1, "/", 401) // a later request tries again
	if n := sent.Load(); n != 2 {
		t.Errorf("it was sent %d times", n)
	}
	c = client("p")
	var wg sync.WaitGroup
	wg.Go(func() {
		if r, err := get(c, base+"/slow"); err != nil || r.Status != 200 {
			t.Errorf("%+v %v", r, err)
		}
	})
	await(func() { <-slow })
	together(3, "/", 200) // not after the slow one
	close(answered)
	wg.Wait()
	sent.Store(0)
	closed.Add(4)
	together(4, "/closed", 401) // all four are there at once
	together(4, "/", 200)
	if n := sent.Load(); n != 8 {
		t.Errorf("%d requests, want 8", n)
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	var a authState
	u, _ := url.Parse("https://x.example/")
	if h, _ := a.header(Credentials{Scheme: Bearer, Password: secret.New("tok")}, "GET", u); h != "Bearer tok" {
		t.Error(h)
	}
	if h, _ := a.header(Credentials{}, "GET", u); h != "" {
		t.Error(h)
	}
}

func FuzzChallenges(f *testing.F) {
	f.Add(`Digest realm="r", nonce="n", qop="auth", Basic realm="x"`)
	f.Add(`Negotiate YII=, NTLM, Digest a=b`)
	f.Add("a=\"\\")
	f.Fuzz(func(t *testing.T, s string) {
		for _, p := range parseChallenges([]string{s, s}) {
			if p.scheme == "" || p.params == nil {
				t.Fatalf("%+v", p)
			}
		}
		if c := bestDigest([]string{s}); c != nil {
			h := c.answer(Credentials{User: "u", Password: secret.New("p")}, "GET", "/", "c", 1)
			if p := parseChallenges([]string{h}); len(p) != 1 || p[0].params["nonce"] != c.nonce || p[0].params["realm"] != c.realm {
				t.Fatalf("%q is read back as %+v", h, p)
			}
		}
	})
}
