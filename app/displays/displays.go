// Package displays decides what every door display shows and when it wakes: enrolment and keys, the scene of a room, finished
// pictures in memory, the next wake, and what devices tell of themselves.
//
// A poll is answered from memory; what it told is stored afterwards, in batches.
package displays

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lintel/app/secret"
	"lintel/render"
	"lintel/store"
	"lintel/templates/text"
)

// Options are what New needs.
type Options struct {
	Store    *store.Store
	Now      func() time.Time
	Renderer *render.Renderer
	Log      *slog.Logger

	// PortalURL is the portal's address without a slash at its end; pictures with a claim code name its page of displays.
	PortalURL string

	// RoomURL returns the address of a room's own page for people at the door; the picture shows it as a QR code. nil or ""
	// for none.
	RoomURL func(store.WorkspaceID) string

	// Confirmed returns when a synced agenda was last confirmed by its booking system, if it knows better than the disk. nil when
	// there is no booking system.
	Confirmed func(store.WorkspaceID) (at time.Time, ok bool)

	// Slack returns how much longer than others a room may go without a confirmation until its age is said. nil for none.
	Slack func(store.WorkspaceID) time.Duration

	// Image fetches the picture that is attached to a meeting of a room, within its own time limit. ErrNotFound says that there is
	// none, so that it is not asked again. Only FetchImages calls it. nil where no pictures come from.
	Image func(context.Context, store.WorkspaceID, store.BookingID) ([]byte, error)

	// Changed is called after something that pages show of a display has changed. It must not block. nil for nobody.
	Changed func(store.DisplayID)
}

// Service knows all displays. Its methods are safe for concurrent use.
type Service struct {
	o        Options
	tokenKey secret.Text // of picture addresses
	poke     chan struct{}
	images   *images

	changing sync.Mutex // held while rows change on disk and in memory
	looking  sync.Mutex // held while a room is read and shown

	mu           sync.RWMutex // guards the maps; display.mu may be taken while it is held, not the other way round
	displays     map[store.DisplayID]*display
	byKey        map[[sha256.Size]byte]*display
	byTag        map[displayTag]*display
	rooms        map[store.WorkspaceID]*watched // those with displays
	dirty        map[store.WorkspaceID]bool
	houseChanged bool      // the organisation or any place has changed
	language     text.Lang // of displays without a room

	queue     sync.Mutex // guards what Flush stores
	contacts  map[store.DisplayID]store.DisplayContact
	pictures  map[store.DisplayID]store.DisplayPicture
	logs      map[store.DisplayID][]store.DisplayLogLine
	swept     time.Time // when forgotten pending displays were last removed
	flushedAt time.Time

	drawn   atomic.Int64 // pictures since Tick last asked
	drawnAt time.Time    // when it last found some; only Tick uses it and rested
	rested  bool         // nothing was drawn since the renderer's memory was given back
}

// watched is a room with displays.
type watched struct {
	due      time.Time // when to look at it again
	displays []*display
}

// New returns the service without displays; Load reads them.
func New(o Options) *Service {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Confirmed == nil {
		o.Confirmed = func(store.WorkspaceID) (time.Time, bool) { return time.Time{}, false }
	}
	if o.Slack == nil {
		o.Slack = func(store.WorkspaceID) time.Duration { return 0 }
	}
	if o.RoomURL == nil {
		o.RoomURL = func(store.WorkspaceID) string { return "" }
	}
	if o.Changed == nil {
		o.Changed = func(store.DisplayID) {}
	}
	return &Service{
		o: o, poke: make(chan struct{}, 1), images: newImages(),
		displays: map[store.DisplayID]*display{}, byKey: map[[sha256.Size]byte]*display{}, byTag: map[displayTag]*display{},
		rooms: map[store.WorkspaceID]*watched{}, dirty: map[store.WorkspaceID]bool{},
		contacts: map[store.DisplayID]store.DisplayContact{}, pictures: map[store.DisplayID]store.DisplayPicture{},
		logs: map[store.DisplayID][]store.DisplayLogLine{},
	}
}

// Load reads all displays. Call it once, before the first poll is let in. Their pictures are drawn by Run, and at once for a
// display that asks before its turn: a large house starts as quickly as a small one.
func (s *Service) Load(ctx context.Context) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	fresh, _ := newKey()
	var rows []store.Display
	var pictures []store.DisplayPicture
	err := s.o.Store.Update(ctx, func(tx *store.Tx) error {
		key, err := tx.EnsureKeyMaterial("picture_url", []byte(fresh.Reveal()))
		if err != nil {
			return err
		}
		s.tokenKey = secret.New(string(key))
		if rows, err = tx.Displays(); err != nil {
			return err
		}
		pictures, err = tx.Pictures()
		return err
	})
	if err != nil {
		return fmt.Errorf("load displays: %w", err)
	}
	saved := map[store.DisplayID]store.DisplayPicture{}
	for _, p := range pictures {
		saved[p.Display] = p
	}
	if err := s.readLanguage(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	for _, row := range rows {
		s.put(row).saved = saved[row.ID]
	}
	s.watchRooms()
	s.houseChanged = true
	s.mu.Unlock()
	return nil
}

