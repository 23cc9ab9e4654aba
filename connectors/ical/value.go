package ical

import (
	"strconv"
	"strings"
	"time"

	"lintel/app/when"
)

// stamp is a DATE or DATE-TIME value as written. The fields of wall stand in UTC, whatever the zone.
type stamp struct {
	wall time.Time
	date bool           // a day, no time
	utc  bool           // wall is UTC
	zone *time.Location // of a date-time with TZID; nil when floating, a date, or UTC
}

// parseStamp reads 20261121, 20261121T093000, the same with Z, without seconds, with the separators of
// ISO 8601, or with an offset at the end. Years are 1 to 9999; days that do not exist are refused.
func parseStamp(s string) (stamp, bool) {
	s = strings.TrimSpace(s)
	day, clock, timed := strings.Cut(strings.ToUpper(s), "T")
	if !timed {
		day, clock, timed = strings.Cut(s, " ")
	}
	day = strings.ReplaceAll(day, "-", "")
	if !timed {
		day = strings.TrimSuffix(strings.ToUpper(day), "Z") // 20261121Z occurs
	}
	if len(day) != 8 {
		return stamp{}, false
	}
	n, ok := digits(day)
	if !ok {
		return stamp{}, false
	}
	y, m, d := n/10000, n/100%100, n%100
	w := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if y < 1 || w.Year() != y || int(w.Month()) != m || w.Day() != d {
		return stamp{}, false
	}
	if !timed || clock == "" {
		return stamp{wall: w, date: true}, true
	}
	v := stamp{}
	offset := 0
	if c, isUTC := strings.CutSuffix(clock, "Z"); isUTC {
		clock, v.utc = c, true
	} else if i := strings.IndexAny(clock, "+-"); i > 0 {
		if offset, v.utc = parseOffset(clock[i:]); !v.utc {
			return stamp{}, false
		}
		clock = clock[:i]
	}
	clock, _, _ = strings.Cut(clock, ".")
	clock = strings.ReplaceAll(clock, ":", "")
	if len(clock) == 4 {
		clock += "00"
	}
	n, ok = digits(clock)
	if len(clock) != 6 || !ok {
		return stamp{}, false
	}
	h, mi, sec := n/10000, n/100%100, n%100
	if h > 24 || mi > 59 || sec > 60 || h == 24 && mi+sec > 0 {
		return stamp{}, false
	}
	sec = min(sec, 59) // a leap second is no second of ours
	v.wall = w.Add(time.Duration(h*3600+mi*60+sec-offset) * time.Second)
	return v, v.wall.Year() >= 1 && v.wall.Year() <= 9999
}

func digits(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, s != ""
}

// in returns the zone in which the stamp is read: its own, else the given one.
func (v stamp) in(floating *time.Location) *time.Location {
	switch {
	case v.utc:
		return time.UTC
	case v.zone != nil:
		return v.zone
	}
	return floating
}

// at returns the instant; floating times and days are read in the given zone.
func (v stamp) at(floating *time.Location) time.Time { return resolveWall(v.wall, v.in(floating)) }

// day returns the local day that a stamp means for an event of whole days. UTC times are the hard case:
// some programs write the day's midnight as UTC (T000000Z is then the day itself), others convert the
// local midnight.
func (v stamp) day(zone *time.Location) when.Date {
	if v.utc && v.wall.Hour()+v.wall.Minute()+v.wall.Second() != 0 {
		return when.DayOf(v.wall, zone)
	}
	return when.DayOf(v.wall, time.UTC)
}

// lastWall is the last wall-clock time that a bound (UNTIL) still lets in: a day counts to its end.
func (v stamp) lastWall() time.Time {
	if v.date {
		return v.wall.Add(24*time.Hour - time.Second)
	}
	return v.wall
}

// length is a DURATION: days are nominal, seconds exact (RFC 5545 3.3.6).
type length struct {
	days int
	secs int64
}

// maxLength bounds events: longer ones are cut.
const maxLengthDays = 36525

// parseLength reads P1W, P1DT2H, PT15M and, beyond the grammar, PT1W and small letters.
func parseLength(s string) (l length, negative, ok bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if t, neg := strings.CutPrefix(s, "-"); neg {
		s, negative = t, true
	}
	s = strings.TrimPrefix(s, "+")
	s, ok = strings.CutPrefix(s, "P")
	if !ok || s == "" {
		return l, false, false
	}
	for s != "" {
		if s[0] == 'T' {
			s = s[1:]
			continue
		}
		i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 {
			return l, false, false
		}
		n, err := strconv.ParseInt(s[:i], 10, 64)
		if err != nil || n > maxLengthDays*86400 {
			n = maxLengthDays * 86400
		}
		switch s[i] {
		case 'W':
			l.days += int(min(n, maxLengthDays)) * 7
		case 'D':
			l.days += int(min(n, maxLengthDays))
		case 'H':
			l.secs += min(n, maxLengthDays*24) * 3600
		case 'M':
			l.secs += min(n, maxLengthDays*1440) * 60
		case 'S':
			l.secs += n
		default:
			return l, false, false
		}
		s = s[i+1:]
		l.days = min(l.days, maxLengthDays)
		l.secs = min(l.secs, maxLengthDays*86400)
	}
	return l, negative, true
}

// after returns the instant l after start, whose wall clock runs in zone.
func (l length) after(start time.Time, zone *time.Location) time.Time {
	if l.days != 0 {
		start = resolveWall(wallOf(start, zone).AddDate(0, 0, l.days), zone)
	}
	return start.Add(time.Duration(l.secs) * time.Second)
}

// nominal returns the length in seconds, with days of 24 hours.
func (l length) nominal() int64 { return int64(l.days)*86400 + l.secs }

// readStamps reads a property of DATE, DATE-TIME or PERIOD values, separated by commas (or semicolons
// in vCalendar 1.0). bad counts the values that are none.
func (z *zones) readStamps(p Prop) (list []stamp, lengths []*length, bad int) {
	var zone *time.Location
	dates := strings.EqualFold(p.Param("VALUE"), "DATE")
	for rest, more := p.Value, true; more; {
		s := rest
		if i := strings.IndexAny(rest, ",;"); i >= 0 {
			s, rest = rest[:i], rest[i+1:]
		} else {
			more = false
		}
		s, tail, period := strings.Cut(strings.TrimSpace(s), "/")
		if s == "" {
			continue
		}
		v, ok := parseStamp(s)
		if !ok {
			bad++
			continue
		}
		if dates && !v.date {
			v = stamp{wall: v.wall.Truncate(24 * time.Hour), date: true}
		}
		if tzid := p.Param("TZID"); tzid != "" && !v.date && !v.utc {
			if zone == nil {
				zone = z.location(tzid)
			}
			v.zone = zone
		}
		var l *length
		if period {
			l = z.periodLength(v, tail)
		}
		list, lengths = append(list, v), append(lengths, l)
	}
	return list, lengths, bad
}

func (z *zones) periodLength(start stamp, tail string) *length {
	if l, negative, ok := parseLength(tail); ok && !negative {
		return &l
	}
	end, ok := parseStamp(tail)
	if !ok {
		return nil
	}
	end.zone = start.zone
	secs := end.at(z.floating).Unix() - start.at(z.floating).Unix()
	return &length{secs: max(0, min(secs, maxLengthDays*86400))}
}
