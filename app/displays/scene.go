package displays

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lintel/app/bookings"
	"lintel/app/places"
	"lintel/app/when"
	"lintel/render"
	"lintel/store"
	"lintel/templates/text"
)

// look is what one display adds to its room.
type look struct {
	say        *text.Printer
	week       bool
	soonBefore time.Duration
	lowBattery bool
	link       string // content of the QR code; "" = none
	mayBook    bool   // the linked page lets people book this room

	// photo returns the picture of a meeting: nil when it is not there yet, ok false when the agenda is shown in its place. It is nil
	// for a display that shows no such pictures.
	photo func(bookings.Shown) (p *render.Photo, ok bool)
}

// scene returns what a display shows of the room at an instant. It is a function of the agenda and of the state at that
// instant, never of the clock: between two edges of the room it stays equal, byte for byte.
func (r *room) scene(l look, t time.Time, a age) render.Scene {
	p := l.say
	s := render.Scene{Room: r.place.Workspace.Name}
	if l.lowBattery {
		s.LowBattery = p.T("displays.battery_low")
	}
	if a == lost {
		s.Template, s.Title, s.Body = render.Neutral, p.T("door.neutral_title"), p.T("door.neutral_never")
		if c := r.confirmed.In(r.zone); !r.confirmed.IsZero() {
			s.Body = p.T("door.neutral_body", "Day", p.DateShort(c), "Time", p.Clock(c))
		}
		return s
	}
	if a == stale {
		s.AsOf = r.asOf(p, t)
	}
	if b, yes := r.pictured(t); yes && l.photo != nil {
		if photo, ok := l.photo(b); ok {
			return render.Scene{Template: render.Custom, Photo: photo, AsOf: s.AsOf, LowBattery: s.LowBattery}
		}
	}
	now := r.at(t, l.soonBefore)
	r.describe(&s, l, t, now)
	if s.QR = l.link; l.link != "" && l.mayBook {
		s.QRHint = p.T("door.scan_to_book")
	}
	if l.week {
		s.Template = render.Week
		s.Week = r.week(p, t)
		return s
	}
	s.Template = render.Day
	s.NextTitle, s.More = p.T("door.next"), p.T("door.more")
	s.Next = r.next(p, t, now)
	if len(s.Next) == 0 {
		s.NextEmpty = p.T("door.nothing_more")
		if !r.anyOn(when.DayOf(t, r.zone)) {
			s.NextEmpty = p.T("door.nothing_today")
		}
	}
	s.Bar = r.bar(t, now)
	return s
}

// describe fills in the state's words.
func (r *room) describe(s *render.Scene, l look, t time.Time, now present) {
	p := l.say
	s.DateLabel = p.DateShort(t.In(r.zone))
	switch now.kind {
	case busy:
		s.State, s.StateWord = render.Busy, p.T("state.busy")
		s.Until = r.busyUntil(p, t, now)
		s.Subject = title(p, *now.meeting)
		s.Detail = joined(now.meeting.Organizer, r.since(p, t, now))
	case soon:
		s.State, s.StateWord = render.Soon, p.T("door.soon")
		s.Until = r.span(p, *now.meeting, t)
		s.Subject = title(p, *now.meeting)
		s.Detail = joined(now.meeting.Organizer, p.T("door.starts_soon"))
	case closed:
		s.State, s.StateWord = render.Unknown, p.T("door.closed")
		s.Until = r.opens(p, t, now)
		s.Facts = facts(p, r.place.Workspace)
	default:
		s.State, s.StateWord = render.Free, p.T("state.free")
		s.Until = r.freeUntil(p, t, now)
		s.Facts = facts(p, r.place.Workspace)
	}
}

// title is what may be said of a meeting: its subject, or a word instead.
func title(p *text.Printer, b bookings.Shown) string {
	switch {
	case b.Private:
		return p.T("door.private")
	case b.Subject == "":
		return p.T("door.booked")
	}
	return b.Subject
}

func joined(parts ...string) string {
	var out []string
	for _, s := range parts {
		if s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, " · ")
}

func facts(p *text.Printer, w store.Workspace) []string {
	var out []string
	if w.Seats > 0 {
		out = append(out, p.N("room.seats", w.Seats))
	}
	if len(w.Equipment) > 0 {
		out = append(out, p.Join(w.Equipment))
	}
	return out
}

func (r *room) clock(p *text.Printer, t time.Time) string { return p.Clock(t.In(r.zone)) }

