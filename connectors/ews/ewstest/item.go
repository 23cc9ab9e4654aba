package ewstest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// Event is what another program puts into a calendar.
type Event struct {
	Name       string // names the item for Put and Delete; also its UID when that is empty
	UID        string
	Subject    string
	Body       string
	Organizer  string // name
	Address    string
	Start, End time.Time // in the zone of whoever made it
	AllDay     bool
	Zone       string // StartTimeZone, by its Windows name; "" = the server does not tell
	Rule       string // RRULE
	Deleted    []time.Time
	Exceptions []Exception

	Sensitivity string // "" = Normal
	Busy        string // "" = Busy
	Cancelled   bool
	Broken      bool   // its times are none that anybody can read
	Meeting     bool   // the room was invited
	Response    string // MyResponseType; "" = Accept of a meeting, Unknown else
	Created     time.Time
	Properties  map[string]string // public strings
	Attachments []Attachment
}

// Exception is one changed occurrence of an Event's series.
type Exception struct {
	Original, Start, End time.Time
	Subject              string // "" = the series'
	Cancelled, Broken    bool
}

// Attachment is a file on an event.
type Attachment struct {
	Name, Type string
	Inline     bool
	Data       []byte
}

type person struct{ name, address string }

type attendee struct {
	person
	response string
}

// fields are what an item and each exception of a series have.
type fields struct {
	subject, body, sensitivity, busy, location string
	start, end                                 time.Time
	allDay, cancelled, broken                  bool
	props                                      map[string]string
	attachments                                []Attachment
	modified                                   time.Time
	seq                                        int // of the last change: the change key
}

// item is one object of a calendar: a single event or a series.
type item struct {
	n    int
	box  *mailbox
	name string
	uid  string
	zone string
	fields
	meeting    bool
	response   string
	organizer  person
	resources  []attendee
	required   []attendee
	created    time.Time
	createdSeq int
	rule       *rrule.RRule
	ruleText   string
	deleted    map[string]bool    // by original start
	exceptions map[string]*fields // by original start
}

const stamp = "20060102T150405Z"

func encode(format string, args ...any) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, format, args...))
}

func (it *item) id() string { return encode("item %d of %s", it.n, it.box.address) }

func (it *item) occurrenceID(original string) string {
	return encode("item %d of %s at %s", it.n, it.box.address, original)
}

func changeKey(seq int) string { return encode("change %08d", seq) }

