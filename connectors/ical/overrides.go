package ical

import (
	"cmp"
	"slices"
	"time"

	"lintel/app/when"
)

// series is everything that shares a UID.
type series struct {
	masters   []*Event
	overrides []*Event        // of one occurrence each, those of this and future ones included
	replaced  map[string]bool // originals that an override stands for
	futures   []*Event        // RANGE=THISANDFUTURE, by original start
}

// groupSeries sorts events by UID, in order of first appearance, and drops superseded versions.
func groupSeries(events []Event, warn func(WarningKind, string)) []*series {
	index := make(map[string]*series, len(events))
	var all []*series
	for i := range events {
		e := &events[i]
		s := index[e.UID]
		if s == nil {
			s = &series{}
			index[e.UID] = s
			all = append(all, s)
		}
		if e.Override {
			s.overrides = append(s.overrides, e)
		} else {
			s.masters = append(s.masters, e)
		}
	}
	for _, s := range all {
		s.dropOld(warn)
		for _, ov := range s.overrides {
			if s.replaced == nil {
				s.replaced = map[string]bool{}
			}
			s.replaced[s.key(ov)] = true
			if ov.Future {
				s.futures = append(s.futures, ov)
			}
		}
		slices.SortStableFunc(s.futures, func(a, b *Event) int {
			return cmp.Compare(s.instant(a, a.original), s.instant(b, b.original))
		})
	}
	return all
}

// dropOld keeps, of several masters, those with the highest SEQUENCE: a feed may hold an event and its
// update (RFC 5546). Equal ones with other starts are kept: some programs give all events one UID. Of
// several overrides of one occurrence the newest is kept.
func (s *series) dropOld(warn func(WarningKind, string)) {
	if len(s.masters) > 1 {
		highest := 0
		for _, m := range s.masters {
			highest = max(highest, m.Sequence)
		}
		n := len(s.masters)
		s.masters = slices.DeleteFunc(s.masters, func(m *Event) bool { return m.Sequence < highest })
		slices.SortStableFunc(s.masters, func(a, b *Event) int { return b.Modified.Compare(a.Modified) })
		if len(s.masters) < n {
			warn(WarnOldVersion, "")
		}
	}
	if len(s.overrides) < 2 {
		return
	}
	slices.SortStableFunc(s.overrides, func(a, b *Event) int {
		return cmp.Or(cmp.Compare(b.Sequence, a.Sequence), b.Modified.Compare(a.Modified), b.Created.Compare(a.Created))
	})
	seen := map[string]bool{}
	s.overrides = slices.DeleteFunc(s.overrides, func(ov *Event) bool {
		k := s.key(ov)
		if seen[k] {
			warn(WarnOldVersion, "")
		}
		defer func() { seen[k] = true }()
		return seen[k]
	})
}

// instant returns the original start, Unix seconds, that a RECURRENCE-ID means in this series.
func (s *series) instant(ov *Event, original stamp) int64 {
	return s.home(ov).startOf(original).at.Unix()
}

// home returns the master to which an override belongs; the override itself when there is none.
func (s *series) home(ov *Event) *Event {
	for _, m := range s.masters {
		if m.Recurring {
			return m
		}
	}
	if len(s.masters) > 0 {
		return s.masters[0]
	}
	return ov
}

// key names the occurrence that an override stands for, in the form of Occurrence.Original.
func (s *series) key(ov *Event) string {
	home := s.home(ov)
	if home == ov { // no master: the RECURRENCE-ID speaks for itself
		if ov.original.date {
			return ov.original.format()
		}
		return ov.original.at(ov.Zone).UTC().Format("20060102T150405Z")
	}
	return home.originalName(home.startOf(ov.original))
}

func (e *Event) originalName(t start) string {
	if e.AllDay {
		return t.wall.Format("20060102")
	}
	return t.at.UTC().Format("20060102T150405Z")
}

// asOverride is the occurrence that an override is.
func (e *Event) asOverride(original string, zone *time.Location) Occurrence {
	occ := e.at(start{wall: e.wall, at: e.Start}, e.length, zone)
	occ.Original = original
	return occ
}

// single returns the occurrence of a master that does not recur; ok is false when it is cancelled or an
// override stands for it.
func (s *series) single(m *Event, zone *time.Location) (Occurrence, bool) {
	t := m.startAt(m.wall)
	occ := m.at(t, m.length, zone)
	if len(s.masters)+len(s.overrides) > 1 { // others share the UID
		occ.Original = m.originalName(t)
	}
	return occ, !m.Cancelled && !s.replaced[occ.Original]
}

// occurrence returns what became of an original start; ok is false when it is cancelled or an override
// stands for it.
func (s *series) occurrence(m *Event, t start, zone *time.Location) (Occurrence, bool) {
	name := m.originalName(t)
	if s.replaced[name] {
		return Occurrence{}, false
	}
	by := m
	if s.home(nil) == m {
		for _, f := range s.futures {
			if s.instant(f, f.original) <= t.at.Unix() {
				by = f
			}
		}
	}
	if by.Cancelled {
		return Occurrence{}, false
	}
	l := by.length
	if t.length != nil {
		l = *t.length
	}
	if by != m {
		t = by.moved(t, m.startOf(by.original))
	}
	occ := by.at(t, l, zone)
	occ.Original = name
	return occ, true
}

// moved applies an override of this and future occurrences: what it did to its own occurrence, in
// wall-clock time of its zone, happens to the later one.
func (e *Event) moved(t, own start) start {
	if e.AllDay {
		days := int(e.wall.Sub(own.wall.Truncate(24*time.Hour)) / (24 * time.Hour))
		return e.startAt(t.wall.Truncate(24*time.Hour).AddDate(0, 0, days))
	}
	shift := e.wall.Sub(wallOf(own.at, e.Zone))
	return e.startAt(wallOf(t.at, e.Zone).Add(shift))
}

// at makes the occurrence of e that starts at t.
func (e *Event) at(t start, l length, zone *time.Location) Occurrence {
	occ := Occurrence{Event: e, AllDay: e.AllDay}
	if e.AllDay {
		occ.FirstDay = when.DayOf(t.wall, time.UTC)
		occ.EndDay = occ.FirstDay.Add(max(1, l.days+int((l.secs+86399)/86400)))
		occ.From, occ.To = occ.FirstDay.Start(zone), occ.EndDay.Start(zone)
		return occ
	}
	occ.From, occ.To = t.at, l.after(t.at, e.Zone)
	return occ
}

// lostOf names the lost events, whose times are not known. Where another master has the UID, what it is that is lost can't be
// told; an override of one that does not recur can't either, as without it that one has another Original.
func lostOf(lost, events []Event) []Lost {
	if len(lost) == 0 {
		return nil
	}
	known := map[string]*series{}
	for i := range lost {
		known[lost[i].UID] = &series{}
	}
	for i := range events {
		if s := known[events[i].UID]; s != nil && !events[i].Override {
			s.masters = append(s.masters, &events[i])
		}
	}
	var out []Lost
	for i := range lost {
		e := &lost[i]
		s := known[e.UID]
		switch {
		case e.UID == "":
		case e.Override && (len(s.masters) == 0 || s.home(e).Recurring):
			out = append(out, Lost{e.UID, s.key(e)})
		case !e.Override && len(s.masters) == 0:
			out = append(out, Lost{UID: e.UID})
		}
	}
	return out
}