// ready draws what a display shows where Run has not come to it: after a start, and when very many rooms turn over at once. Else the
// device would sleep on with the wrong picture.
func (s *Service) ready(d *display) {
	now := s.o.Now()
	d.mu.Lock()
	done := d.picture != nil && (d.plan.change.IsZero() || now.Before(d.plan.change)) || d.panel != nil
	d.mu.Unlock()
	if done {
		return
	}
	if ws := d.room(); ws != "" {
		s.lookAt(context.Background(), ws, now) // the store bounds the time
	} else {
		s.showNotice(d, false)
	}
}

// readLanguage learns the language of pictures that belong to no room.
func (s *Service) readLanguage(ctx context.Context) error {
	var lang text.Lang
	err := s.o.Store.View(ctx, func(tx *store.Tx) error {
		o, err := tx.Organisation()
		if errors.Is(err, store.ErrNotFound) {
			return nil // before the first set-up
		}
		lang = text.Lang(o.Language)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the organisation's language: %w", err)
	}
	s.mu.Lock()
	s.language = lang
	s.mu.Unlock()
	return nil
}

// put takes a row into memory, new or changed. s.mu is held for writing.
func (s *Service) put(row store.Display) *display {
	d := s.displays[row.ID]
	if d == nil {
		d = &display{id: row.ID, tag: tagOf(row.ID), jitter: jitterOf(row.ID), row: row, watchers: map[chan struct{}]bool{}}
		s.displays[row.ID], s.byTag[d.tag] = d, d
	} else {
		d.mu.Lock()
		if len(d.row.KeyHash) == sha256.Size {
			delete(s.byKey, [sha256.Size]byte(d.row.KeyHash))
		}
		keepContact(&row, &d.row)
		d.row, d.sized = row, false
		d.mu.Unlock()
	}
	if len(row.KeyHash) == sha256.Size {
		s.byKey[[sha256.Size]byte(row.KeyHash)] = d
	}
	return d
}

// drop forgets a display that was deleted. s.mu is held for writing.
func (s *Service) drop(id store.DisplayID) {
	d := s.displays[id]
	if d == nil {
		return
	}
	delete(s.displays, id)
	delete(s.byTag, d.tag)
	d.mu.Lock()
	if len(d.row.KeyHash) == sha256.Size {
		delete(s.byKey, [sha256.Size]byte(d.row.KeyHash))
	}
	d.mu.Unlock()
	d.wake()
}

// watchRooms keeps the rooms to be looked at those that have displays; new ones are due at once. s.mu is held for writing.
func (s *Service) watchRooms() {
	old := s.rooms
	s.rooms = map[store.WorkspaceID]*watched{}
	for _, d := range s.displays {
		ws := d.room()
		if ws == "" {
			continue
		}
		w := s.rooms[ws]
		if w == nil {
			w = &watched{}
			if o := old[ws]; o != nil {
				w.due = o.due
			}
			s.rooms[ws] = w
		}
		w.displays = append(w.displays, d)
	}
	s.images.keepRooms(s.rooms)
}

// all returns the displays in memory.
func (s *Service) all() []*display {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*display, 0, len(s.displays))
	for _, d := range s.displays {
		out = append(out, d)
	}
	return out
}

// get returns a display in memory, or nil.
func (s *Service) get(id store.DisplayID) *display {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.displays[id]
}

// display is one display in memory.
type display struct {
	id     store.DisplayID
	tag    displayTag
	jitter time.Duration

	drawing sync.Mutex // held while a picture is made; before mu

	mu        sync.Mutex
	row       store.Display
	resizedAt time.Time
	sized     bool                 // the device told its size since the row was read
	told      Battery              // at the last contact; Mains and Charging are not stored
	asked     time.Time            // when this hardware last asked for a new key and was refused
	saved     store.DisplayPicture // the newest picture's name, as on disk or on its way there
	shown     shown
	unfit     [32]byte // key of a meeting's picture that the device can't take
	picture   *Picture
	previous  *Picture       // the one before: its address may still be fetched
	panel     []byte         // JSON of a Panel
	zone      *time.Location // of the room on the panel; nil = none
	plan      plan
	watchers  map[chan struct{}]bool
}

// shown is what the present picture was drawn from.
type shown struct {
	scene render.Scene // a photo in it has no pixels
	key   [32]byte     // of scene and format; zero = nothing drawn yet
}

// room returns the room that the display shows; "" when it shows none.
func (d *display) room() store.WorkspaceID {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.row.State != store.DisplayApproved {
		return ""
	}
	return d.row.Workspace
}

// settings returns a copy of the row.
func (d *display) settings() store.Display {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.row
}

// keepContact copies what the device told from the old row in memory to one that was read from disk.
func keepContact(row, old *store.Display) {
	if old.KeySeen && !row.KeySeen && bytes.Equal(old.KeyHash, row.KeyHash) {
		row.KeySeen, row.ReenrolUntil = true, time.Time{}
	}
	if !old.SeenAt.After(row.SeenAt) {
		return
	}
	row.SeenAt, row.NextWakeAt, row.Address = old.SeenAt, old.NextWakeAt, old.Address
	row.BatteryPercent, row.BatteryMV, row.RSSI = old.BatteryPercent, old.BatteryMV, old.RSSI
	row.WakeReason, row.ReportedRefresh = old.WakeReason, old.ReportedRefresh
	if old.Model != "" {
		row.Model = old.Model
	}
	if old.Firmware != "" {
		row.Firmware = old.Firmware
	}
}
