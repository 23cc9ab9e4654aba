//go:build judges

package ntlm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
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

// judge is a client of one judge and what it has sent.
type judge struct {
	*outbound.Client
	base  string
	mu    sync.Mutex
	trace []outbound.Exchange
}

func newJudge(t *testing.T, base, password string, change ...func(*outbound.ClientOptions)) *judge {
	t.Helper()
	ca, err := os.ReadFile(need(t, "LINTEL_JUDGE_CA"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := outbound.New(outbound.Options{AllowLoopback: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	j := &judge{base: base}
	opt := outbound.ClientOptions{
		Purpose: "judge", Hosts: []string{base}, CA: ca,
		Credentials: Credentials(`ROOMS\`+need(t, "LINTEL_JUDGE_USER"), secret.New(password), "", time.Now),
		Trace: func(e outbound.Exchange) {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.trace = append(j.trace, e)
		},
	}
	for _, f := range change {
		f(&opt)
	}
	if j.Client, err = out.Client(opt); err != nil {
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

// counts asks a bound server for its own numbers.
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

func binding(b outbound.Binding) func(*outbound.ClientOptions) {
	return func(o *outbound.ClientOptions) { o.Credentials.Binding = b }
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func TestJudgeApache(t *testing.T) {
	base := need(t, "LINTEL_JUDGE_WEB_NTLM")
	j := newJudge(t, base, need(t, "LINTEL_JUDGE_PASSWORD"))
	for i := range 20 {
		if r, err := j.post("/", bytes.Repeat([]byte("x"), 10)); err != nil || r.Unbound {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	if got := len(j.trace); got != 22 {
		t.Errorf("%d exchanges for 20 requests on one connection, want 22: one asked, one challenge", got)
	}
	if _, err := j.post("/", bytes.Repeat([]byte("x"), 200_000)); err != nil {
		t.Errorf("a large body: %v", err)
	}
	j = newJudge(t, base, "wrong")
	_, err := j.post("/", nil)
	if connectors.KindOf(err) != connectors.Auth {
		t.Errorf("wrong password: %v", err)
	}
}

func TestJudgeBound(t *testing.T) {
	base, password := need(t, "LINTEL_JUDGE_BOUND_NTLM"), need(t, "LINTEL_JUDGE_PASSWORD")
	for _, tt := range []struct {
		name     string
		binding  outbound.Binding
		password string
		kind     connectors.Kind
		refused  int
	}{
		{"auto", outbound.BindingAuto, password, "", 0},
		{"always", outbound.BindingAlways, password, "", 0},
		{"never", outbound.BindingNever, password, connectors.Auth, 1},
		{"always, wrong password", outbound.BindingAlways, "wrong", connectors.Auth, 1},
		{"auto, wrong password", outbound.BindingAuto, "wrong", connectors.Auth, 2}, // once more without binding
	} {
		j := newJudge(t, base, tt.password, binding(tt.binding))
		signed, refused := j.counts(t)
		body := bytes.Repeat([]byte(tt.name), 200_000/len(tt.name))
		r, err := j.post("/", body)
		if connectors.KindOf(err) != tt.kind {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.kind == "" && string(r.Body) != sum(body) {
			t.Errorf("%s: the body did not arrive whole", tt.name)
		}
		signed2, refused2 := j.counts(t)
		if refused2-refused != tt.refused {
			t.Errorf("%s: the server refused %d sign-ins, want %d", tt.name, refused2-refused, tt.refused)
		}
		if (signed2 > signed) != (tt.kind == "") {
			t.Errorf("%s: the server counts %d sign-ins more", tt.name, signed2-signed)
		}
	}
}

// Many requests at once on four connections sign in four times.
func TestJudgeParallel(t *testing.T) {
	j := newJudge(t, need(t, "LINTEL_JUDGE_BOUND_NTLM"), need(t, "LINTEL_JUDGE_PASSWORD"))
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
	for i := range 5 {
		if _, err := j.post("/forgets", []byte("x")); err != nil {
			t.Fatalf("request %d to a server that forgets: %v", i, err)
		}
	}
}

// Several requests at once with a wrong password count as one attempt.
func TestJudgeParallelWrong(t *testing.T) {
	j := newJudge(t, need(t, "LINTEL_JUDGE_BOUND_NTLM"), "wrong", binding(outbound.BindingAlways))
	_, before := j.counts(t)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			<-start
			if _, err := j.post("/", nil); connectors.KindOf(err) != connectors.Auth {
				t.Errorf("wrong password: %v", err)
			}
		}()
	}
	close(start)
	wg.Wait()
	if _, after := j.counts(t); after-before != 1 {
		t.Errorf("the account was tried %d times", after-before)
	}
}
