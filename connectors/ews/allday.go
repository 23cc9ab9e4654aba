package ews

import (
	"context"
	"time"

	"lintel/app/when"
	"lintel/connectors/ical"
)

// An event of whole days lasts from midnight to midnight in the zone of whoever made it. Where these midnights
// are the room's too, the days are plain. Where they are not, the item is asked for its zone: twelve hours away
// the nearest midnight of the room is that of another day.

// learnZones adds to each item of whole days that the room's zone does not explain the zone in which it was made,
// once for all occurrences of a series. Items that the server does not tell it of stay as they are; an error
// is one that concerns the whole system. Ask makes a request in the calendar that the items are in.
func (c *Conn) learnZones(ctx context.Context, op string, ask func(op, body string) request, items []*node, zone *time.Location) error {
	unclear := map[string][]*node{} // by series
	var refs []itemRef
	var series []string // of each ref
	for _, item := range items {
		from, ok := item.child("Start").time()
		id := item.child("ItemId").attr("Id")
		if !ok || id == "" || !item.child("IsAllDayEvent").yes() || item.child("StartTimeZone") != nil {
			continue
		}
		if _, plain := midnight(from, zone); plain {
			continue
		}
		uid := item.child("UID").word()
		if uid == "" {
			uid = "item-" + id
		}
		if unclear[uid] == nil {
			refs, series = append(refs, itemRef{id: id}), append(series, uid)
		}
		unclear[uid] = append(unclear[uid], item)
	}
	for ; len(refs) > 0; refs, series = refs[min(len(refs), atOnce):], series[min(len(series), atOnce):] {
		part := refs[:min(len(refs), atOnce)]
		p, err := c.send(ctx, ask(op, getItems(zoneShape(), part...)))
		if err != nil {
			if ofAll(err) || ctx.Err() != nil {
				return err
			}
			continue
		}
		for i, m := range p.messages[:min(len(p.messages), len(part))] {
			if err := c.failed(op, m, p.id); err != nil && ofAll(err) {
				return err
			}
			made := m.find("StartTimeZone")
			for _, item := range unclear[series[i]] {
				if made != nil {
					item.kids = append(item.kids, made)
				}
			}
		}
	}
	return nil
}

// zoneShape asks for the zone of an item. A view of many items would bear its whole definition with each.
func zoneShape() string {
	return `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` + fieldURI("calendar:StartTimeZone") +
		`</t:AdditionalProperties></m:ItemShape>`
}

// madeIn is the zone in which an item was made, nil when the server has not told it or nobody knows it.
func madeIn(item *node) *time.Location {
	zone := item.child("StartTimeZone")
	for _, name := range []string{zone.attr("Id"), zone.attr("Name")} {
		if z := ical.ResolveZone(name); z != nil {
			return z
		}
	}
	return nil
}

// midnight returns the day that begins at an instant in a zone, which may be nil; false when none does.
func midnight(at time.Time, zone *time.Location) (when.Date, bool) {
	if zone == nil {
		return when.Date{}, false
	}
	day := when.DayOf(at, zone)
	return day, day.Start(zone).Equal(at)
}

// days are the days of an event that lasts whole ones. Its bounds are midnights in the zone in which it was
// made; when that is unknown (nil) or they are none there, the first day is the one whose midnight in the
// room's zone is nearest.
func days(from, to time.Time, zone, made *time.Location) (first, end when.Date) {
	first, ok := midnight(from, made)
	if !ok {
		first = when.DayOf(from, zone)
		if next := first.Add(1); next.Start(zone).Sub(from) < from.Sub(first.Start(zone)) {
			first = next
		}
	}
	n := int((to.Sub(from) + 12*time.Hour) / (24 * time.Hour))
	return first, first.Add(max(n, 1))
}
