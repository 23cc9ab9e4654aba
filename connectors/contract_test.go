package connectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ical"
	"lintel/connectors/vevent"
)

var kinds = []connectors.Kind{
	connectors.Auth, connectors.Forbidden, connectors.Throttled, connectors.Transient, connectors.NotFound, connectors.Gone,
	connectors.CursorExpired, connectors.Conflict, connectors.Unsupported, connectors.Invalid, connectors.Trust,
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		err := fmt.Errorf("outer: %w", &connectors.Error{Kind: k, Op: "read", Code: "HTTP 1", After: time.Second, Said: "words", Err: context.Canceled})
		for _, other := range kinds {
			if errors.Is(err, other) != (k == other) {
				t.Errorf("errors.Is(%q, %q)", k, other)
			}
		}
		if connectors.KindOf(err) != k || connectors.AfterOf(err) != time.Second || !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if want := "outer: read: " + string(k) + " (HTTP 1): context canceled"; err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
		if connectors.SaidOf(err) != "words" || !strings.HasPrefix(connectors.CureOf(err), "calendar.cure.") {
			t.Errorf("%s, %s", connectors.SaidOf(err), connectors.CureOf(err))
		}
	}
	plain := errors.New("plain")
	if connectors.KindOf(plain) != "" || connectors.AfterOf(plain) != 0 || connectors.SaidOf(plain) != "plain" || connectors.CureOf(plain) == "" {
		t.Error("an error of no kind")
	}
	if connectors.CureOf(nil) != "" || connectors.SaidOf(nil) != "" {
		t.Error("no error has a cure")
	}
}

func TestChecker(t *testing.T) {
	t.Parallel()
	now := monday
	ck := &connectors.Checker{Now: func() time.Time { now = now.Add(time.Second); return now }}
	ok := ck.Step("one", func() (string, error) { return "said", nil })
	ck.Warn("cure")
	failed := ck.Step("two", func() (string, error) { return "", connectors.Fail(connectors.Auth, "op", "why") })
	ck.Warn("not for failed steps")
	ck.Step("three", func() (string, error) { t.Error("runs after a failure"); return "", nil })
	want := []connectors.Step{
		{Name: "one", State: connectors.StepWarned, Said: "said", Cure: "cure", Took: time.Second},
		{Name: "two", State: connectors.StepFailed, Said: "op: sign-in refused: why", Cure: "calendar.cure.auth", Took: time.Second},
		{Name: "three", State: connectors.StepSkipped},
	}
	if !slices.Equal(ck.Report.Steps, want) || !ok || failed || ck.Report.OK() {
		t.Errorf("%+v", ck.Report)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	w := connectors.Warnings{}
	for i := range 200 {
		w.Add("b", fmt.Sprint(i%100), 1)
	}
	w.Add("a", "", 2)
	list := w.List()
	sum := 0
	for _, x := range list {
		sum += x.Count
	}
	if len(list) > 55 || sum != 202 || list[0] != (connectors.Warning{Key: "a", Count: 2}) {
		t.Errorf("%d different ones, %d together: %+v", len(list), sum, list[0])
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	at := func(m int) time.Time { return monday.Add(time.Duration(m) * time.Minute) }
	w := when.Interval{From: at(0), To: at(60)}
	for _, tt := range []struct {
		from, to          int
		free              bool
		touches, occupies bool
	}{
		{-10, 0, false, false, false},
		{-10, 1, false, true, true},
		{59, 70, false, true, true},
		{60, 70, false, false, false},
		{0, 0, false, true, false},
		{60, 60, false, false, false},
		{10, 20, true, true, false},
	} {
		e := connectors.Event{From: at(tt.from), To: at(tt.to), Free: tt.free}
		if e.Touches(w) != tt.touches || e.Occupies(w) != tt.occupies {
			t.Errorf("%d–%d: touches %v, occupies %v", tt.from, tt.to, e.Touches(w), e.Occupies(w))
		}
	}
	e := connectors.Event{Subject: "a", Organizer: "b", OrganizerAddr: "c"}
	e.Hide()
	if e != (connectors.Event{Private: true}) {
		t.Errorf("%+v", e)
	}
}

// Every text key that a connector can name has words for a person.
func TestKeysHaveWords(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../templates/text/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]any
	if err := json.Unmarshal(b, &words); err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`"(calendar\.(?:check|cure|warning)\.[a-z_]+)"`)
	found := 0
	need := func(where, k string) {
		found++
		if words[k] == nil {
			t.Errorf("%s names %q, which has no words", where, k)
		}
	}
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		src, err := os.ReadFile(path)
		for _, m := range key.FindAllStringSubmatch(string(src), -1) {
			need(path, m[1])
		}
		return err
	})
	if err != nil || found < 30 {
		t.Fatalf("%d keys found, %v", found, err)
	}
	for _, k := range kinds {
		need(string(k), connectors.CureOf(&connectors.Error{Kind: k}))
	}
	for _, w := range []ical.WarningKind{
		ical.WarnZoneGuessed, ical.WarnZoneUnknown, ical.WarnManyZones, ical.WarnRuleInvalid, ical.WarnRulePart, ical.WarnRuleCut,
		ical.WarnDateInvalid, ical.WarnEndInvalid, ical.WarnStartMissing, ical.WarnNoUID, ical.WarnOldVersion,
	} {
		need("ical", vevent.WarningKey(w))
	}
}
