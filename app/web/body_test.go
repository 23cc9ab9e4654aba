package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lintel/app/people"
	"lintel/connectors"
	"lintel/store"
	"lintel/templates/text"
)

// A form that is too large, or breaks off, is refused before anything is made of it: never taken for an empty one.
func TestBodyBounds(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	const mega = 1 << 20
	long := strings.Repeat("x", mega)
	theme := p.boss().Theme
	for _, path := range []string{"/sign-in", "/bookings", "/account/theme", "/setup/organisation", "/settings/people"} {
		b.post(path, "subject", long).want(t, http.StatusRequestEntityTooLarge, "more than the server takes")
		b.postFile(path, "x.csv", long, "theme", "dark", "login", "boss").want(t, http.StatusRequestEntityTooLarge)
	}
	b.post("/account/theme", "theme", "dark", "x", strings.Repeat("x", maxForm)).want(t, http.StatusRequestEntityTooLarge)
	if now := p.boss().Theme; now != theme {
		t.Errorf("the theme became %q", now)
	}
	b.post("/account/theme", "theme", "dark", "x", strings.Repeat("x", maxForm-100)).leads(t, "/")
	b.post("/settings/systems", "kind", "caldav", "name", "Cloud", "url", "https://cloud.example.com", "ca", long).want(t, http.StatusUnprocessableEntity)
	b.post("/settings/places/rooms/import", "step", "look", "floor", string(p.floor), "csv", "name\n"+strings.Repeat("Pilatus\n", maxForm/4)).want(t, http.StatusUnprocessableEntity)

	broken := func(body *brokenBody, kind string) answer {
		r := httptest.NewRequest("POST", b.base+"/account/theme", body)
		r.RemoteAddr = b.remote
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Origin", b.base)
		for _, c := range b.cookies {
			r.AddCookie(c)
		}
		return b.send(r)
	}
	for _, kind := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=b"} {
		broken(&brokenBody{strings.NewReader("theme=light&back=")}, kind).want(t, http.StatusUnprocessableEntity)
	}
	if now := p.boss().Theme; now != "dark" {
		t.Errorf("a form that broke off made the theme %q", now)
	}
}

// brokenBody breaks off after what it holds.
type brokenBody struct{ *strings.Reader }

func (b *brokenBody) Read(to []byte) (int, error) {
	if b.Len() == 0 {
		return 0, errors.New("the line broke")
	}
	return b.Reader.Read(to)
}

// Whoever may not cancel a booking is not asked whether to.
func TestAskCancelOfOthers(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("anna", people.Grant{Role: people.User})
	p.account("beat", people.Grant{Role: people.User})
	path := bookingPath(p.book("anna", p.room, "Planning", false, "15:00", "16:00")) + "/cancel"
	p.as("beat").get(path).want(t, http.StatusForbidden, "-Planning")
	p.as("anna").get(path).want(t, http.StatusOK, "Planning")
	p.as("boss").get(path).want(t, http.StatusOK, "Planning")
}

// What the form for a free room begins with is a time that can be booked.
func TestFindBegins(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	must(t, p.Places.SetOpeningHours(ctx, setup, p.building, []store.OpeningSpan{{Weekday: time.Monday, Opens: 7*60 + 30, Closes: 18 * 60}}))
	b := p.as("boss")
	b.get("/bookings").want(t, 200, `value="2026-11-21"`, `value="14:15"`)
	b.get("/bookings?date=2026-11-21").want(t, 200, `value="14:15"`)
	b.get("/bookings?date=2026-11-23").want(t, 200, `value="2026-11-23"`, `value="07:30"`)
	b.get("/bookings?date=2026-11-24").want(t, 200, `value="2026-11-24"`, `value="08:00"`) // closed
	p.wait(9*time.Hour + 42*time.Minute)                                                   // 23:47
	b.get("/bookings").want(t, 200, `value="2026-11-22"`, `value="00:00"`, `-value="2026-11-21"`)
}

// A connection without TLS is named in words, not by the scheme of its address.
func TestStepWithoutTLS(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	v := &visitor{Printer: text.For("en")}
	for state, want := range map[connectors.StepState]string{connectors.StepWarned: "Without TLS", connectors.StepOK: "https"} {
		said := "https"
		if state == connectors.StepWarned {
			said = "http"
		}
		got := p.checkSteps(nil, v, connectors.Report{Steps: []connectors.Step{{Name: "calendar.check.trust", State: state, Said: said}}}, hint{})[0]
		if got.Said != want || got.Raw != "" {
			t.Errorf("%q, raw %q, want %q", got.Said, got.Raw, want)
		}
	}
}
