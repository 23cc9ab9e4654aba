package graphtest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Event is what another program puts into a mailbox's calendar.
type Event struct {
	Name                string // by which Put replaces it and Delete finds it
	Subject             string
	Organizer, Address  string // who organizes; Address "" = the mailbox itself
	Start, End          string // wall-clock times in Zone (2026-11-23T09:00), or days (2026-11-23), End excluded
	Zone                string // IANA; "" = UTC
	Recurrence          *Recurrence
	Deleted             []string // original starts, as Start
	Exceptions          []Exception
	Sensitivity         string // "" = normal
	ShowAs              string // "" = busy
	Response            string // of the mailbox to an invitation; "" = accepted
	NoResponse          bool   // the organizer asked for no answers
	Cancelled           bool
	Broken              bool      // its times are none that anybody can read
	Created             time.Time // zero = now
	Categories          []string
	Attachments         []Attachment
	OriginalZoneUnknown bool // no originalStartTimeZone
}

// Recurrence is the pattern of a series, in its event's zone.
type Recurrence struct {
	Type  string // daily, weekly, absoluteYearly
	Days  []time.Weekday
	Count int       // 0 = no end, or Until
	Until time.Time // the last start at the latest
}

// Exception is an occurrence that differs from its series.
type Exception struct {
	Original, Start, End, Subject string
	Cancelled, Broken             bool
}

// Attachment is a file of an event.
type Attachment struct {
	Name, ContentType string
	Data              []byte
	Inline            bool
}

type mailbox struct {
	address, name string
	room, scoped  bool
	items         map[string]*item // by id; masters and single events
	changes       []changed
	forgotten     int // deltas older than this are
	throttled     time.Time
	transactions  map[string]transaction

	late  int              // so many more lists show the mailbox …
	shown map[string]*item // … as it was then
}

// Lag makes the next lists and searches of a mailbox show it as it is now, as a copy does that lags. Single events are
// always as they are.
func (s *Server) Lag(address string, lists int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[strings.ToLower(address)]
	b.late, b.shown = lists, map[string]*item{}
	for id, i := range b.items {
		c := *i
		c.props, c.deleted, c.exceptions = maps.Clone(i.props), maps.Clone(i.deleted), map[string]*item{}
		for at, x := range i.exceptions {
			o := *x
			o.props = maps.Clone(x.props)
			c.exceptions[at] = &o
		}
		b.shown[id] = &c
	}
}

// listed is the mailbox as a list shows it.
func (b *mailbox) listed() *mailbox {
	if b.late == 0 {
		return b
	}
	b.late--
	return &mailbox{items: b.shown}
}

type changed struct {
	seq int
	id  string
}

type transaction struct{ id, body string }

type attendee struct {
	Type, Name, Address, Response string
}

// item is an event: a single one, a master, or, as a copy, one occurrence.
type item struct {
	name, id, uid     string
	kind              string // singleInstance, seriesMaster, occurrence, exception
	masterID          string
	subject           string
	orgName, orgAddr  string
	organizer         bool
	start, end        time.Time
	zone              *time.Location
	noZone            bool
	allDay, cancelled bool
	broken            bool
	sensitivity       string
	showAs, response  string
	noResponse        bool
	created, modified time.Time
	rev               int
	transaction       string
	props             map[string]string
	categories        []string
	attendees         []attendee
	files             []Attachment
	original          time.Time

	rec        *Recurrence
	exceptions map[string]*item // by original start
	deleted    map[string]bool
}

func (i *item) key() string { return fmt.Sprintf("%s %d", i.id, i.rev) }

func (i *item) changeKey() string { return base64.StdEncoding.EncodeToString([]byte("ck " + i.key())) }

func (i *item) etag() string { return `W/"` + i.changeKey() + `"` }

const stampLayout = "20060102T150405"

