package displays

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lintel/app/bookings"
	"lintel/render"
	"lintel/store"
)

// A display whose switch is on shows the picture that is attached to a meeting in place of the agenda. Such pictures tell of
// people: they are fetched when they are needed, kept in memory only, and dropped as soon as the meeting is over, gone, changed
// or private.
const (
	imageLead     = 15 * time.Minute // how long before its meeting a picture is shown, while the room is free
	imageAhead    = 20 * time.Minute // how long before that it is fetched; longer than lookAnyway, so that it is there in time
	imageWait     = time.Minute      // how long a display keeps its picture for one that is being fetched
	imageRetry    = 2 * time.Minute  // after the first failure; twice as long after each further one
	imageRetryMax = 15 * time.Minute // the longest such pause
	imageMemory   = 32 << 20         // bytes of all pictures in memory
)

// imageKey names a picture: a meeting that changes may have another one.
type imageKey struct {
	booking  store.BookingID
	revision int64
}

func imageOf(b bookings.Shown) imageKey { return imageKey{b.ID, b.Revision} }

// attached is a picture that displays of a room need now or soon.
type attached struct {
	room   store.WorkspaceID
	photo  *render.Photo // nil until it was fetched; without pixels when memory was short
	lean   bool          // photo has no pixels
	busy   bool          // in the queue, or being fetched
	none   bool          // there is none that can be shown
	failed int           // times in a row
	retry  time.Time     // after a failure: not before
	since  time.Time     // when a display first had to wait for it
	used   time.Time
}

// images are all pictures of meetings. The zero value is ready but for wake.
type images struct {
	wake     chan struct{}
	decoding sync.Mutex // one at a time: a large one takes much memory for a moment

	mu    sync.Mutex // taken after Service.mu and display.mu
	of    map[imageKey]*attached
	queue []imageKey
	bytes int
}

func newImages() *images { return &images{wake: make(chan struct{}, 1), of: map[imageKey]*attached{}} }

// want makes keys the pictures of a room: those that are not there are queued, all others of the room are dropped. It returns
// when to ask again because of a failure; zero for never.
func (m *images) want(room store.WorkspaceID, keys []imageKey, now time.Time) (again time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wanted := map[imageKey]bool{}
	for _, k := range keys {
		wanted[k] = true
	}
	for k, i := range m.of {
		if i.room == room && !wanted[k] {
			m.drop(k)
		}
	}
	for _, k := range keys {
		i := m.of[k]
		if i == nil {
			i = &attached{room: room}
			m.of[k] = i
		}
		switch {
		case i.photo != nil || i.none || i.busy:
		case now.Before(i.retry):
			if again.IsZero() || i.retry.Before(again) {
				again = i.retry
			}
		default:
			m.enqueue(k)
		}
	}
	return again
}

// keepRooms drops the pictures of rooms that no display shows any more.
func (m *images) keepRooms(rooms map[store.WorkspaceID]*watched) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, i := range m.of {
		if rooms[i.room] == nil {
			m.drop(k)
		}
	}
}

// drop forgets a picture. m.mu is held.
func (m *images) drop(k imageKey) {
	if i := m.of[k]; i.photo != nil {
		m.bytes -= i.photo.Size()
	}
	delete(m.of, k)
}

// enqueue has a picture fetched. m.mu is held.
func (m *images) enqueue(k imageKey) {
	m.of[k].busy = true
	m.queue = append(m.queue, k)
	m.poke()
}

func (m *images) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// next takes the picture that has been waiting for longest.
func (m *images) next() (k imageKey, room store.WorkspaceID, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.queue) > 0 {
		k, m.queue = m.queue[0], m.queue[1:]
		i := m.of[k]
		if i == nil {
			continue // nobody wants it any more
		}
		if len(m.queue) > 0 {
			m.poke() // for another worker
		}
		return k, i.room, true
	}
	return imageKey{}, "", false
}

// settle notes how fetching ended: with a photo, with none for good, or with a failure that may pass.
func (m *images) settle(k imageKey, photo *render.Photo, none bool, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.of[k]
	if i == nil {
		return
	}
	i.busy = false
	switch {
	case photo != nil:
		if i.photo != nil { // it was asked for twice
			m.bytes -= i.photo.Size()
		}
		i.photo, i.lean, i.failed, i.retry, i.since, i.used = photo, false, 0, time.Time{}, time.Time{}, now
		m.bytes += photo.Size()
		m.shrink(k)
	case none:
		i.none = true
	default:
		i.retry = now.Add(min(imageRetryMax, imageRetry<<min(i.failed, 8)))
		i.failed++
	}
}

