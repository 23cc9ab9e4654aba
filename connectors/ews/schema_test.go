package ews_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ews"
	"lintel/connectors/ews/ewstest"
)

// corpus is the folder with Exchange's own test data.
func corpus(t testing.TB, parts ...string) string {
	t.Helper()
	root := os.Getenv("LINTEL_CORPUS")
	if root == "" {
		t.Skip("LINTEL_CORPUS does not name the folder with test data")
	}
	return filepath.Join(append([]string{root, "ews"}, parts...)...)
}

// everything makes a connector send every request that it has, and returns the envelopes by operation.
func everything(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	zone := zurich(t)
	room := connectors.Room{ID: room1, Zone: zone}
	monday := time.Date(2026, 11, 23, 9, 0, 0, 0, zone).UTC()
	week := when.Interval{From: monday.AddDate(0, 0, -1), To: monday.AddDate(0, 0, 6)}
	odd := "Größe <&> \"'\u0001\u2028 " + strings.Repeat("x", 300)
	for _, access := range []ews.Access{ews.FreeBusy, ews.Folder, ews.Impersonation} {
		for _, q := range []ewstest.Quirks{{}, {Masters: true, NoRestriction: true}} {
			s := fake(t, q)
			s.Keep()
			cfg := config(s)
			cfg.Access, cfg.DeclineNote = access, odd
			conns := []*ews.Conn{open(t, cfg)}
			if access != ews.FreeBusy {
				cfg.Invite = true
				conns = append(conns, open(t, cfg))
			}
			s.Put(room1, ewstest.Event{Name: "daily", Subject: "daily", Start: monday.In(zone), End: monday.Add(time.Hour).In(zone), Rule: "FREQ=DAILY;COUNT=4"})
			s.Put(room1, ewstest.Event{Name: "theirs", Subject: "x", Meeting: true, Start: monday.Add(3 * time.Hour), End: monday.Add(4 * time.Hour)})
			s.Put(room1, ewstest.Event{
				Name: "day", Subject: "day", AllDay: true, Start: time.Date(2026, 11, 26, 0, 0, 0, 0, zone), End: time.Date(2026, 11, 27, 0, 0, 0, 0, zone),
				Attachments: []ewstest.Attachment{{Name: "a.png", Type: "image/png", Data: []byte("\x89PNG\r\n\x1a\nx")}},
			})
			s.Put(room1, ewstest.Event{
				Name: "day elsewhere", AllDay: true, Zone: "UTC", Start: time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC),
			})
			for i, c := range conns {
				ctx := t.Context()
				ch, err := c.Probe(ctx, room, nil)
				must(t, err)
				_, err = c.Probe(ctx, room, ch.Next)
				must(t, err)
				snap, err := c.Read(ctx, connectors.ReadRequest{Room: room, Window: week})
				must(t, err)
				_, _, err = c.Rooms(ctx, "")
				must(t, err)
				_, err = c.FindRooms(ctx, "Z <&ü")
				must(t, err)
				c.Check(ctx, connectors.CheckRequest{Room: room, Write: true})
				if access == ews.FreeBusy {
					continue
				}
				ev, err := c.Book(ctx, room, connectors.Draft{
					Token: fmt.Sprint("token-number-", i), From: monday.Add(6 * time.Hour), To: monday.Add(7 * time.Hour), Subject: odd, Organizer: odd, Private: i == 0,
				})
				must(t, err)
				ev, err = c.SetEnd(ctx, room, ev, ev.To.Add(time.Hour))
				must(t, err)
				must(t, c.Mark(ctx, room, ev, monday))
				ev, err = c.SetEnd(ctx, room, ev, ev.To.Add(-time.Hour))
				must(t, err)
				must(t, c.Release(ctx, room, ev))
				for _, ev := range snap.Events {
					if ev.HasImage {
						_, _, err := c.Image(ctx, room, ev, 1<<20)
						must(t, err)
					}
					if i == 0 {
						ev, err = c.SetEnd(ctx, room, ev, ev.To.Add(-time.Minute))
						must(t, err)
						must(t, c.Release(ctx, room, ev))
					}
				}
			}
			if access != ews.FreeBusy {
				watched(t, s, conns[0], room)
			}
			for _, call := range s.Calls() {
				if call.Op != "" {
					out[call.Op] = append(out[call.Op], call.Body)
				}
			}
		}
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Every request is valid against the schema of Exchange, with its header.
func TestRequestsAgainstTheSchema(t *testing.T) {
	t.Parallel()
	schema := corpus(t, "xsd")
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("xmllint is not installed, and with CI=true nothing is skipped")
		}
		t.Skip("xmllint is not installed: apt-get install --no-install-recommends libxml2-utils")
	}
	sent := everything(t)
	for _, op := range []string{
		"CreateItem", "DeleteItem", "FindItem", "GetAttachment", "GetFolder", "GetItem", "GetRoomLists", "GetRooms", "GetStreamingEvents",
		"GetUserAvailability", "ResolveNames", "Subscribe", "SyncFolderItems", "UpdateItem",
	} {
		if len(sent[op]) == 0 {
			t.Errorf("%s was never sent", op)
		}
	}
	if !strings.Contains(strings.Join(sent["GetItem"], ""), "calendar:StartTimeZone") {
		t.Error("nobody was asked for the zone of whole days")
	}
	dir := t.TempDir()
	files := map[string][]string{} // by schema
	seen := map[string]bool{}
	for op, list := range sent {
		for _, env := range list {
			for _, part := range parts(t, env) {
				if seen[part] {
					continue
				}
				seen[part] = true
				xsd := "messages.xsd"
				if strings.HasPrefix(part, "<t:") {
					xsd = "types.xsd"
				}
				name := filepath.Join(dir, fmt.Sprintf("%s-%03d.xml", op, len(seen)))
				must(t, os.WriteFile(name, []byte(part), 0o600))
				files[xsd] = append(files[xsd], name)
			}
		}
	}
	for xsd, list := range files {
		args := append([]string{"--noout", "--nonet", "--schema", filepath.Join(schema, xsd)}, list...)
		if said, err := exec.CommandContext(t.Context(), lint, args...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", xsd, err, lines(string(said), "validates"))
		}
	}
	t.Logf("%d different requests and headers are valid", len(seen))
	// The judge itself says no to what is wrong.
	bad := filepath.Join(dir, "bad.xml")
	must(t, os.WriteFile(bad, []byte(strings.Replace(parts(t, sent["FindItem"][0])[1], "CalendarView", "CalendarVista", 1)), 0o600))
	if exec.CommandContext(t.Context(), lint, "--noout", "--nonet", "--schema", filepath.Join(schema, "messages.xsd"), bad).Run() == nil {
		t.Error("xmllint finds nothing wrong with a wrong request")
	}
}

// lines drops the lines that end in a word.
func lines(s, without string) string {
	var out []string
	for l := range strings.Lines(s) {
		if !strings.HasSuffix(strings.TrimSpace(l), without) {
			out = append(out, l)
		}
	}
	return strings.Join(out[:min(len(out), 40)], "")
}

// parts cuts an envelope into its headers and its body, each a document of its own. The body comes last.
func parts(t testing.TB, env string) []string {
	t.Helper()
	const spaces = ` xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"`
	var e struct {
		Header struct {
			Inner []byte `xml:",innerxml"`
		}
		Body struct {
			Inner []byte `xml:",innerxml"`
		}
	}
	must(t, xml.Unmarshal([]byte(env), &e))
	var out []string
	for _, inner := range []string{string(e.Header.Inner), string(e.Body.Inner)} {
		for inner != "" {
			end := strings.IndexAny(inner, " />")
			name := inner[1:end]
			part := inner
			if i := strings.Index(inner, "</"+name+">"); i >= 0 {
				part = inner[:i+len(name)+3]
			} else {
				part = inner[:strings.Index(inner, "/>")+2]
			}
			inner = inner[len(part):]
			out = append(out, "<"+name+spaces+part[1+len(name):])
		}
	}
	return slices.Clip(out)
}
