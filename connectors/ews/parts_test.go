package ews_test

import (
	"strconv"
	"testing"
	"time"

	"lintel/connectors/ews/ewstest"
)

// What is moved, while a window is read in parts, from one that is to come into one that was read is seen all the same.
func TestMovedBetweenParts(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{MaxView: 3})
	at := func(h int) time.Time { return day().From.Add(time.Duration(h) * time.Hour) }
	put := func(name string, h int) {
		s.Put(room1, ewstest.Event{Name: name, Subject: name, Start: at(h), End: at(h + 1)})
	}
	for h := range 6 {
		put("m"+strconv.Itoa(h), 9+h)
	}
	c := open(t, config(s))
	if n := len(texts(t, c, day())); n != 6 {
		t.Fatalf("%d events", n)
	}
	// Moved back and forth just before the n-th view of a read: for some n that is the gap.
	for n := range 10 {
		put("m5", 14)
		moved := false
		for range n {
			s.Break(ewstest.Fault{Op: "FindItem", Times: 1, Before: func() {}})
		}
		s.Break(ewstest.Fault{Op: "FindItem", Times: 1, Before: func() { moved = true; put("m5", 8) }})
		if got := texts(t, c, day()); len(got) != 6 {
			t.Errorf("moved before view %d: %v", n, got)
		}
		s.Repair()
		if !moved {
			break
		}
	}
}
