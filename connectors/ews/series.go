package ews

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ical"
)

// Exchange expands series in a calendar view. Where a server (grommunio) sends the series itself, its
// occurrences are worked out here, in the room's zone: the series' own is not told in a form that all
// servers share.

// atOnce is how many items one GetItem asks for, Exchange's own advice for a batch.
const atOnce = 10

// series adds the occurrences of the series that the server sent whole. What stands in a changed occurrence
// is fetched too: it may be private where the series is not.
func (r *reader) series(ctx context.Context, op string) error {
	var changed []changedOccurrence
	err := r.items(ctx, op, seriesShape(), len(r.masters), func(i int) itemRef {
		return itemRef{id: r.masters[i].child("ItemId").attr("Id")}
	}, func(i int, item *node) {
		changed = append(changed, r.expand(r.masters[i], item)...)
	})
	if err != nil {
		return err
	}
	return r.items(ctx, op, eventShape(), len(changed), func(i int) itemRef {
		return itemRef{id: changed[i].id}
	}, func(i int, item *node) {
		e, drop, ok := event(item, r.room.Zone)
		if !ok {
			r.skip(changed[i].Key)
			return
		}
		e.Key, e.Series, e.Occurrence = changed[i].Key, changed[i].Series, changed[i].Occurrence
		if changed[i].Private {
			e.Hide()
		}
		if !drop && e.Touches(r.window) {
			r.events = append(r.events, e)
		}
	})
}

// items fetches n items in batches. Those that are not there any more are left out.
func (r *reader) items(ctx context.Context, op, shape string, n int, ref func(int) itemRef, take func(int, *node)) error {
	for from := 0; from < n; from += atOnce {
		var refs []itemRef
		for i := from; i < min(from+atOnce, n); i++ {
			refs = append(refs, ref(i))
		}
		p, err := r.c.send(ctx, r.about(op, getItems(shape, refs...)))
		if err != nil {
			return err
		}
		if len(p.messages) != len(refs) {
			return connectors.Fail(connectors.Invalid, op, "the answer has another number of items")
		}
		for i, m := range p.messages {
			err := r.c.failed(op, m, p.id)
			if err == nil {
				take(from+i, m.find("CalendarItem"))
			} else if connectors.KindOf(err) != connectors.NotFound {
				return err
			}
		}
	}
	return nil
}

// changedOccurrence is an occurrence with an item of its own.
type changedOccurrence struct {
	connectors.Event
	id string
}

// expand adds the plain occurrences of one series that touch the window and returns the changed ones: words
// is the item of the view, rule has the recurrence.
func (r *reader) expand(words, rule *node) []changedOccurrence {
	base, drop, ok := event(words, r.room.Zone)
	s, good := newSeries(rule, r.room.Zone, false)
	if !ok || !good {
		r.skip(base.Key)
		return nil
	}
	if drop {
		return nil
	}
	x := s.between(r.window)
	for kind, n := range x.Warnings {
		r.warnings.Add("calendar.warning."+strings.ReplaceAll(string(kind.Kind), " ", "_"), "", n)
	}
	var changed []changedOccurrence
	for _, o := range x.Occurrences {
		e := base
		e.Key, e.Occurrence = connectors.OccurrenceKey(base.Key, o.Original), o.Original
		e.From, e.To, e.FirstDay, e.EndDay = o.From.UTC(), o.To.UTC(), o.FirstDay, o.EndDay
		id := s.changed[o.Original]
		switch {
		case o.Event.Override && id != "":
			changed = append(changed, changedOccurrence{e, id})
			continue
		case o.Event.Override:
			e.Hide() // nobody says what stands in it
		}
		r.events = append(r.events, e)
	}
	return changed
}

// recurring is a series as iCalendar has it: the master and one override for each changed occurrence.
type recurring struct {
	events  []ical.Event
	changed map[string]string // item of an override, by original start as Occurrence has it
	zone    *time.Location
	start   time.Time
}

func (s recurring) between(w when.Interval) ical.Expansion {
	return ical.Expand(s.events, w, ical.Options{Zone: s.zone})
}

// index is the number that a server gives to an occurrence of a bare series; 0 when there is no such one.
func (s recurring) index(original string) int {
	at, err := time.Parse("20060102T150405Z", original)
	if err != nil {
		d, err := time.ParseInLocation("20060102", original, s.zone)
		if err != nil {
			return 0
		}
		at = d
	}
	x := ical.Expand(s.events, when.Interval{From: s.start.Add(-time.Hour), To: at.Add(time.Second)}, ical.Options{Zone: s.zone})
	for i, o := range x.Occurrences {
		if o.Original == original {
			return i + 1
		}
	}
	return 0
}

