package ews

import (
	"context"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

const (
	maxView  = 1000                 // events of one answer: Exchange's own bound (EWSFindCountLimit)
	maxRange = 700 * 24 * time.Hour // a view may not be longer than two years
	minRange = 15 * time.Minute     // a part of a window is not cut further
	around   = 26 * time.Hour       // between the zones farthest apart: a whole day's midnight may be anybody's
)

// Read asks for the window in as many parts as the server's limit makes necessary. Series come expanded;
// from servers that send them whole they are expanded here.
func (c *Conn) Read(ctx context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	if c.cfg.Access == FreeBusy {
		return c.readFreeBusy(ctx, req)
	}
	const op = "read window"
	if err := checkRoom(op, req.Room); err != nil {
		return connectors.Snapshot{}, err
	}
	r := reader{c: c, room: req.Room, window: req.Window, limit: maxView, warnings: connectors.Warnings{}}
	items, err := connectors.Settled(ctx, op, r.views, func(item **node) string { return itemID(*item) })
	if err != nil {
		return connectors.Snapshot{}, gone(err)
	}
	for _, item := range items {
		if item.child("CalendarItemType").word() == "RecurringMaster" {
			r.masters = append(r.masters, item)
		} else {
			r.plain = append(r.plain, item)
		}
	}
	if err := c.learnZones(ctx, op, r.about, r.plain, req.Room.Zone); err != nil {
		return connectors.Snapshot{}, gone(err)
	}
	for _, item := range r.plain {
		r.add(item)
	}
	if err := r.series(ctx, op); err != nil {
		return connectors.Snapshot{}, gone(err)
	}
	if req.Progress != nil {
		req.Progress(len(items), len(items))
	}
	return r.snapshot(), nil
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// checkRoom refuses what is no mailbox before anything is sent.
func checkRoom(op string, room connectors.Room) error {
	if !isAddress(room.ID) {
		return connectors.Fail(connectors.Invalid, op, "the room's address is no mail address")
	}
	return nil
}

// reader gathers the events of one window.
type reader struct {
	c        *Conn
	room     connectors.Room
	window   when.Interval
	limit    int
	seen     map[string]bool // items of this pass, by key
	all      []*node         // of them
	parts    int             // that they came in
	plain    []*node         // all others
	masters  []*node         // series that the server did not expand
	events   []connectors.Event
	skipped  int
	unread   []string // keys of what was skipped
	asOf     time.Time
	warnings connectors.Warnings
}

func itemID(item *node) string { return item.child("ItemId").attr("Id") }

// views reads the whole window once, and returns its items and in how many parts they came.
func (r *reader) views(ctx context.Context, _ bool) ([]*node, int, error) {
	const op = "read window"
	r.seen, r.all, r.parts = map[string]bool{}, nil, 0
	wide := when.Interval{From: r.window.From.Add(-around), To: r.window.To.Add(around)}
	for from := wide.From; from.Before(wide.To); from = from.Add(maxRange) {
		if err := r.view(ctx, op, when.Interval{From: from, To: minTime(from.Add(maxRange), wide.To)}); err != nil {
			return nil, 0, err
		}
	}
	return r.all, r.parts, nil
}

// view reads one part of the window, and its halves when the server could not send all of it.
func (r *reader) view(ctx context.Context, op string, w when.Interval) error {
	m, p, err := r.c.call(ctx, r.about(op, findWindow(r.c.calendarFolder(r.room.ID), w, r.limit)))
	tooMuch := codeIs(err, "ErrorExceededFindCountLimit", "ErrorCalendarViewRangeTooBig") && connectors.AfterOf(err) == 0
	if err != nil && !tooMuch {
		return err
	}
	root := m.find("RootFolder")
	if tooMuch || root.attr("IncludesLastItemInRange") == "false" {
		half := w.From.Add(w.Duration() / 2).Truncate(time.Minute)
		if w.Duration() < 2*minRange || !half.After(w.From) {
			return connectors.Fail(connectors.Invalid, op, "more events at one time than the server sends")
		}
		if err := r.view(ctx, op, when.Interval{From: w.From, To: half}); err != nil {
			return err
		}
		return r.view(ctx, op, when.Interval{From: half, To: w.To})
	}
	if root == nil {
		return connectors.Fail(connectors.Invalid, op, "the answer has no list of items")
	}
	r.asOf, r.parts = p.http.AsOf(), r.parts+1
	for _, item := range root.child("Items").all("CalendarItem") {
		r.take(item)
	}
	return nil
}

// about is a request about the room.
func (r *reader) about(op, body string) request { return r.c.about(op, r.room, body) }

// take notes one item, once: events that span two parts of the window come twice.
func (r *reader) take(item *node) {
	if id := itemID(item); id == "" || !r.seen[id] {
		r.seen[id] = true
		r.all = append(r.all, item)
	}
}

// add turns an item into an event.
func (r *reader) add(item *node) {
	e, drop, ok := event(item, r.room.Zone)
	switch {
	case !ok:
		r.skip(e.Key)
	case !drop && e.Touches(r.window):
		r.events = append(r.events, e)
	}
}

// skip counts what can't be read; an empty key names nothing.
func (r *reader) skip(key string) {
	r.skipped++
	if key != "" {
		r.unread = append(r.unread, key)
	}
}

func (r *reader) snapshot() connectors.Snapshot {
	s := connectors.Snapshot{Events: distinct(r.events), AsOf: r.asOf, Complete: true, Skipped: r.skipped, Unread: r.unread}
	if n := connectors.Replaced(s.Events); n > 0 {
		r.warnings.Add(connectors.SubjectsReplaced, "", n)
	}
	s.Warnings = r.warnings.List()
	return s
}

// distinct orders events and drops all but the last written of one identity: copies of a meeting that
// somebody has dragged into the room's calendar a second time.
func distinct(events []connectors.Event) []connectors.Event {
	best := map[string]connectors.Event{}
	for _, e := range events {
		old, ok := best[e.Identity()]
		if !ok || e.Written.After(old.Written) || e.Written.Equal(old.Written) && e.Key < old.Key {
			best[e.Identity()] = e
		}
	}
	var out []connectors.Event
	for _, e := range best {
		out = append(out, e)
	}
	connectors.SortEvents(out)
	return out
}

// event reads one item. It reports false for one without times, of which it tells the key alone, and drop for one that takes no part in
// the room's day: cancelled, declined, or a series as a whole.
func event(item *node, zone *time.Location) (e connectors.Event, drop, ok bool) {
	from, ok1 := item.child("Start").time()
	to, ok2 := item.child("End").time()
	e.Key = item.child("ItemId").attr("Id")
	if !ok1 || !ok2 || to.Before(from) || e.Key == "" {
		return e, false, false
	}
	e.Rev = item.child("ItemId").attr("ChangeKey")
	e.From, e.To = from, to
	made := madeIn(item)
	if item.child("IsAllDayEvent").yes() {
		e.AllDay = true
		e.FirstDay, e.EndDay = days(from, to, zone, made)
		e.From, e.To = e.FirstDay.Start(zone).UTC(), e.EndDay.Start(zone).UTC()
	}
	e.Series = item.child("UID").word()
	if e.Series == "" {
		e.Series = "item-" + e.Key
	}
	e.Occurrence = occurrence(item, e.AllDay, from, zone, made)
	busy := item.child("LegacyFreeBusyStatus").word()
	e.Tentative, e.Free = busy == "Tentative", busy == "Free" || busy == "WorkingElsewhere"
	e.Created, _ = item.child("DateTimeCreated").time()
	ours(item, &e)
	meeting, response := item.child("IsMeeting").yes(), item.child("MyResponseType").word()
	e.Mine = e.Token != "" || !meeting || response == "Organizer"
	if sensitivity := item.child("Sensitivity").word(); sensitivity != "" && sensitivity != "Normal" {
		e.Hide()
	} else {
		e.Subject = item.child("Subject").raw()
		organizer(item, &e)
		e.HasImage = item.child("HasAttachments").yes()
	}
	drop = item.child("IsCancelled").yes() || response == "Decline"
	return e, drop, true
}

// ours reads the properties that we have left on an item.
func ours(item *node, e *connectors.Event) {
	token := propertyOf(item, propKey)
	if token == "" {
		// The room's copy of an invitation of ours.
		token, _ = strings.CutPrefix(e.Series, uidPrefix)
		if token == e.Series {
			token = ""
		}
	}
	if isToken(token) {
		e.Token = token
	}
	if t, err := time.Parse(time.RFC3339, propertyOf(item, propCheckIn)); err == nil {
		e.CheckedIn = t.UTC().Truncate(time.Second)
	}
	e.Written = claim(item)
}

// claim is Event.Written; see the package comment.
func claim(item *node) time.Time {
	created, _ := item.child("DateTimeCreated").time()
	switch s := propertyOf(item, propClaim); s {
	case "":
		return created
	case claimModified:
		t, _ := item.child("LastModifiedTime").time()
		return t
	default:
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return created
		}
		return t.UTC()
	}
}

func isToken(s string) bool {
	d := connectors.Draft{Token: s, From: time.Unix(0, 0), To: time.Unix(1, 0)}
	return d.Valid() == nil
}

func propertyOf(item *node, name string) string {
	for _, p := range item.all("ExtendedProperty") {
		if p.child("ExtendedFieldURI").attr("PropertyName") == name {
			return p.child("Value").word()
		}
	}
	return ""
}

// organizer reads who holds the meeting; for a booking of ours that is whom Lintel has named, and never the
// account that Lintel signs in with. Addresses of the directory's own kind (EX) are none that anybody knows.
func organizer(item *node, e *connectors.Event) {
	if e.Token != "" {
		e.Organizer = propertyOf(item, propOrganizer)
		return
	}
	m := item.at("Organizer", "Mailbox")
	e.Organizer = m.child("Name").word()
	if address := m.child("EmailAddress").word(); isAddress(address) && m.child("RoutingType").word() != "EX" {
		e.OrganizerAddr = address
	}
}

// occurrence names an occurrence of a series by its original start, as the contract wants it.
func occurrence(item *node, allDay bool, from time.Time, zone, made *time.Location) string {
	at, ok := item.child("RecurrenceId").time()
	if !ok {
		switch item.child("CalendarItemType").word() {
		case "Occurrence", "Exception":
			at = from
		default:
			return ""
		}
	}
	if allDay {
		first, _ := days(at, at, zone, made)
		return strings.ReplaceAll(first.String(), "-", "")
	}
	return at.Format("20060102T150405Z")
}