func (r *room) freeUntil(p *text.Printer, t time.Time, now present) string {
	if !now.to.Before(when.DayOf(t, r.zone).End(r.zone)) {
		return p.T("door.rest_of_day")
	}
	return p.T("door.until", "Time", r.clock(p, now.to))
}

func (r *room) busyUntil(p *text.Printer, t time.Time, now present) string {
	m, today := now.meeting, when.DayOf(t, r.zone)
	end := m.To.In(r.zone)
	var until string
	switch {
	case m.AllDay && m.LastDay == today:
		return p.T("door.all_day")
	case m.AllDay:
		return p.T("door.until_day", "Day", p.DateShort(m.LastDay.Start(r.zone)))
	case m.To.Before(today.End(r.zone)):
		until = p.T("door.until", "Time", p.Clock(end))
	case m.To.Equal(today.End(r.zone)):
		return p.T("door.rest_of_day")
	default:
		until = p.T("door.until_day_time", "Day", p.DateShort(end), "Time", p.Clock(end))
	}
	if now.then {
		return p.T("door.then_booked", "Until", until)
	}
	return until
}

func (r *room) since(p *text.Printer, t time.Time, now present) string {
	if now.meeting.AllDay {
		return ""
	}
	from := now.from.In(r.zone)
	if when.DayOf(from, r.zone) != when.DayOf(t, r.zone) {
		return p.T("door.since_day", "Day", p.DateShort(from))
	}
	return p.T("door.since", "Time", p.Clock(from))
}

func (r *room) opens(p *text.Printer, t time.Time, now present) string {
	if now.opens.IsZero() {
		return ""
	}
	o := now.opens.In(r.zone)
	if when.DayOf(o, r.zone) == when.DayOf(t, r.zone) {
		return p.T("door.opens", "Time", p.Clock(o))
	}
	return p.T("door.opens_day", "Day", p.DateShort(o), "Time", p.Clock(o))
}

func (r *room) asOf(p *text.Printer, t time.Time) string {
	c := r.confirmed.In(r.zone)
	if when.DayOf(c, r.zone) == when.DayOf(t, r.zone) {
		return p.T("door.as_of", "Time", p.Clock(c))
	}
	return p.T("door.as_of_day", "Day", p.DateShort(c), "Time", p.Clock(c))
}

// span prints the times of a meeting on the day of t.
func (r *room) span(p *text.Printer, b bookings.Shown, t time.Time) string {
	day := when.DayOf(t, r.zone).Interval(r.zone)
	switch {
	case b.AllDay || !b.From.After(day.From) && !b.To.Before(day.To):
		return p.T("state.all_day")
	case b.From.Before(day.From):
		return p.T("door.until", "Time", r.clock(p, b.To))
	}
	return p.Span(b.From.In(r.zone), b.To.In(r.zone))
}

// next lists what comes today after the present meeting, and what runs beside it.
func (r *room) next(p *text.Printer, t time.Time, now present) []render.Row {
	var rows []render.Row
	day := when.DayOf(t, r.zone).Interval(r.zone)
	for _, b := range r.agenda {
		if !b.Span().Overlaps(day) || !b.To.After(t) || now.kind == busy && b.ID == now.meeting.ID {
			continue
		}
		rows = append(rows, render.Row{Time: r.span(p, b, t), Title: title(p, b)})
	}
	return rows
}

// anyOn reports whether anything is booked on a local day.
func (r *room) anyOn(d when.Date) bool {
	for _, b := range r.agenda {
		if b.Span().Overlaps(d.Interval(r.zone)) {
			return true
		}
	}
	return false
}

// The hours that a bar or a week shows when the house is closed and nothing takes place.
const (
	usualOpens  = places.DefaultOpens / 60
	usualCloses = places.DefaultCloses / 60
)

// fullHours returns the full hours that cover the opening hours of a local day and its timed meetings. ok is false when the house is
// closed and nothing takes place.
func (r *room) fullHours(d when.Date) (from, to int, ok bool) {
	day := d.Interval(r.zone)
	from, to = 24, 0
	cover := func(i when.Interval) {
		if i = i.Clip(day); i.Valid() {
			f, t := wallMinute(i.From, d, r.zone), wallMinute(i.To, d, r.zone)
			from, to = min(from, f/60), max(to, (t+59)/60)
		}
	}
	for _, o := range r.openings {
		cover(o)
	}
	for _, b := range r.agenda {
		if !b.AllDay && b.Span().Duration() < 24*time.Hour {
			cover(b.Span())
		}
	}
	return from, to, from < to
}

