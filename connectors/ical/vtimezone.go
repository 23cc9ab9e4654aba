package ical

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// observance is one STANDARD or DAYLIGHT of a VTIMEZONE.
type observance struct {
	onset    time.Time // wall clock before the change, fields in UTC
	from, to int       // offsets before and after, seconds east
	rule     *Rule     // nil when there is none
	open     bool      // the rule has no end
	posix    string    // its rule in POSIX form (M3.5.0/2); "" when it has none
	dates    []time.Time
}

// transition is the instant, Unix seconds, from which the offset to is in force.
type transition struct {
	at int64
	to int
}

// lastZoneYear ends rules of a VTIMEZONE that have no POSIX form.
const lastZoneYear = 2100

// zoneFromRules builds a zone from a VTIMEZONE's own rules; nil when it has none that make sense.
func zoneFromRules(c *Component) *time.Location {
	var all []observance
	for _, ch := range c.Children {
		if ch.Name != "STANDARD" && ch.Name != "DAYLIGHT" {
			continue
		}
		if o, ok := readObservance(ch); ok && len(all) < 200 {
			all = append(all, o)
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b observance) int { return a.onset.Compare(b.onset) })
	footer, from := posixFooter(all)
	var list []transition
	for _, o := range all {
		list = append(list, o.transitions(footer != "", from)...)
	}
	slices.SortStableFunc(list, func(a, b transition) int { return cmp.Compare(a.at, b.at) })
	if len(list) > 2000 {
		list = list[len(list)-2000:]
	}
	z, err := time.LoadLocationFromTZData(c.Text("TZID"), tzif(all[0].from, list, footer))
	if err != nil {
		return nil
	}
	return z
}

func readObservance(c *Component) (o observance, ok bool) {
	start := c.Prop("DTSTART")
	if start == nil {
		return o, false
	}
	v, ok := parseStamp(start.Value)
	if !ok {
		return o, false
	}
	o.onset = v.wall
	if o.to, ok = parseOffset(c.Text("TZOFFSETTO")); !ok {
		return o, false
	}
	if o.from, ok = parseOffset(c.Text("TZOFFSETFROM")); !ok {
		o.from = o.to
	}
	if p := c.Prop("RRULE"); p != nil {
		if r, err := ParseRule(p.Value); err == nil && r.freq <= freqMonthly {
			o.rule = &r
			o.open = !r.hasUntil && r.count == 0
			o.posix = posixRule(r, o.onset)
		}
	}
	for _, p := range c.All("RDATE") {
		for s := range strings.SplitSeq(p.Value, ",") {
			if v, ok := parseStamp(s); ok && len(o.dates) < 500 {
				o.dates = append(o.dates, v.wall)
			}
		}
	}
	return o, true
}