// newSeries reads a series' item; false when it does not say how it recurs. Bare leaves out its exceptions.
func newSeries(item *node, zone *time.Location, bare bool) (recurring, bool) {
	from, ok1 := item.child("Start").time()
	to, ok2 := item.child("End").time()
	rule, ok3 := rrule(item.child("Recurrence"), zone)
	if !ok1 || !ok2 || !ok3 || to.Before(from) {
		return recurring{}, false
	}
	allDay := item.child("IsAllDayEvent").yes()
	stamp := func(t time.Time) string { return ";TZID=" + zone.String() + ":" + t.In(zone).Format("20060102T150405") }
	if allDay {
		stamp = func(t time.Time) string {
			d, _ := days(t, t, zone, nil)
			return ";VALUE=DATE:" + strings.ReplaceAll(d.String(), "-", "")
		}
	}
	end := func(from, to time.Time) string {
		if !allDay {
			return stamp(to)
		}
		_, last := days(from, to, zone, nil)
		return ";VALUE=DATE:" + strings.ReplaceAll(last.String(), "-", "")
	}
	changed := map[string]string{}
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTART" + stamp(from) + "\r\nDTEND" + end(from, to) + "\r\nRRULE:" + rule + "\r\n")
	if bare {
		item = nil
	}
	for _, d := range item.child("DeletedOccurrences").all("DeletedOccurrence") {
		if t, ok := d.child("Start").time(); ok {
			b.WriteString("EXDATE" + stamp(t) + "\r\n")
		}
	}
	b.WriteString("END:VEVENT\r\n")
	for _, m := range item.child("ModifiedOccurrences").all("Occurrence") {
		start, ok1 := m.child("Start").time()
		stop, ok2 := m.child("End").time()
		original, ok3 := m.child("OriginalStart").time()
		if ok1 && ok2 && ok3 {
			name := original.Format("20060102T150405Z")
			if allDay {
				d, _ := days(original, original, zone, nil)
				name = strings.ReplaceAll(d.String(), "-", "")
			}
			changed[name] = m.child("ItemId").attr("Id")
			b.WriteString("BEGIN:VEVENT\r\nUID:x\r\nRECURRENCE-ID" + stamp(original) + "\r\nDTSTART" + stamp(start) + "\r\nDTEND" + end(start, stop) + "\r\nEND:VEVENT\r\n")
		}
	}
	b.WriteString("END:VCALENDAR\r\n")
	cal, _, err := ical.Parse([]byte(b.String()), ical.Limits{})
	if err != nil {
		return recurring{}, false
	}
	set := ical.Events(cal, ical.Options{Zone: zone})
	if len(set.Events) == 0 {
		return recurring{}, false
	}
	return recurring{events: set.Events, changed: changed, zone: zone, start: from}, true
}

// rrule writes a Recurrence as a recurrence rule (RFC 5545 3.3.10).
func rrule(r *node, zone *time.Location) (string, bool) {
	pattern := ""
	if r == nil {
		return "", false
	}
	for _, k := range r.kids {
		if p := patternRule(k); p != "" {
			pattern = p
		}
	}
	if pattern == "" {
		return "", false
	}
	if n := r.at("NumberedRecurrence", "NumberOfOccurrences").int(); n > 0 {
		pattern += ";COUNT=" + strconv.Itoa(n)
	} else if last, ok := r.at("EndDateRecurrence", "EndDate").date(); ok {
		// The last day on which an occurrence may start, in the room's zone.
		pattern += ";UNTIL=" + last.End(zone).Add(-time.Second).UTC().Format("20060102T150405Z")
	}
	return pattern, true
}

// patternRule writes one of the six patterns; "" for another element.
func patternRule(k *node) string {
	interval := max(k.child("Interval").int(), 1)
	switch k.name {
	case "DailyRecurrence":
		return fmt.Sprintf("FREQ=DAILY;INTERVAL=%d", interval)
	case "WeeklyRecurrence":
		s := fmt.Sprintf("FREQ=WEEKLY;INTERVAL=%d;BYDAY=%s", interval, weekdays(k.child("DaysOfWeek").word()))
		if first := weekdays(k.child("FirstDayOfWeek").word()); len(first) == 2 {
			s += ";WKST=" + first
		}
		return s
	case "AbsoluteMonthlyRecurrence":
		return fmt.Sprintf("FREQ=MONTHLY;INTERVAL=%d;%s", interval, monthDay(k.child("DayOfMonth").int()))
	case "RelativeMonthlyRecurrence":
		return fmt.Sprintf("FREQ=MONTHLY;INTERVAL=%d;%s", interval, nthDay(k))
	case "AbsoluteYearlyRecurrence":
		return fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;%s", month(k.child("Month").word()), monthDay(k.child("DayOfMonth").int()))
	case "RelativeYearlyRecurrence":
		return fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;%s", month(k.child("Month").word()), nthDay(k))
	}
	return ""
}

// monthDay is a day of the month; on shorter months Exchange takes their last one.
func monthDay(d int) string {
	if d <= 28 {
		return "BYMONTHDAY=" + strconv.Itoa(max(d, 1))
	}
	var list []string
	for i := 28; i <= min(d, 31); i++ {
		list = append(list, strconv.Itoa(i))
	}
	return "BYMONTHDAY=" + strings.Join(list, ",") + ";BYSETPOS=-1"
}

// nthDay is "the second Tuesday", or "the last weekday" of a month.
func nthDay(k *node) string {
	n := "1"
	switch k.child("DayOfWeekIndex").word() {
	case "Second":
		n = "2"
	case "Third":
		n = "3"
	case "Fourth":
		n = "4"
	case "Last":
		n = "-1"
	}
	return "BYDAY=" + weekdays(k.child("DaysOfWeek").word()) + ";BYSETPOS=" + n
}

// weekdays writes "Monday Friday" as MO,FR.
func weekdays(s string) string {
	var out []string
	for _, f := range strings.Fields(s) {
		switch f {
		case "Day":
			out = append(out, "MO", "TU", "WE", "TH", "FR", "SA", "SU")
		case "Weekday":
			out = append(out, "MO", "TU", "WE", "TH", "FR")
		case "WeekendDay":
			out = append(out, "SA", "SU")
		case "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday":
			out = append(out, strings.ToUpper(f[:2]))
		}
	}
	return strings.Join(out, ",")
}

func month(name string) int {
	for m := time.January; m <= time.December; m++ {
		if m.String() == name {
			return int(m)
		}
	}
	return 1
}