// shrink takes the pixels of the pictures that were not used for longest, until the others fit. m.mu is held.
func (m *images) shrink(but imageKey) {
	for m.bytes > imageMemory {
		var oldest *attached
		for k, i := range m.of {
			if k != but && i.photo != nil && !i.lean && (oldest == nil || i.used.Before(oldest.used)) {
				oldest = i
			}
		}
		if oldest == nil {
			return
		}
		m.bytes -= oldest.photo.Size()
		oldest.photo, oldest.lean = oldest.photo.Bare(), true
	}
}

// get returns a picture. It is nil while it is awaited; ok is false when a display should show the agenda instead.
func (m *images) get(k imageKey, now time.Time) (photo *render.Photo, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.of[k]
	switch {
	case i == nil:
		return nil, true // of a later meeting
	case i.photo != nil:
		i.used = now
		return i.photo, true
	case i.none || i.failed > 0 || !i.since.IsZero() && !now.Before(i.since.Add(imageWait)):
		return nil, false
	}
	return nil, true
}

// await notes that a display waits for a picture, and returns until when. One that has lost its pixels is fetched again.
func (m *images) await(k imageKey, now time.Time) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.of[k]
	if i == nil {
		return now
	}
	if i.lean {
		i.photo, i.lean = nil, false
	}
	if i.since.IsZero() {
		i.since = now
	}
	if i.photo == nil && !i.busy {
		m.enqueue(k)
	}
	return i.since.Add(imageWait)
}

// FetchImages fetches pictures of meetings as displays need them, one after the other, and returns nil when ctx ends. Several may
// run, so that a slow booking system does not hold up the others.
func (s *Service) FetchImages(ctx context.Context) error {
	for {
		k, room, ok := s.images.next()
		if !ok {
			select {
			case <-ctx.Done():
				return nil
			case <-s.images.wake:
			}
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		s.fetchImage(ctx, k, room)
	}
}

func (s *Service) fetchImage(ctx context.Context, k imageKey, room store.WorkspaceID) {
	data, err := s.o.Image(ctx, room, k.booking)
	var photo *render.Photo
	if err == nil {
		photo, err = s.decodeImage(data)
	}
	if err != nil && ctx.Err() == nil {
		s.o.Log.Info("picture of a meeting is not shown", "room", string(room), "err", err)
	}
	s.images.settle(k, photo, errors.Is(err, store.ErrNotFound) || errors.Is(err, render.ErrPhoto), s.o.Now())
	s.RoomChanged(room)
}

// decodeImage decodes what anybody may have sent who can invite the room: even a decoder that panics stops nothing else.
func (s *Service) decodeImage(data []byte) (photo *render.Photo, err error) {
	s.images.decoding.Lock()
	defer s.images.decoding.Unlock()
	defer func() {
		if p := recover(); p != nil {
			photo, err = nil, fmt.Errorf("%w: the decoder panicked: %v", render.ErrPhoto, p)
		}
	}()
	s.drawn.Add(1) // it takes memory that is given back when things are quiet
	return render.DecodePhoto(data)
}

// wantImages has the pictures fetched that a room's displays show now or soon, drops all others of the room, and returns when to
// look at the room again for their sake; zero for no such time.
func (s *Service) wantImages(r *room, displays []*display, now time.Time) time.Time {
	var keys []imageKey
	for _, d := range displays {
		if !s.showsImages(d.settings()) || r.age(now) == lost {
			continue
		}
		for _, b := range r.agenda {
			if b.HasImage && now.Before(b.To) && !now.Before(b.From.Add(-imageLead-imageAhead)) {
				keys = append(keys, imageOf(b))
			}
		}
		break
	}
	return s.images.want(r.place.Workspace.ID, keys, now)
}

// showsImages reports whether a display shows pictures of meetings. Panels are pages, not pictures.
func (s *Service) showsImages(row store.Display) bool {
	return row.ShowImage && row.Protocol != store.ProtocolPanel && s.o.Image != nil
}

// pictured returns the meeting whose picture the door shows at an instant: the one that runs, or the next one where the room
// is free.
func (r *room) pictured(t time.Time) (bookings.Shown, bool) {
	st := bookings.StateAt(r.agenda, t, imageLead)
	b := st.Current
	if st.Kind == bookings.Soon {
		b = st.Next
	}
	if b == nil || !b.HasImage {
		return bookings.Shown{}, false
	}
	return *b, true
}

// waits reports whether a scene can't be drawn yet, as its picture is not there, and until when the display keeps the picture that
// it has. d.drawing is held.
func (s *Service) waits(d *display, row store.Display, r *room, scene render.Scene, now time.Time) (until time.Time, yes bool) {
	if scene.Template != render.Custom {
		return time.Time{}, false
	}
	if scene.Photo != nil {
		d.mu.Lock()
		drawn := d.picture != nil && d.shown.key == scene.Key(formatOf(row))
		d.mu.Unlock()
		if drawn || scene.Photo.Size() > 0 {
			return time.Time{}, false
		}
	}
	b, _ := r.pictured(now)
	return s.images.await(imageOf(b), now), true
}