// wall reads a time of a seed; a day is midnight of where this tenant keeps whole days.
func (s *Server) wall(text, zone string) (time.Time, bool) {
	if len(text) == len(time.DateOnly) {
		loc := time.UTC
		if s.Quirks.AllDayLocal {
			loc = mustZone("Europe/Zurich")
		}
		t, err := time.ParseInLocation(time.DateOnly, text, loc)
		return must(t, err), true
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", text, mustZone(cmp.Or(zone, "UTC")))
	return must(t, err), false
}

func mustZone(name string) *time.Location {
	l, err := time.LoadLocation(name)
	return must(l, err)
}

// must is for what a test wrote itself.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Put stores an event as another program would, replacing the one of that name, and returns its id.
func (s *Server) Put(address string, e Event) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[strings.ToLower(address)]
	now := s.stamp()
	i := &item{
		name: e.Name, kind: "singleInstance", subject: e.Subject, sensitivity: cmp.Or(e.Sensitivity, "normal"), showAs: cmp.Or(e.ShowAs, "busy"),
		cancelled: e.Cancelled, noResponse: e.NoResponse, categories: e.Categories, files: e.Attachments, created: e.Created,
		rec: e.Recurrence, broken: e.Broken, exceptions: map[string]*item{}, deleted: map[string]bool{}, props: map[string]string{}, noZone: e.OriginalZoneUnknown,
	}
	old := b.named(e.Name)
	if old != nil {
		i.id, i.uid, i.created, i.rev = old.id, old.uid, old.created, old.rev
	} else {
		i.id, i.uid = s.newID()
	}
	if i.created.IsZero() {
		i.created = now
	}
	i.orgName, i.orgAddr, i.organizer, i.response = b.name, b.address, true, "organizer"
	if e.Address != "" && !strings.EqualFold(e.Address, b.address) {
		i.orgName, i.orgAddr, i.organizer, i.response = e.Organizer, e.Address, false, cmp.Or(e.Response, "accepted")
	}
	i.start, i.allDay = s.wall(e.Start, e.Zone)
	i.end, _ = s.wall(cmp.Or(e.End, e.Start), e.Zone)
	i.zone = i.start.Location()
	if i.rec != nil {
		i.kind = "seriesMaster"
	}
	for _, d := range e.Deleted {
		t, _ := s.wall(d, e.Zone)
		i.deleted[t.UTC().Format(stampLayout)] = true
	}
	for _, x := range e.Exceptions {
		orig, _ := s.wall(x.Original, e.Zone)
		o := i.at(orig)
		o.kind, o.broken = "exception", x.Broken
		o.start, o.allDay = s.wall(x.Start, e.Zone)
		o.end, _ = s.wall(x.End, e.Zone)
		o.subject, o.cancelled, o.modified = cmp.Or(x.Subject, i.subject), x.Cancelled || i.cancelled, now
		i.exceptions[orig.UTC().Format(stampLayout)] = o
	}
	s.touch(b, i)
	for _, o := range i.exceptions {
		o.rev = i.rev
	}
	return i.id
}

// Delete removes the event of that name.
func (s *Server) Delete(address, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[strings.ToLower(address)]
	s.drop(b, b.named(name))
}

// Bodies returns all events of a mailbox as JSON, with their properties.
func (s *Server) Bodies(address string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[strings.ToLower(address)]
	var out []string
	for _, id := range slices.Sorted(maps.Keys(b.items)) {
		i := b.items[id]
		all := append([]*item{i}, slices.Collect(maps.Values(i.exceptions))...)
		for _, x := range all {
			out = append(out, string(send(200, s.render(x, allProps, nil)).body))
		}
	}
	return out
}

func (b *mailbox) named(name string) *item {
	for _, i := range b.items {
		if name != "" && i.name == name {
			return i
		}
	}
	return nil
}

func (s *Server) newID() (id, uid string) {
	s.seq++
	id = "AAkALgAA" + base64.URLEncoding.EncodeToString(fmt.Appendf(nil, "immutable item %d", s.seq))
	return id, fmt.Sprintf("040000008200E00074C5B7101A82E008%08d", s.seq)
}