// describe writes all of an item as a text.
func (it *item) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "uid=%s subject=%q organizer=%s <%s> rule=%s\n", it.uid, it.subject, it.organizer.name, it.organizer.address, it.ruleText)
	for _, f := range append([]*fields{&it.fields}, slices.Collect(maps.Values(it.exceptions))...) {
		fmt.Fprintf(&b, "%s–%s %s %s %q %v", f.start.Format(stamp), f.end.Format(stamp), f.busy, f.sensitivity, f.body, f.props)
		for _, a := range f.attachments {
			fmt.Fprintf(&b, " %s", a.Name)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Put stores an event as another program would, replacing the one of that name.
func (s *Server) Put(address string, e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[strings.ToLower(address)]
	s.seq++
	it := &item{n: s.seq, createdSeq: s.seq, created: e.Created.UTC()}
	if e.Created.IsZero() {
		it.created = s.clock()
	}
	for _, old := range b.items {
		if old.name == e.Name {
			it.n, it.createdSeq = old.n, old.createdSeq
		}
	}
	it.box, it.name, it.uid, it.zone = b, e.Name, or(e.UID, e.Name), e.Zone
	it.fields = fields{
		subject: e.Subject, body: e.Body, sensitivity: or(e.Sensitivity, "Normal"), busy: or(e.Busy, "Busy"), start: e.Start, end: e.End,
		allDay: e.AllDay, cancelled: e.Cancelled, broken: e.Broken, props: maps.Clone(e.Properties), attachments: e.Attachments, modified: s.clock(), seq: s.seq,
	}
	it.meeting, it.organizer = e.Meeting, person{e.Organizer, e.Address}
	it.response = or(e.Response, "Unknown")
	if e.Meeting {
		it.response = or(e.Response, "Accept")
	}
	it.setRule(e.Rule)
	it.deleted, it.exceptions = map[string]bool{}, map[string]*fields{}
	for _, t := range e.Deleted {
		it.deleted[t.UTC().Format(stamp)] = true
	}
	for _, x := range e.Exceptions {
		f := it.fields
		f.subject, f.start, f.end, f.cancelled, f.broken = or(x.Subject, e.Subject), x.Start, x.End, x.Cancelled, x.Broken
		f.props = maps.Clone(e.Properties)
		it.exceptions[x.Original.UTC().Format(stamp)] = &f
	}
	b.items[it.n] = it
	s.changed(it, false)
}

func (it *item) setRule(text string) {
	it.ruleText, it.rule = text, nil
	if text == "" {
		return
	}
	o, err := rrule.StrToROption(text)
	if err != nil {
		panic(err)
	}
	o.Dtstart = it.start
	if it.rule, err = rrule.NewRRule(*o); err != nil {
		panic(err)
	}
}

// Delete removes an event as another program would.
func (s *Server) Delete(address, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[strings.ToLower(address)]
	for _, it := range s.sortedItems(b) {
		if it.name == name {
			s.remove(it)
		}
	}
}

func (s *Server) remove(it *item) {
	delete(it.box.items, it.n)
	s.seq++
	it.box.removed = append(it.box.removed, removal{s.seq, it.id()})
	s.changed(it, true)
}

// touch notes a change of an item or one of its exceptions.
func (s *Server) touch(it *item, f *fields) {
	s.seq++
	f.seq, f.modified = s.seq, s.clock()
	if f != &it.fields {
		it.seq, it.modified = s.seq, f.modified
	}
	s.changed(it, false)
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// occurrence is one event as a calendar view shows it.
type occurrence struct {
	it       *item
	f        *fields
	kind     string // CalendarItemType
	original time.Time
	start    time.Time
	end      time.Time
}

func (o occurrence) id() string {
	if o.original.IsZero() {
		return o.it.id()
	}
	return o.it.occurrenceID(o.original.UTC().Format(stamp))
}

// originals returns the starts of a series up to an instant, deleted ones included.
func (it *item) originals(until time.Time) []time.Time {
	if it.rule == nil {
		return nil
	}
	return it.rule.Between(it.start.Add(-time.Second), until, true)
}

// at returns the occurrence of an original start; false when it is deleted or never was.
func (it *item) at(original time.Time) (occurrence, bool) {
	key := original.UTC().Format(stamp)
	if it.deleted[key] {
		return occurrence{}, false
	}
	if f := it.exceptions[key]; f != nil {
		return occurrence{it, f, "Exception", original, f.start, f.end}, true
	}
	return occurrence{it, &it.fields, "Occurrence", original, original, it.endOf(original)}, true
}

// endOf keeps the length of the first occurrence: of whole days in days.
func (it *item) endOf(start time.Time) time.Time {
	if it.allDay {
		days := int((it.end.Sub(it.start) + 12*time.Hour) / (24 * time.Hour))
		return start.AddDate(0, 0, days)
	}
	return start.Add(it.end.Sub(it.start))
}

// view returns what overlaps [from, to), ordered by start.
func (s *Server) view(b *mailbox, from, to time.Time, masters bool) []occurrence {
	var out []occurrence
	for _, it := range s.sortedItems(b) {
		out = append(out, it.within(from, to, masters)...)
	}
	slices.SortStableFunc(out, func(x, y occurrence) int { return x.start.Compare(y.start) })
	return out
}

func (it *item) within(from, to time.Time, masters bool) []occurrence {
	overlaps := func(o occurrence) bool { return o.start.Before(to) && o.end.After(from) }
	if it.rule == nil {
		if o := (occurrence{it, &it.fields, "Single", time.Time{}, it.start, it.end}); overlaps(o) {
			return []occurrence{o}
		}
		return nil
	}
	if masters {
		return []occurrence{{it, &it.fields, "RecurringMaster", time.Time{}, it.start, it.end}}
	}
	var out []occurrence
	length := it.end.Sub(it.start) + 24*time.Hour
	for _, t := range it.rule.Between(from.Add(-length), to, true) {
		if o, ok := it.at(t); ok && o.kind == "Occurrence" && overlaps(o) {
			out = append(out, o)
		}
	}
	for key := range it.exceptions {
		t, err := time.Parse(stamp, key)
		if o, ok := it.at(t.In(it.start.Location())); err == nil && ok && overlaps(o) {
			out = append(out, o)
		}
	}
	return out
}

// find resolves an id; ok is false when the item or the occurrence is not there.
func (s *Server) find(id string) (o occurrence, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(id)
	if err != nil {
		return o, false
	}
	f := strings.Fields(string(raw))
	if len(f) < 4 || f[0] != "item" {
		return o, false
	}
	n, _ := strconv.Atoi(f[1])
	b := s.boxes[strings.ToLower(f[3])]
	if b == nil || b.items[n] == nil {
		return o, false
	}
	it := b.items[n]
	if len(f) == 6 {
		t, err := time.Parse(stamp, f[5])
		if err != nil || it.rule == nil {
			return o, false
		}
		return it.at(t.In(it.start.Location()))
	}
	kind := "Single"
	if it.rule != nil {
		kind = "RecurringMaster"
	}
	return occurrence{it, &it.fields, kind, time.Time{}, it.start, it.end}, true
}

// own gives an occurrence fields of its own, so that it can be changed.
func (o *occurrence) own() {
	if o.original.IsZero() || o.kind == "Exception" {
		return
	}
	f := o.it.fields
	f.props, f.attachments = maps.Clone(f.props), slices.Clone(f.attachments)
	f.start, f.end = o.start, o.end
	o.it.exceptions[o.original.UTC().Format(stamp)] = &f
	o.f, o.kind = &f, "Exception"
}
