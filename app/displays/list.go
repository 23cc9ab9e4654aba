package displays

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/store"
)

// View is a display as pages show it: what is stored, and what memory knows better. It holds neither the key's hash nor, of a
// display that waits, its code: that stands on the glass alone, so that whoever types it has stood there.
type View struct {
	store.Display
	Picture *Picture  // the very bytes that the device gets; nil for panels, before approval and before the first drawing
	OnMains bool      // by setting, or because the device says so
	AskedAt time.Time // when this hardware last asked for a new key and got none; zero = never since the start
}

// List returns the displays that the actor may manage, the oldest first. Those without a building are for whoever may manage
// displays anywhere.
func (s *Service) List(ctx context.Context, by people.Actor) ([]View, error) {
	if !by.CanAnywhere(people.ManageDisplays) {
		return nil, by.Need(people.ManageDisplays, "")
	}
	at := map[store.WorkspaceID]store.BuildingID{}
	if err := s.o.Store.View(ctx, func(tx *store.Tx) error {
		places, err := tx.Workspaces(store.WorkspaceFilter{})
		for _, p := range places {
			at[p.Workspace.ID] = p.Building.ID
		}
		return err
	}); err != nil {
		return nil, fmt.Errorf("list displays: %w", err)
	}
	var out []View
	for _, d := range s.all() {
		if v := d.view(); mayManage(by, at[v.Workspace]) == nil {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b View) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return out, nil
}

// Get returns one display that the actor may manage.
func (s *Service) Get(ctx context.Context, by people.Actor, id store.DisplayID) (View, error) {
	if err := s.o.Store.View(ctx, func(tx *store.Tx) error {
		_, err := s.find(tx, by, id)
		return err
	}); err != nil {
		return View{}, named("read display", err)
	}
	d := s.get(id)
	if d == nil {
		return View{}, problem.New(problem.NotFound, "display.none")
	}
	return d.view(), nil
}

// DeviceLog returns the newest lines of a display's own log, the newest first.
func (s *Service) DeviceLog(ctx context.Context, by people.Actor, id store.DisplayID, limit int) (lines []store.DisplayLogLine, err error) {
	err = s.o.Store.View(ctx, func(tx *store.Tx) error {
		if _, err := s.find(tx, by, id); err != nil {
			return err
		}
		lines, err = tx.DisplayLog(id, limit)
		return err
	})
	if err != nil {
		return nil, named("read log of display", err)
	}
	return lines, nil
}

// OfRoom returns the displays of a room, for its page. The caller has checked that the viewer may see the room.
func (s *Service) OfRoom(ws store.WorkspaceID) []View {
	s.mu.RLock()
	w := s.rooms[ws]
	s.mu.RUnlock()
	if w == nil {
		return nil
	}
	var out []View
	for _, d := range w.displays {
		out = append(out, d.view())
	}
	slices.SortFunc(out, func(a, b View) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

// Shown returns the picture that a display shows, for pages. The caller has checked that the viewer may see it. ok is false when
// there is none.
func (s *Service) Shown(id store.DisplayID) (p *Picture, ok bool) {
	d := s.get(id)
	if d == nil {
		return nil, false
	}
	p = d.view().Picture
	return p, p != nil
}

func (d *display) view() View {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := View{Display: d.row, OnMains: d.power().mains, AskedAt: d.asked}
	v.KeyHash, v.ClaimCode = nil, ""
	if v.State == store.DisplayApproved {
		v.Picture = d.picture
	}
	return v
}