// parseOffset reads +0100, -03:00, +013000 and +1 as seconds east.
func parseOffset(s string) (int, bool) {
	s = strings.ReplaceAll(strings.TrimSpace(s), ":", "")
	sign := 1
	switch {
	case strings.HasPrefix(s, "-"):
		sign = -1
		s = s[1:]
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	if len(s) == 1 || len(s) == 3 || len(s) == 5 {
		s = "0" + s
	}
	if len(s) != 2 && len(s) != 4 && len(s) != 6 {
		return 0, false
	}
	n, err := strconv.ParseUint((s + "0000")[:6], 10, 32)
	h, m, sec := int(n/10000), int(n/100%100), int(n%100)
	if err != nil || h > 24 || m > 59 || sec > 59 {
		return 0, false
	}
	return sign * (h*3600 + m*60 + sec), true
}

// formatOffset writes +0100 or, with seconds, +013015.
func formatOffset(secs int) string {
	sign := '+'
	if secs < 0 {
		sign, secs = '-', -secs
	}
	s := fmt.Sprintf("%c%02d%02d", sign, secs/3600, secs/60%60)
	if secs%60 != 0 {
		s += fmt.Sprintf("%02d", secs%60)
	}
	return s
}

// posixRule returns the POSIX form of "every year in month m on the nth weekday": Mm.n.d/h:m:s. It is
// "" for any other rule.
func posixRule(r Rule, onset time.Time) string {
	plain := r.freq == freqYearly && r.interval == 1 && len(r.byMonth) == 1 && len(r.byDay) == 1 &&
		len(r.byMonthDay)+len(r.byYearDay)+len(r.byWeekNo)+len(r.bySetPos)+len(r.bySecond) == 0 &&
		len(r.byHour) <= 1 && len(r.byMinute) <= 1
	if !plain {
		return ""
	}
	d := r.byDay[0]
	week := d.n
	if week == -1 {
		week = 5
	}
	if week < 1 || week > 5 || d.n == 5 { // the fifth does not exist each year, the last does
		return ""
	}
	h, m := onset.Hour(), onset.Minute()
	if len(r.byHour) == 1 {
		h = r.byHour[0]
	}
	if len(r.byMinute) == 1 {
		m = r.byMinute[0]
	}
	return fmt.Sprintf("M%d.%d.%d/%d:%02d:%02d", r.byMonth[0], week, int(d.day), h, m, onset.Second())
}

// posixFooter returns the TZ string that takes over after the last listed transition, when exactly two
// observances go on for ever and fit together; from is the year in which both are in force.
func posixFooter(all []observance) (footer string, from int) {
	var open []observance
	for _, o := range all {
		if o.open {
			open = append(open, o)
		}
	}
	if len(open) != 2 || open[0].posix == "" || open[1].posix == "" ||
		open[0].from != open[1].to || open[1].from != open[0].to || open[0].to == open[1].to {
		return "", 0
	}
	std, dst := open[0], open[1]
	if std.to > dst.to {
		std, dst = dst, std
	}
	for _, o := range all {
		from = max(from, o.onset.Year()+1)
		for _, d := range o.dates {
			from = max(from, d.Year()+1)
		}
		if o.rule != nil && o.rule.hasUntil {
			from = max(from, o.rule.until.wall.Year()+1)
		}
	}
	footer = "<S>" + posixOffset(std.to) + "<D>" + posixOffset(dst.to) + "," + dst.posix + "," + std.posix
	return footer, from
}

// posixOffset writes an offset as POSIX counts it: west is positive.
func posixOffset(secs int) string {
	sign := "-"
	if secs <= 0 {
		sign, secs = "", -secs
	}
	return fmt.Sprintf("%s%d:%02d:%02d", sign, secs/3600, secs/60%60, secs%60)
}

// transitions lists when o comes into force. Open rules stop in the year from when a footer goes on.
func (o observance) transitions(footer bool, from int) []transition {
	var list []transition
	add := func(w time.Time) { list = append(list, transition{w.Unix() - int64(o.from), o.to}) }
	if o.rule == nil {
		add(o.onset)
	} else {
		last := lastZoneYear
		if footer {
			last = from
		}
		end := time.Date(last, time.December, 31, 23, 59, 59, 0, time.UTC)
		begin := o.onset
		if early := time.Date(1950, time.January, 1, 0, 0, 0, 0, time.UTC); begin.Before(early) && last > 1950 {
			begin = early
		}
		past := func(w time.Time) bool {
			u := o.rule.until
			if o.rule.hasUntil && u.utc {
				return w.Unix()-int64(o.from) > u.wall.Unix()
			}
			return o.rule.hasUntil && w.After(u.lastWall())
		}
		work := 20_000
		o.rule.each(o.onset, span{begin, end}, true, past, &work, func(w time.Time) bool {
			add(w)
			return len(list) < 1000
		})
	}
	for _, d := range o.dates {
		add(d)
	}
	return list
}

// tzif writes the zone as a TZif file (RFC 8536), which is how the time package takes a zone that is
// not in the database. initial is the offset before the first transition.
func tzif(initial int, list []transition, footer string) []byte {
	offsets := []int{initial} // type 0 is used by no transition, so it stands for the time before
	index := make([]byte, len(list))
	for i, t := range list {
		k := 1 + slices.Index(offsets[1:], t.to)
		if k == 0 {
			if len(offsets) == 256 {
				k = 1
			} else {
				offsets = append(offsets, t.to)
				k = len(offsets) - 1
			}
		}
		index[i] = byte(k)
	}
	var b []byte
	header := func(times, types, chars int) {
		b = append(b, "TZif2"...)
		b = append(b, make([]byte, 15)...)
		for _, n := range []int{0, 0, 0, times, types, chars} {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
	}
	header(0, 0, 0)
	header(len(list), len(offsets), 1)
	for _, t := range list {
		b = binary.BigEndian.AppendUint64(b, uint64(t.at))
	}
	b = append(b, index...)
	for _, o := range offsets {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(o)))
		b = append(b, 0, 0) // not daylight saving time, abbreviation 0
	}
	b = append(b, 0) // the one abbreviation: empty
	return append(b, "\n"+footer+"\n"...)
}
