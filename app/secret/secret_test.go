package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestTextNeverPrints(t *testing.T) {
	t.Parallel()
	const planted = "hunter2-planted"
	s := New(planted)
	type holder struct {
		S Text
		P *Text
	}
	h := holder{s, &s}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "h", h)
	js, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%s %v %+v %#v %q %x %d %v %+v %#v", s, s, s, s, s, s, s, h, h, h) + log.String() + string(js)
	if strings.Contains(all, planted) || strings.Contains(all, "68756e746572") {
		t.Fatalf("the value shows in %s", all)
	}
	if s.Reveal() != planted || s.String() != "***" || !New("").IsZero() {
		t.Error("Text does not keep or mask its value")
	}
}

func TestBox(t *testing.T) {
	t.Parallel()
	b, err := NewBox(NewKey())
	if err != nil {
		t.Fatal(err)
	}
	at := Place{"system", "password", "a"}
	for _, plain := range []string{"", "x", strings.Repeat("long", 999)} {
		got, err := b.Open(at, b.Seal(at, []byte(plain)))
		if err != nil || string(got) != plain {
			t.Errorf("%q came back as %q, %v", plain, got, err)
		}
	}
	if b.Seal(at, nil) != nil {
		t.Error("nil is sealed")
	}
	sealed := b.Seal(at, []byte("secret"))
	if bytes.Contains(sealed, []byte("secret")) || bytes.Equal(sealed, b.Seal(at, []byte("secret"))) {
		t.Error("sealing shows or repeats the plain text")
	}
	if _, err := b.Open(Place{"system", "password", "b"}, sealed); !errors.Is(err, ErrCorrupt) {
		t.Errorf("another row: %v", err)
	}
	other, _ := NewBox(NewKey())
	if _, err := other.Open(at, sealed); !errors.Is(err, ErrKey) {
		t.Errorf("another key: %v", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := b.Open(at, bad); err == nil {
			t.Fatalf("byte %d changed, still opens", i)
		}
		if _, err := b.Open(at, sealed[:i]); i > 0 && err == nil {
			t.Fatalf("cut at %d, still opens", i)
		}
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	k := NewKey()
	got, err := DecodeKey("  " + EncodeKey(k) + "\n")
	if err != nil || !bytes.Equal(got, k) {
		t.Fatalf("key came back as %x, %v", got, err)
	}
	for _, s := range []string{"", "short", EncodeKey(k[:31])} {
		if _, err := DecodeKey(s); err == nil {
			t.Errorf("DecodeKey(%q) is accepted", s)
		}
	}
}
