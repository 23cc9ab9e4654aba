package ews_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ews"
	"lintel/connectors/ews/ewstest"
)

// nine is nine o'clock in Zurich on 23 November 2026.
func nine(t testing.TB) time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, zurich(t)) }

func atRoom(t testing.TB) connectors.Room { return connectors.Room{ID: room1, Zone: zurich(t)} }

// texts reads a window and writes its events as "09:00-10:00 Subject" in UTC.
func texts(t testing.TB, c *ews.Conn, w when.Interval) []string {
	t.Helper()
	snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: atRoom(t), Window: w})
	must(t, err)
	var out []string
	for _, e := range snap.Events {
		out = append(out, e.From.Format("15:04-")+e.To.Format("15:04")+map[bool]string{true: " tentative"}[e.Tentative]+strings.TrimSuffix(" "+e.Subject, " "))
	}
	return out
}

func ops(s *ewstest.Server) string {
	var out []string
	for _, c := range s.Calls() {
		out = append(out, c.Op)
	}
	return strings.Join(out, " ")
}

// What one step costs in requests.
func TestRequests(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	c := open(t, config(s))
	room := atRoom(t)
	step := func(want string) {
		t.Helper()
		if got := ops(s); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	ch, err := c.Probe(t.Context(), room, nil)
	must(t, err)
	step("SyncFolderItems")
	_, err = c.Probe(t.Context(), room, ch.Next)
	must(t, err)
	step("SyncFolderItems")
	texts(t, c, day())
	step("FindItem")
	d := connectors.Draft{Token: "token-of-a", From: nine(t).UTC(), To: nine(t).UTC().Add(time.Hour)}
	out, err := connectors.BookVerified(t.Context(), c, room, d, nil)
	must(t, err)
	step("FindItem FindItem CreateItem GetItem FindItem")
	_, err = connectors.BookVerified(t.Context(), c, room, d, nil) // the same token once more
	must(t, err)
	step("FindItem GetItem FindItem")
	must(t, c.Mark(t.Context(), room, out.Event, nine(t)))
	step("GetItem UpdateItem")
	must(t, c.Mark(t.Context(), room, out.Event, nine(t)))
	step("GetItem")
	must(t, c.Release(t.Context(), room, out.Event))
	step("GetItem DeleteItem")
}

// A thousand and a half changes come in pages of 512; the cursor is that of the last one.
func TestProbePages(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	for i := range 1500 {
		s.Put(room1, ewstest.Event{Name: fmt.Sprint(i), Start: nine(t), End: nine(t).Add(time.Hour)})
	}
	c := open(t, config(s))
	ch, err := c.Probe(t.Context(), atRoom(t), nil)
	must(t, err)
	if got := ops(s); got != "SyncFolderItems SyncFolderItems SyncFolderItems" {
		t.Errorf("got %s", got)
	}
	if again, err := c.Probe(t.Context(), atRoom(t), ch.Next); err != nil || again.Changed {
		t.Errorf("%+v, %v", again, err)
	}
	s.Delete(room1, "700")
	if again, err := c.Probe(t.Context(), atRoom(t), ch.Next); err != nil || !again.Changed {
		t.Errorf("%+v, %v", again, err)
	}
	// The second page is refused: nothing is known, and the next probe sees it all.
	s.Break(ewstest.Fault{Op: "SyncFolderItems", Times: 1, Before: func() { s.Break(ewstest.Fault{Op: "SyncFolderItems", Times: 1, Status: 401}) }})
	if again, err := c.Probe(t.Context(), atRoom(t), nil); !errors.Is(err, connectors.Auth) || len(again.Next) > 0 {
		t.Errorf("%+v, %v", again, err)
	}
	if again, err := c.Probe(t.Context(), atRoom(t), ch.Next); err != nil || !again.Changed {
		t.Errorf("%+v, %v", again, err)
	}
	// A state of another mailbox is none.
	if other, err := c.Probe(t.Context(), atRoom(t), connectors.Cursor("c3RhdGUgNSBvZiBhQGI=")); err != nil || !other.Changed {
		t.Errorf("%+v, %v", other, err)
	}
}

// A window with more than the server sends at once is cut in half until all is there, each event once.
func TestViewIsSplit(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{MaxView: 10})
	c := open(t, config(s))
	for i := range 45 {
		from := nine(t).Add(time.Duration(i) * 10 * time.Minute)
		s.Put(room1, ewstest.Event{Name: fmt.Sprintf("%02d", i), Subject: fmt.Sprintf("%02d", i), Start: from, End: from.Add(time.Hour)})
	}
	if got := texts(t, c, day()); len(got) != 45 {
		t.Errorf("%d events: %v", len(got), got)
	}
	// More at one moment than it sends can't be cut.
	for i := range 12 {
		s.Put(room1, ewstest.Event{Name: fmt.Sprint("same", i), Start: nine(t), End: nine(t).Add(time.Minute)})
	}
	if _, err := c.Read(t.Context(), connectors.ReadRequest{Room: atRoom(t), Window: day()}); !errors.Is(err, connectors.Invalid) {
		t.Errorf("got %v", err)
	}
	s.Calls()
	long := when.Interval{From: day().From.AddDate(-2, 0, 0), To: day().From.AddDate(0, 0, -2)}
	if got := texts(t, c, long); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := ops(s); got != "FindItem FindItem FindItem FindItem" { // twice: see connectors.Settled
		t.Errorf("two years are read by %s", got)
	}
}