// wallMinute returns what a clock shows at t in minutes since midnight, 1440 at the end of the day.
func wallMinute(t time.Time, d when.Date, zone *time.Location) int {
	if !t.Before(d.End(zone)) {
		return 24 * 60
	}
	return when.WallOf(t, zone).Minute
}

// bar lays the day out in elapsed minutes since its first instant, so that it is right on days when clocks change; only the
// labels are what clocks show.
func (r *room) bar(t time.Time, now present) render.Bar {
	d := when.DayOf(t, r.zone)
	fromHour, toHour, ok := r.fullHours(d)
	if !ok {
		fromHour, toHour = usualOpens, usualCloses
	}
	start := d.Start(r.zone)
	axis := func(t time.Time) int { return int(t.Sub(start) / time.Minute) }
	shown := when.Interval{From: clockOn(d, fromHour*60, r.zone), To: clockOn(d, toHour*60, r.zone)}
	b := render.Bar{From: axis(shown.From), To: axis(shown.To), Ticks: ticks(fromHour, toHour, func(h int) int { return axis(clockOn(d, h*60, r.zone)) })}
	var taken []when.Interval
	for _, m := range r.agenda {
		if i := m.Span().Clip(shown); i.Valid() {
			taken = append(taken, i)
		}
	}
	for _, i := range when.Merge(taken) {
		b.Busy = append(b.Busy, render.Span{From: axis(i.From), To: axis(i.To)})
	}
	if now.kind != closed {
		if i := (when.Interval{From: now.from, To: now.to}).Clip(shown); i.Valid() {
			b.Present = render.Span{From: axis(i.From), To: axis(i.To)}
		}
	}
	return b
}

// ticks labels an axis of full hours with at most seven or eight numbers.
func ticks(from, to int, at func(hour int) int) []render.Tick {
	step := 4
	switch n := to - from; {
	case n <= 6:
		step = 1
	case n <= 13:
		step = 2
	case n <= 18:
		step = 3
	}
	var out []render.Tick
	for h := from; h <= to; h += step {
		if pos := at(h); len(out) == 0 || pos > out[len(out)-1].At {
			out = append(out, render.Tick{At: pos, Label: strconv.Itoa(h)})
		}
	}
	return out
}

// week lays out the working week of t; at a weekend that is not worked, the next one. Meetings of past days have no titles: who
// met is nobody's business any more.
func (r *room) week(p *text.Printer, t time.Time) render.WeekGrid {
	today := when.DayOf(t, r.zone)
	monday, days := today.Monday(), 5
	working := r.place.Building.WorkingDays
	if working.Has(time.Saturday) || working.Has(time.Sunday) {
		days = 7
	}
	if today.Sub(monday) >= days {
		monday = monday.Add(7)
	}
	g := render.WeekGrid{From: 24 * 60}
	for i := range days {
		d := monday.Add(i)
		col := render.WeekDay{Label: fmt.Sprintf("%s %d", p.WeekdayShort(d.Weekday()), d.Day), Today: d == today}
		r.fillDay(&col, p, d, today)
		g.Days = append(g.Days, col)
		if from, to, ok := r.fullHours(d); ok {
			g.From, g.To = min(g.From, from*60), max(g.To, to*60)
		}
	}
	if g.From >= g.To {
		g.From, g.To = usualOpens*60, usualCloses*60
	}
	g.Hours = ticks(g.From/60, g.To/60, func(h int) int { return h * 60 })
	return g
}

func (r *room) fillDay(col *render.WeekDay, p *text.Printer, d, today when.Date) {
	day := d.Interval(r.zone)
	for _, b := range r.agenda {
		i := b.Span().Clip(day)
		if !i.Valid() {
			continue
		}
		what := title(p, b)
		if d.Before(today) {
			what = ""
		}
		if b.AllDay || i == day {
			if what != "" {
				col.AllDay = append(col.AllDay, what)
			}
			continue
		}
		from := wallMinute(i.From, d, r.zone)
		to := max(wallMinute(i.To, d, r.zone), from+1) // clocks may go back meanwhile
		col.Events = append(col.Events, render.Event{Span: render.Span{From: from, To: to}, Title: what})
	}
}
