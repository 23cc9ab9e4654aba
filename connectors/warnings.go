package connectors

import (
	"cmp"
	"slices"
	"strings"
)

// Warnings counts warnings while a window is read.
type Warnings map[Warning]int // by Warning without Count

// maxWarnings bounds the different warnings of one read; further ones are counted without what was said.
const maxWarnings = 50

// Add counts n more.
func (w Warnings) Add(key, said string, n int) {
	k := Warning{Key: key, Said: said}
	if _, ok := w[k]; !ok && len(w) >= maxWarnings {
		k.Said = ""
	}
	w[k] += n
}

// List returns the warnings by key and what was said.
func (w Warnings) List() []Warning {
	var out []Warning
	for k, n := range w {
		k.Count = n
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Warning) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Said, b.Said))
	})
	return out
}

// SubjectsReplaced is the warning for a room whose booking system writes the organizer's name over the
// subject, as an Exchange room does unless told otherwise (Set-CalendarProcessing, AddOrganizerToSubject).
const SubjectsReplaced = "calendar.warning.subjects_replaced"

// Replaced reports how many events have their organizer as subject: 0 unless there are at least three
// events of others with both and all of them do.
func Replaced(events []Event) int {
	n := 0
	for _, e := range events {
		if e.Token != "" || e.Subject == "" || e.Organizer == "" {
			continue
		}
		if !strings.EqualFold(strings.TrimSpace(e.Subject), strings.TrimSpace(e.Organizer)) {
			return 0
		}
		n++
	}
	if n < 3 {
		return 0
	}
	return n
}