// One room list that the server can't resolve does not hide the rooms of the others; what concerns all does.
func TestRoomsOfABrokenList(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	s.AddList("annex@rooms.test", "Annex", "annex-1@rooms.test")
	c := open(t, config(s))
	s.Break(ewstest.Fault{Op: "GetRooms", Room: "hq@rooms.test", Code: "ErrorInvalidSmtpAddress"})
	rooms, _, err := c.Rooms(t.Context(), "")
	if err != nil || len(rooms) != 1 || rooms[0].ID != "annex-1@rooms.test" {
		t.Errorf("%+v, %v", rooms, err)
	}
	s.Break(ewstest.Fault{Op: "GetRooms", Room: "annex@rooms.test", Code: "ErrorInvalidSmtpAddress"})
	if _, _, err := c.Rooms(t.Context(), ""); !errors.Is(err, connectors.Invalid) {
		t.Errorf("no list can be read: %v", err)
	}
	s.Repair()
	s.Break(ewstest.Fault{Op: "GetRooms", Room: "annex@rooms.test", Code: "ErrorInternalServerTransientError"})
	if _, _, err := c.Rooms(t.Context(), ""); !errors.Is(err, connectors.Transient) {
		t.Errorf("the server has trouble: %v", err)
	}
}

// Rooms are found by the beginning of a name or an address, whatever characters are in them, and then read.
func TestFindRooms(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	const atelier = "l'atelier@rooms.test"
	s.AddRoom(atelier, "L'Atelier <3>", ewstest.Editor)
	for _, access := range []ews.Access{ews.Folder, ews.Impersonation, ews.FreeBusy} {
		cfg := config(s)
		cfg.Access = access
		c := open(t, cfg)
		for prefix, want := range map[string]string{"L'At": atelier, " l'atelier@": atelier, "Zürich": room1, "nobody": ""} {
			rooms, err := c.FindRooms(t.Context(), prefix)
			if err != nil || len(rooms) != min(len(want), 1) || want != "" && rooms[0].ID != want {
				t.Errorf("%s: %+v, %v", prefix, rooms, err)
			}
		}
		if _, err := c.FindRooms(t.Context(), " "); !errors.Is(err, connectors.Invalid) {
			t.Errorf("nothing to look for: %v", err)
		}
		room := connectors.Room{ID: atelier, Zone: zurich(t)}
		if _, err := c.Read(t.Context(), connectors.ReadRequest{Room: room, Window: day()}); err != nil {
			t.Errorf("%s: %v", access, err)
		}
		if _, err := c.Probe(t.Context(), room, nil); err != nil {
			t.Errorf("%s: %v", access, err)
		}
	}
}

