package people

import (
	"context"
	"strings"
	"testing"

	"lintel/app/problem"
	"lintel/app/secret"
)

func TestHashAndCheck(t *testing.T) {
	t.Parallel()
	h := newHasher(1)
	ctx := context.Background()
	stored, err := h.make(ctx, "Zürich am See")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash is %q", stored)
	}
	for _, c := range []struct {
		name, password, stored string
		ok, stale              bool
	}{
		{"right", "Zürich am See", stored, true, false},
		{"right, decomposed letters", "Zu\u0308rich am See", stored, true, false},
		{"wrong", "Zürich am Meer", stored, false, false},
		{"empty", "", stored, false, false},
		{"damaged hash", "Zürich am See", stored[:len(stored)-4], false, false},
		{"no hash", "Zürich am See", "", false, false},
		// From the test suite of the reference implementation, phc-winner-argon2.
		{"older costs", "password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ok, stale, err := newHasher(1).check(ctx, c.password, c.stored)
			if err != nil || ok != c.ok || stale != c.stale {
				t.Errorf("check = %v, %v, %v", ok, stale, err)
			}
		})
	}
}

func TestHasherGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	h := newHasher(1)
	h.gate <- struct{}{} // somebody else's turn
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.make(ctx, "never hashed"); err == nil {
		t.Error("a hash was made although it was nobody's turn")
	}
}

func TestPasswordRule(t *testing.T) {
	t.Parallel()
	owner := []string{"anna", "anna.keller@example.com", "Anna Keller"}
	for _, c := range []struct{ password, key string }{
		{"", "form.missing"},
		{"neunneun9", "people.password_short"},
		{"zehn zehn ", ""},
		{"öäüöäüöäüö", "people.password_trivial"},
		{"korrekt pferd batterie", ""},
		{"aaaaaaaaaaaaaa", "people.password_trivial"},
		{"0123456789", "people.password_trivial"},
		{"9876543210", "people.password_trivial"},
		{"qwertzuiopas", "people.password_trivial"},
		{"Password123", "people.password_trivial"},
		{"passwort2026", "people.password_trivial"},
		{"annaanna12", "people.password_trivial"},
		{"Anna Keller 1", "people.password_trivial"},
		{"anna.keller@example.com", "people.password_trivial"},
		{"annas blaue Gartenlaube", ""},
		{strings.Repeat("lang genug ", 100), "people.password_long"},
	} {
		t.Run(c.password[:min(len(c.password), 20)], func(t *testing.T) {
			t.Parallel()
			err := CheckPassword("password", secret.New(c.password), owner...)
			got := ""
			if p := problem.Of(err); p != nil {
				got = p.Key
				if p.Fields["password"] != got {
					t.Errorf("blames %v", p.Fields)
				}
			}
			if got != c.key {
				t.Errorf("said %q, want %q", got, c.key)
			}
		})
	}
}

func TestNewPasswordPassesTheRule(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		p := NewPassword()
		if err := CheckPassword("password", p); err != nil {
			t.Fatal(err)
		}
		if seen[p.Reveal()] {
			t.Fatal("the same password twice")
		}
		seen[p.Reveal()] = true
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObGRdescudvJCs")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$c29tZXNhbHQ$RdescudvJCsgt3ub+b4d")
	f.Add("$argon2i$v=19$m=8,t=1,p=1$$")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		if p.String() != s {
			t.Errorf("%q is read but written as %q", s, p.String())
		}
		if p.memory > 256*1024 || p.time > 16 || p.threads > 16 || p.threads == 0 || p.time == 0 {
			t.Errorf("%q costs too much or nothing", s)
		}
	})
}