// touch stores an item and writes its change down.
func (s *Server) touch(b *mailbox, i *item) {
	s.seq++
	i.rev = s.seq
	// Exchange goes on writing for a moment after an item was made.
	i.modified = s.stamp().Add(50 * time.Millisecond)
	b.items[i.id] = i
	b.changes = append(b.changes, changed{s.seq, i.id})
}

func (s *Server) drop(b *mailbox, i *item) {
	if i == nil {
		return
	}
	s.seq++
	delete(b.items, i.id)
	b.changes = append(b.changes, changed{s.seq, i.id})
}

// at returns the occurrence with an original start, as the series has it.
func (i *item) at(original time.Time) *item {
	key := original.UTC().Format(stampLayout)
	if x := i.exceptions[key]; x != nil {
		return x
	}
	o := *i
	o.kind, o.masterID, o.id, o.uid = "occurrence", i.id, i.id+"OID"+key, i.uid+key
	o.rec, o.exceptions, o.deleted, o.original = nil, nil, nil, original
	o.start, o.end = original, original.Add(i.end.Sub(i.start))
	if i.allDay {
		o.end = original.AddDate(0, 0, int(i.end.Sub(i.start).Round(24*time.Hour)/(24*time.Hour)))
	}
	o.props, o.files = maps.Clone(i.props), i.files
	return &o
}

// starts returns the original starts of a series up to a time.
func (i *item) starts(to time.Time) []time.Time {
	var out []time.Time
	first := i.start.In(i.zone)
	for n := 0; ; n++ {
		var t time.Time
		switch i.rec.Type {
		case "absoluteYearly":
			t = first.AddDate(n, 0, 0)
		case "weekly":
			t = first.AddDate(0, 0, n)
			days := i.rec.Days
			if len(days) == 0 {
				days = []time.Weekday{first.Weekday()}
			}
			if !slices.Contains(days, t.Weekday()) {
				continue
			}
		default:
			t = first.AddDate(0, 0, n)
		}
		if t.After(to) || i.rec.Count > 0 && len(out) >= i.rec.Count || !i.rec.Until.IsZero() && t.After(i.rec.Until) {
			return out
		}
		out = append(out, t)
	}
}

// occurrences returns what of an item touches [from, to).
func (i *item) occurrences(from, to time.Time) []*item {
	touches := func(o *item) bool {
		return o.start.Before(to) && o.end.After(from) || o.start.Equal(o.end) && !o.start.Before(from) && o.start.Before(to)
	}
	if i.rec == nil {
		if touches(i) {
			return []*item{i}
		}
		return nil
	}
	var out []*item
	for _, t := range i.starts(to) {
		key := t.UTC().Format(stampLayout)
		if i.deleted[key] || i.exceptions[key] != nil {
			continue
		}
		if o := i.at(t); touches(o) {
			out = append(out, o)
		}
	}
	for key, x := range i.exceptions {
		if !i.deleted[key] && touches(x) {
			out = append(out, x)
		}
	}
	return out
}

// view returns all that touches [from, to), ordered.
func (b *mailbox) view(from, to time.Time) []*item {
	var out []*item
	for _, i := range b.items {
		out = append(out, i.occurrences(from, to)...)
	}
	slices.SortFunc(out, func(x, y *item) int { return cmp.Or(x.start.Compare(y.start), cmp.Compare(x.id, y.id)) })
	return out
}

// find returns an event by its id, and the master of an occurrence with it.
func (b *mailbox) find(id string) (i, master *item) {
	if i := b.items[id]; i != nil {
		return i, nil
	}
	cut := strings.LastIndex(id, "OID")
	if cut < 0 {
		return nil, nil
	}
	m := b.items[id[:cut]]
	if m == nil || m.rec == nil || m.deleted[id[cut+3:]] {
		return nil, nil
	}
	t, err := time.Parse(stampLayout, id[cut+3:])
	if err != nil {
		return nil, nil
	}
	if x := m.exceptions[id[cut+3:]]; x != nil {
		return x, m
	}
	for _, at := range m.starts(t) {
		if at.Equal(t) {
			return m.at(at), m
		}
	}
	return nil, nil
}
