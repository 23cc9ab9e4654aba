package displays

import (
	"context"
	"errors"
	"time"

	"lintel/app/bookings"
	"lintel/app/places"
	"lintel/render"
	"lintel/store"
	"lintel/templates/text"
)

// How soon a room is looked at again: one that could not be read, one whose agenda nobody confirms, any other.
const (
	retryRoom   = 30 * time.Second
	recheckRoom = time.Minute
	lookAnyway  = 15 * time.Minute // the longest time between two looks at a room: what nobody told of is seen then
)

// RoomChanged says that a room's agenda has changed. It returns at once; Run draws the pictures of that room's displays.
func (s *Service) RoomChanged(ws store.WorkspaceID) {
	s.mu.Lock()
	_, watched := s.rooms[ws]
	if watched {
		s.dirty[ws] = true
	}
	s.mu.Unlock()
	if watched {
		s.nudge()
	}
}

// PlacesChanged says that buildings, rooms, opening hours or the organisation have changed. It returns at once; Run looks at
// every display.
func (s *Service) PlacesChanged() {
	s.mu.Lock()
	for ws := range s.rooms {
		s.dirty[ws] = true
	}
	s.houseChanged = true
	s.mu.Unlock()
	s.nudge()
}

// nudge makes Run look around.
func (s *Service) nudge() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// lookAtRooms draws what is due or has changed at an instant.
func (s *Service) lookAtRooms(ctx context.Context, now time.Time) {
	var due []store.WorkspaceID
	s.mu.Lock()
	for ws, w := range s.rooms {
		if s.dirty[ws] || !w.due.After(now) {
			due = append(due, ws)
		}
	}
	clear(s.dirty)
	s.mu.Unlock()
	for _, ws := range due {
		if ctx.Err() != nil {
			return
		}
		s.lookAt(ctx, ws, now)
	}
}

// lookAt reads a room and shows it at its displays. One at a time, so that what was read first is not shown last.
func (s *Service) lookAt(ctx context.Context, ws store.WorkspaceID, now time.Time) {
	s.looking.Lock()
	defer s.looking.Unlock()
	s.mu.RLock()
	w := s.rooms[ws]
	s.mu.RUnlock()
	if w == nil {
		return
	}
	r, err := s.readRoom(ctx, ws, now)
	next := now.Add(retryRoom)
	switch {
	case errors.Is(err, store.ErrNotFound): // it was deleted, and may come back
		next = now.Add(recheckRoom)
		s.images.want(ws, nil, now)
		for _, d := range w.displays {
			s.showNotice(d, true)
		}
	case err != nil:
		s.o.Log.Error("read room for its displays", "room", string(ws), "err", err)
	default:
		next = now.Add(lookAnyway)
		if again := s.wantImages(r, w.displays, now); !again.IsZero() && again.Before(next) {
			next = again
		}
		for _, d := range w.displays {
			if e := s.showRoom(d, r, now); e.Before(next) {
				next = e
			}
		}
		if a := r.ages(now); !a.IsZero() && a.Before(next) {
			next = a
		}
		if r.age(now) != fresh && now.Add(recheckRoom).Before(next) {
			next = now.Add(recheckRoom)
		}
	}
	s.mu.Lock()
	if w := s.rooms[ws]; w != nil {
		w.due = next
	}
	s.mu.Unlock()
}

// readRoom reads a room; ErrNotFound when it, its floor or its building was deleted.
func (s *Service) readRoom(ctx context.Context, ws store.WorkspaceID, now time.Time) (*room, error) {
	r := &room{}
	err := s.o.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		if r.place, err = tx.Workspace(ws); err != nil {
			return err
		}
		if !r.place.Workspace.DeletedAt.IsZero() || !r.place.Floor.DeletedAt.IsZero() || !r.place.Building.DeletedAt.IsZero() {
			return store.ErrNotFound
		}
		if r.zone, err = r.place.Building.Location(); err != nil {
			return err
		}
		r.window = windowOf(now, r.zone)
		spans, err := tx.OpeningHours(r.place.Building.ID)
		if err != nil {
			return err
		}
		r.hours = places.Opening{Building: r.place.Building, Zone: r.zone, Spans: spans}
		r.openings = openingsOf(r.hours, r.window)
		list, err := tx.Agenda(ws, r.window.From, r.window.To)
		if err != nil {
			return err
		}
		for _, b := range list {
			r.agenda = append(r.agenda, bookings.Disclose(bookings.Door(), b, r.place))
		}
		if r.synced = r.place.Resource != ""; r.synced {
			c, err := tx.ResourceOf(ws)
			r.confirmed = c.LastOK
			return err
		}
		return nil
	})
	if at, ok := s.o.Confirmed(ws); ok && r.synced {
		r.confirmed = later(r.confirmed, at) // the sync engine knows it earlier than the disk
	}
	r.slack = s.o.Slack(ws)
	return r, err
}

