package bookings

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
)

// Search asks for a free workspace. Zero fields ask for nothing.
type Search struct {
	Times     Times // local ones mean the local time of each building
	Seats     int   // at least
	Building  store.BuildingID
	Floor     store.FloorID
	Kind      store.WorkspaceKind
	Equipment []string // all of it
}

// FreeWorkspace is an answer to a Search.
type FreeWorkspace struct {
	Place store.WorkspacePlace
	Span  when.Interval // what was asked for, in this building's zone
	Until time.Time     // when the next booking begins, within a day after Span; zero when none does
}

// FindFree returns the workspaces in which the actor could make that booking now, the smallest
// that suffices first. Where nothing can be booked, nothing is found: workspaces that are not bookable,
// and those whose booking system is read only.
func (s *Service) FindFree(ctx context.Context, by people.Actor, q Search) ([]FreeWorkspace, error) {
	var out []FreeWorkspace
	err := s.view(ctx, "find free workspaces", func(tx *store.Tx) error {
		list, err := tx.Workspaces(store.WorkspaceFilter{
			Building: q.Building, Floor: q.Floor, Kind: q.Kind, MinSeats: q.Seats, Equipment: q.Equipment, Bookable: true,
		})
		if err != nil {
			return err
		}
		allowed := false
		var refused error   // by the rules in one building; a problem when no other building allows it
		for len(list) > 0 { // they come building by building
			n := slices.IndexFunc(list, func(p store.WorkspacePlace) bool { return p.Building.ID != list[0].Building.ID })
			if n < 0 {
				n = len(list)
			}
			if by.Can(people.Book, list[0].Building.ID) {
				found, err := s.findIn(tx, by, q, list[:n])
				switch {
				case problem.Of(err) != nil:
					refused = err
				case err != nil:
					return err
				default:
					out, allowed = append(out, found...), true
				}
			}
			list = list[n:]
		}
		if !allowed {
			return refused
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b FreeWorkspace) int { return cmp.Compare(a.Place.Workspace.Seats, b.Place.Workspace.Seats) })
	return out, err
}

// findIn searches the workspaces of one building.
func (s *Service) findIn(tx *store.Tx, by people.Actor, q Search, places []store.WorkspacePlace) ([]FreeWorkspace, error) {
	zone, err := places[0].Building.Location()
	if err != nil {
		return nil, err
	}
	sl, err := q.Times.in(zone)
	if err != nil {
		return nil, err
	}
	if err := s.Rules.allow(by, sl, zone, s.now()); err != nil {
		return nil, err
	}
	var ids []store.WorkspaceID
	for _, p := range places {
		ids = append(ids, p.Workspace.ID)
	}
	taken, err := tx.TakenOf(ids, sl.From, sl.To.Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	next := map[store.WorkspaceID]time.Time{}
	for _, t := range taken {
		if at, known := next[t.Workspace]; !known || t.Span.From.Before(at) {
			next[t.Workspace] = t.Span.From
		}
	}
	var out []FreeWorkspace
	for _, p := range places {
		until := next[p.Workspace.ID]
		if !until.IsZero() && until.Before(sl.To) || p.Resource != "" && s.writable(p) != nil {
			continue
		}
		out = append(out, FreeWorkspace{p, sl.Interval, until})
	}
	return out, nil
}