// What an account may do in each way of access, as the server and the check say it.
func TestRights(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		access  ews.Access
		right   ewstest.Right
		imp     bool
		quirks  ewstest.Quirks
		read    connectors.Kind
		write   connectors.Kind
		got     connectors.Access
		step    string // that fails or warns
		cure    string
		decline connectors.Kind
	}{
		"nothing":             {access: ews.Folder, read: connectors.Forbidden, write: connectors.Forbidden, got: connectors.AccessNone, step: "room", cure: "ews_folder_permission", decline: connectors.Forbidden},
		"nothing, but silent": {access: ews.Folder, quirks: ewstest.Quirks{EmptyForbidden: true}, write: connectors.Forbidden, got: connectors.AccessNone, step: "room", cure: "ews_folder_permission", decline: connectors.Forbidden},
		"reviewer":            {access: ews.Folder, right: ewstest.Reviewer, write: connectors.Forbidden, got: connectors.AccessRead, step: "room", cure: "read_only", decline: connectors.Forbidden},
		"editor":              {access: ews.Folder, right: ewstest.Editor, got: connectors.AccessWrite, decline: connectors.Forbidden},
		"editor who answers":  {access: ews.Folder, right: ewstest.EditorSends, got: connectors.AccessWrite},
		"impersonation":       {access: ews.Impersonation, imp: true, got: connectors.AccessWrite},
		"no impersonation":    {access: ews.Impersonation, right: ewstest.EditorSends, read: connectors.Forbidden, write: connectors.Forbidden, got: connectors.AccessNone, step: "room", cure: "ews_impersonation", decline: connectors.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, tc.quirks)
			s.Grant(room1, tc.right)
			s.GrantImpersonation(tc.imp)
			s.Put(room1, ewstest.Event{Name: "theirs", Subject: "theirs", Meeting: true, Organizer: "Ada", Address: "ada@people.example", Start: nine(t), End: nine(t).Add(time.Hour)})
			cfg := config(s)
			cfg.Access, cfg.DeclineNote = tc.access, "Freigegeben <&>"
			c := open(t, cfg)
			snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: atRoom(t), Window: day()})
			if connectors.KindOf(err) != tc.read {
				t.Errorf("read: %v", err)
			}
			_, err = c.Book(t.Context(), atRoom(t), connectors.Draft{Token: "token-of-a", From: nine(t).Add(3 * time.Hour), To: nine(t).Add(4 * time.Hour)})
			if connectors.KindOf(err) != tc.write {
				t.Errorf("write: %v", err)
			}
			report := c.Check(t.Context(), connectors.CheckRequest{Room: atRoom(t)})
			if report.Access != tc.got || tc.step == "" && !report.OK() {
				t.Errorf("%+v", report)
			}
			for _, st := range report.Steps {
				if st.Cure == "calendar.cure.not_encrypted" { // the fake speaks HTTP
					continue
				}
				if bad := st.State == connectors.StepFailed || st.State == connectors.StepWarned; bad != (st.Name == "calendar.check."+tc.step) || bad && st.Cure != "calendar.cure."+tc.cure {
					t.Errorf("%+v", st)
				}
			}
			theirs := connectors.Event{Key: "AAMk="}
			if len(snap.Events) > 0 {
				theirs = snap.Events[0]
			} else if tc.read == "" && !tc.quirks.EmptyForbidden {
				t.Fatal("no event")
			} else {
				return
			}
			if theirs.Mine {
				t.Error("an invitation is the room's own")
			}
			if err := c.Release(t.Context(), atRoom(t), theirs); connectors.KindOf(err) != tc.decline {
				t.Errorf("decline: %v", err)
			} else if err == nil {
				want := []ewstest.Answer{{Organizer: "ada@people.example", From: room1, Response: "Decline", Text: "Freigegeben <&>"}}
				if got := s.Answers(); !slices.Equal(got, want) {
					t.Errorf("the organizer was told %+v", got)
				}
			}
		})
	}
}