// lookOf returns what a display adds to its room.
func (s *Service) lookOf(row store.Display, low bool, r *room) look {
	lang := text.Lang(row.Language)
	if lang == "" {
		lang = text.Lang(r.place.Building.Language)
	}
	return look{
		say: text.For(lang), week: row.Template == store.TemplateWeek && row.Protocol != store.ProtocolPanel,
		soonBefore: time.Duration(row.SoonMinutes) * time.Minute,
		lowBattery: low,
		link:       s.o.RoomURL(row.Workspace),
		mayBook:    r.place.Workspace.Bookable && (r.place.Resource == "" || r.place.Writable),
	}
}

// showRoom brings a display up to date with its room and returns when to look again.
func (s *Service) showRoom(d *display, r *room, now time.Time) time.Time {
	d.drawing.Lock()
	defer d.drawing.Unlock()
	d.mu.Lock()
	row, power := d.row, d.power()
	d.mu.Unlock()
	if row.State != store.DisplayApproved || row.Workspace != r.place.Workspace.ID {
		return r.window.To // it was moved meanwhile
	}
	l, a := s.lookOf(row, power.low, r), r.age(now)
	if s.showsImages(row) {
		l.photo = func(b bookings.Shown) (*render.Photo, bool) { return s.images.get(imageOf(b), now) }
	}
	edges := r.turns(now, l)
	scene := r.scene(l, now, a)
	p := plan{awake: r.awake(), jitter: d.jitter}
	if until, yes := s.waits(d, row, r, scene, now); yes {
		p.change = until
		d.mu.Lock()
		d.plan = p
		d.mu.Unlock()
		return until
	}
	if row.Protocol == store.ProtocolPanel {
		s.showPanel(d, r.panel(l, now, scene), r.zone)
	} else {
		if !s.draw(d, row, scene) && scene.Template == render.Custom {
			agenda := l
			agenda.photo = nil
			scene = r.scene(agenda, now, a)
			s.draw(d, row, scene)
		}
		p.change = r.changes(l, edges, a, scene)
		d.mu.Lock()
		d.plan = p
		d.mu.Unlock()
	}
	if len(edges) == 0 {
		return r.window.To
	}
	return edges[0]
}

// changes returns the first of the edges at which the picture differs from the present scene; zero when none does.
func (r *room) changes(l look, edges []time.Time, a age, present render.Scene) time.Time {
	f := render.Format{} // any: the same on both sides
	key := present.Key(f)
	for _, e := range edges {
		if next := r.scene(l, e, a); next.Key(f) != key {
			return e
		}
	}
	return time.Time{}
}

// showNotice brings a display up to date that shows no room: its claim code, or that it has none. homeless says that the room
// it was given is gone.
func (s *Service) showNotice(d *display, homeless bool) {
	d.drawing.Lock()
	defer d.drawing.Unlock()
	row := d.settings()
	s.mu.RLock()
	lang := s.language
	s.mu.RUnlock()
	if row.Language != "" {
		lang = text.Lang(row.Language)
	}
	p := text.For(lang)
	var scene render.Scene
	switch {
	case row.State == store.DisplayPending:
		scene = render.Scene{
			Template: render.Claim, Title: p.T("door.claim_title"), Code: row.ClaimCode,
			Lines: []string{p.T("door.claim_help"), s.o.PortalURL + "/displays"},
		}
	case row.State == store.DisplayApproved && (homeless || row.Workspace == ""):
		scene = render.Scene{
			Template: render.Unassigned, Title: p.T("door.unassigned_title"), Body: p.T("door.unassigned_body"),
			Lines: []string{joined(row.Name, s.o.PortalURL+"/displays")},
		}
	case row.State == store.DisplayRefused && row.Protocol == store.ProtocolPanel:
		scene = render.Scene{Template: render.Message, Title: p.T("door.refused_title"), Body: p.T("door.refused_body")}
	default:
		return
	}
	d.mu.Lock()
	d.plan = plan{idle: true, jitter: d.jitter}
	d.mu.Unlock()
	if row.Protocol == store.ProtocolPanel {
		s.showPanel(d, noticePanel(p, scene), nil)
		return
	}
	s.draw(d, row, scene)
}
