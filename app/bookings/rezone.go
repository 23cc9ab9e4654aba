package bookings

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/when"
	"lintel/store"
)

// Rederived is what a change of a zone did to the hosted bookings of a building.
type Rederived struct {
	Moved int        // bookings with new instants
	Lost  []Conflict // bookings that had no room any more: cancelled; With says what has their time
}

// Rederive derives the hosted bookings of a building that have not begun from their local times anew,
// after its zone was changed or the zone's own rules were.
func (s *Service) Rederive(ctx context.Context, by people.Actor, id store.BuildingID) (Rederived, error) {
	var out Rederived
	var touched []store.WorkspaceID
	err := s.update(ctx, "derive bookings anew", func(tx *store.Tx) (err error) {
		out, touched, err = rederive(tx, by, id)
		return err
	})
	if err != nil {
		return Rederived{}, err
	}
	s.tell(touched...)
	return out, nil
}

// RederiveAll does so for every building whose zone has other clock changes than when it was last looked
// at: what the program does at its start, as it may have brought new zone data.
func (s *Service) RederiveAll(ctx context.Context, by people.Actor) (Rederived, error) {
	var out Rederived
	var buildings []store.Building
	seen := map[store.BuildingID]string{}
	err := s.view(ctx, "read buildings", func(tx *store.Tx) (err error) {
		if buildings, err = tx.Buildings(); err != nil {
			return err
		}
		for _, b := range buildings {
			if seen[b.ID], err = tx.Setting(zoneSetting(b)); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		return nil
	})
	for _, b := range buildings {
		if err != nil {
			break
		}
		var zone *time.Location
		if zone, err = b.Location(); err != nil {
			break
		}
		changes := b.Zone + " " + when.Changes(zone, s.now().Year(), zoneYears)
		if seen[b.ID] == changes {
			continue
		}
		var r Rederived
		r, err = s.Rederive(ctx, by, b.ID)
		out.Moved += r.Moved
		out.Lost = append(out.Lost, r.Lost...)
		if err == nil {
			err = s.st.Update(ctx, func(tx *store.Tx) error { return tx.SetSetting(zoneSetting(b), changes) })
		}
	}
	return out, err
}

// zoneYears is how many years of clock changes are compared: longer than bookings reach ahead.
const zoneYears = 4

func zoneSetting(b store.Building) string { return "zone_changes." + string(b.ID) }

// RederiveIn is Rederive within the transaction that changes the building: what places.Service calls. The
// caller tells of the building's workspaces after the commit.
func (s *Service) RederiveIn(tx *store.Tx, by people.Actor, id store.BuildingID) (lost int, err error) {
	r, _, err := rederive(tx, by, id)
	return len(r.Lost), err
}

func rederive(tx *store.Tx, by people.Actor, id store.BuildingID) (Rederived, []store.WorkspaceID, error) {
	var out Rederived
	building, err := tx.Building(id)
	if err != nil {
		return out, nil, err
	}
	zone, err := building.Location()
	if err != nil {
		return out, nil, err
	}
	list, err := tx.HostedAhead(id, tx.Now())
	if err != nil {
		return out, nil, err
	}
	var moved []store.Booking
	for _, b := range list {
		if span, stays := newSpan(b, building.Zone, zone, tx.Now()); !stays {
			b.From, b.To, b.Zone = span.From, span.To, building.Zone
			moved = append(moved, b)
		}
	}
	if err := tx.SetSeriesZone(id, building.Zone); err != nil || len(moved) == 0 {
		return out, nil, err
	}
	return moveAll(tx, by, id, moved)
}

// newSpan returns where a booking is in the zone; stays reports that nothing about it changes. One
// that has begun stays, and so does one whose instants show its local times anyway: it may be in the second of
// two equal hours.
func newSpan(b store.Booking, name string, zone *time.Location, now time.Time) (span when.Interval, stays bool) {
	if !b.From.After(now) {
		return b.Span(), true
	}
	span = derive(b.FromWall, b.ToWall, zone)
	if when.WallOf(b.From, zone) == b.FromWall && when.WallOf(b.To, zone) == b.ToWall {
		span = b.Span()
	}
	return span, b.Zone == name && span.From.Equal(b.From) && span.To.Equal(b.To)
}

// moveAll gives bookings their new times. They are all taken out first and then put back one by one: on the
// way they may cross each other, which the database would refuse.
func moveAll(tx *store.Tx, by people.Actor, id store.BuildingID, moved []store.Booking) (Rederived, []store.WorkspaceID, error) {
	var out Rederived
	var touched []store.WorkspaceID
	for i := range moved {
		b := &moved[i]
		b.CancelledAt, b.EndReason = tx.Now(), store.EndCancelled
		if err := tx.UpdateBooking(*b); err != nil {
			return out, nil, err
		}
		b.Revision++
		touched = append(touched, b.Workspace)
	}
	slices.SortStableFunc(moved, func(a, b store.Booking) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.ID, b.ID)) })
	for _, b := range moved {
		b.CancelledAt, b.EndReason = time.Time{}, store.EndNone
		err := tx.UpdateBooking(b)
		switch {
		case err == nil:
			out.Moved++
		case errors.Is(err, store.ErrOverlap):
			c, err := lost(tx, by, b)
			if err != nil {
				return out, nil, err
			}
			out.Lost = append(out.Lost, c)
		default:
			return out, nil, err
		}
	}
	return out, touched, audit.Record(tx, by, "building.rederive", "building", string(id), "moved", out.Moved, "lost", len(out.Lost))
}

// lost tells of a booking that stays cancelled because its new time is taken.
func lost(tx *store.Tx, by people.Actor, b store.Booking) (Conflict, error) {
	p, err := tx.Workspace(b.Workspace)
	if err != nil {
		return Conflict{}, err
	}
	with, err := tx.Agenda(b.Workspace, b.From, b.To)
	if err != nil {
		return Conflict{}, err
	}
	return Conflict{Wanted: b.Span(), With: discloseAll(By(by), with, p)}, audit.Record(tx, by, "booking.cancel", "booking", string(b.ID), "workspace", string(b.Workspace))
}