// A room that writes organizers over subjects, and a private flag that was dropped, are warned of.
func TestReplacedSubjects(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	c := open(t, config(s))
	today := time.Now().In(zurich(t)).Truncate(time.Hour)
	for i, who := range []string{"Ada Example", "Grace Example", "Ada Example"} {
		from := today.AddDate(0, 0, i+1)
		s.Put(room1, ewstest.Event{Name: fmt.Sprint(i), Subject: who + " ", Organizer: who, Address: "x@people.example", Meeting: true, Start: from, End: from.Add(time.Hour)})
	}
	snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: atRoom(t), Window: when.Interval{From: today, To: today.AddDate(0, 0, 7)}})
	must(t, err)
	if len(snap.Warnings) != 1 || snap.Warnings[0].Key != connectors.SubjectsReplaced || snap.Warnings[0].Count != 3 {
		t.Errorf("%+v", snap.Warnings)
	}
	settings := func() connectors.Step {
		report := c.Check(t.Context(), connectors.CheckRequest{Room: atRoom(t)})
		for _, st := range report.Steps {
			if st.Name == "calendar.check.settings" {
				return st
			}
		}
		t.Fatalf("%+v", report)
		return connectors.Step{}
	}
	if st := settings(); st.State != connectors.StepWarned || st.Cure != "calendar.cure.ews_processing" {
		t.Errorf("%+v", st)
	}
	s.Put(room1, ewstest.Event{Name: "real", Subject: "Budget", Organizer: "Ada Example", Address: "x@people.example", Meeting: true, Start: today, End: today.Add(time.Hour)})
	if st := settings(); st.State != connectors.StepOK {
		t.Errorf("%+v", st)
	}
}

// A picture is found among other attachments; what is too large, inline, or no picture in truth is not.
func TestImage(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	c := open(t, config(s))
	png := []byte("\x89PNG\r\n\x1a\nthe rest")
	large := append([]byte("\xff\xd8\xff"), bytes.Repeat([]byte("x"), 200<<10)...)
	put := func(name string, a ...ewstest.Attachment) connectors.Event {
		s.Put(room1, ewstest.Event{Name: name, Subject: name, Start: nine(t), End: nine(t).Add(time.Hour), Attachments: a})
		snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: atRoom(t), Window: day()})
		must(t, err)
		s.Delete(room1, "")
		for _, e := range snap.Events {
			if e.Subject == name {
				if e.HasImage != (len(a) > 0) {
					t.Errorf("%s: HasImage is %v", name, e.HasImage)
				}
				return e
			}
		}
		t.Fatal("the event is not there")
		return connectors.Event{}
	}
	ev := put("good", ewstest.Attachment{Name: "agenda.pdf", Type: "application/pdf", Data: []byte("%PDF")}, ewstest.Attachment{Name: "logo.png", Type: "image/png", Inline: true, Data: png},
		ewstest.Attachment{Name: "fake.png", Type: "image/png", Data: []byte("<html>")}, ewstest.Attachment{Name: "photo.JPG", Type: "application/octet-stream", Data: large},
		ewstest.Attachment{Name: "door.PNG", Data: png})
	for limit, want := range map[int64]string{100 << 10: "image/png", 1 << 20: "image/jpeg"} {
		data, kind, err := c.Image(t.Context(), atRoom(t), ev, limit)
		if err != nil || kind != want || want == "image/png" && !bytes.Equal(data, png) {
			t.Errorf("with %d bytes: %s of %d bytes, %v", limit, kind, len(data), err)
		}
	}
	ev.Private = true
	if _, _, err := c.Image(t.Context(), atRoom(t), ev, 1<<20); !errors.Is(err, connectors.NotFound) {
		t.Errorf("a picture of a private event: %v", err)
	}
	for name, a := range map[string][]ewstest.Attachment{
		"none": nil, "text": {{Name: "a.txt", Type: "text/plain", Data: []byte("x")}}, "too large": {{Name: "a.jpg", Type: "image/jpeg", Data: large}},
	} {
		if _, _, err := c.Image(t.Context(), atRoom(t), put(name, a...), 100<<10); !errors.Is(err, connectors.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Personal and confidential are private too; whole words never leave, nor does the sign of a picture.
func TestPrivate(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	c := open(t, config(s))
	for i, kind := range []string{"Private", "Personal", "Confidential", "SomethingNew"} {
		from := nine(t).Add(time.Duration(i) * time.Hour)
		s.Put(room1, ewstest.Event{
			Name: kind, Subject: "hidden subject", Organizer: "hidden name", Address: "hidden@people.example", Sensitivity: kind, Start: from, End: from.Add(time.Hour),
			Attachments: []ewstest.Attachment{{Name: "a.png", Data: []byte("x")}},
		})
	}
	snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: atRoom(t), Window: day()})
	must(t, err)
	if text := fmt.Sprintf("%+v", snap); len(snap.Events) != 4 || strings.Contains(text, "hidden") {
		t.Error(text)
	}
	for _, e := range snap.Events {
		if !e.Private || e.HasImage {
			t.Errorf("%+v", e)
		}
	}
}
