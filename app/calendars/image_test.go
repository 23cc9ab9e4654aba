package calendars

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/render"
	"lintel/store"
)

// pictures is a scripted system that has pictures of events.
type pictures struct {
	*script
	asked []connectors.Event
	data  []byte
	fail  error
	none  bool // it can't, as connected
}

func (p *pictures) Caps() connectors.Caps {
	if p.none {
		return p.script.Caps()
	}
	return p.script.Caps() | connectors.CapImage
}

func (p *pictures) Image(_ context.Context, _ connectors.Room, ev connectors.Event, most int64) ([]byte, string, error) {
	p.asked = append(p.asked, ev)
	if int64(len(p.data)) > most {
		return nil, "", connectors.Fail(connectors.NotFound, "fetch picture", "too large")
	}
	return p.data, "text/plain", p.fail // what it says of the type counts for nothing
}

func newPictures(t *testing.T) (*bench, *pictures) {
	t.Helper()
	b := newBench(t)
	var pic bytes.Buffer
	if err := png.Encode(&pic, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	p := &pictures{script: b.sys, data: pic.Bytes()}
	b.systems[b.id].conn = p
	return b, p
}

// pictured is an event with something attached.
func pictured(uid string, from time.Time) connectors.Event {
	e := event(uid, from, 60)
	e.HasImage, e.Rev = true, "1"
	return e
}

func TestImageOfABooking(t *testing.T) {
	t.Parallel()
	b, p := newPictures(t)
	private := pictured("secret", b.now.Add(3*time.Hour))
	private.Private = true
	b.put(pictured("a", b.now), event("plain", b.now.Add(2*time.Hour), 30), private)
	b.crank()
	agenda := b.agenda()
	if len(agenda) != 3 || !agenda[0].HasImage || agenda[1].HasImage || agenda[2].HasImage {
		t.Fatalf("%+v", agenda)
	}
	if !b.CanImage(b.ws) || b.CanImage("elsewhere") {
		t.Error("which rooms have pictures is wrong")
	}
	data, kind, err := b.Image(t.Context(), b.ws, agenda[0].ID)
	if err != nil || kind != "image/png" || !bytes.Equal(data, p.data) || len(p.asked) != 1 || p.asked[0].Key != "a" || p.asked[0].Rev != "1" {
		t.Errorf("%d bytes of %q, %v, asked %+v", len(data), kind, err, p.asked)
	}
	for name, id := range map[string]store.BookingID{"without": agenda[1].ID, "private": agenda[2].ID, "unknown": "nobody"} {
		if data, _, err := b.Image(t.Context(), b.ws, id); !errors.Is(err, store.ErrNotFound) || data != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := b.Image(t.Context(), "elsewhere", agenda[0].ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another room: %v", err)
	}
	if len(p.asked) != 1 {
		t.Errorf("the system was asked %d times", len(p.asked))
	}
	p.none = true
	if _, _, err := b.Image(t.Context(), b.ws, agenda[0].ID); !errors.Is(err, store.ErrNotFound) || b.CanImage(b.ws) {
		t.Errorf("a system that can't: %v", err)
	}
}

// A booking that becomes private, or whose picture goes, has none from the next read on, and a new revision.
func TestImageGoesWithTheBooking(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*connectors.Event){
		"private":      func(e *connectors.Event) { e.Private = true },
		"taken off it": func(e *connectors.Event) { e.HasImage = false },
	} {
		b, p := newPictures(t)
		e := pictured("a", b.now)
		b.put(e)
		b.crank()
		before := b.agenda()[0]
		change(&e)
		b.put(e)
		b.now = b.now.Add(2 * time.Minute)
		if !b.crank() {
			t.Fatal("it was not read again")
		}
		after := b.agenda()[0]
		if after.HasImage || after.Revision <= before.Revision || after.ID != before.ID {
			t.Errorf("%s: %+v", name, after)
		}
		if _, _, err := b.Image(t.Context(), b.ws, after.ID); !errors.Is(err, store.ErrNotFound) || len(p.asked) != 0 {
			t.Errorf("%s: %v, asked %d times", name, err, len(p.asked))
		}
	}
}

func TestImageThatIsNone(t *testing.T) {
	t.Parallel()
	b, p := newPictures(t)
	b.put(pictured("a", b.now))
	b.crank()
	id := b.agenda()[0].ID
	good := p.data
	for name, data := range map[string][]byte{"text": []byte("hello"), "cut off": good[:20], "too large": append(bytes.Clone(good), make([]byte, render.MaxPhotoBytes)...)} {
		p.data = data
		if _, _, err := b.Image(t.Context(), b.ws, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.data, p.fail = nil, connectors.Fail(connectors.Transient, "fetch picture", "no answer")
	if _, _, err := b.Image(t.Context(), b.ws, id); !errors.Is(err, connectors.Transient) || errors.Is(err, store.ErrNotFound) {
		t.Errorf("out of reach: %v", err)
	}
}

// What a system asks for holds for pictures too, and a picture's request tells it to all others.
func TestImageWaits(t *testing.T) {
	t.Parallel()
	b, p := newPictures(t)
	b.put(pictured("a", b.now))
	b.crank()
	id := b.agenda()[0].ID
	p.fail = &connectors.Error{Kind: connectors.Throttled, After: 10 * time.Minute}
	if _, _, err := b.Image(t.Context(), b.ws, id); !errors.Is(err, connectors.Throttled) {
		t.Fatalf("%v", err)
	}
	p.fail = nil
	b.now = b.now.Add(9 * time.Minute)
	if _, _, err := b.Image(t.Context(), b.ws, id); problem.Of(err) == nil || len(p.asked) != 1 {
		t.Errorf("asked %d times, %v", len(p.asked), err)
	}
	if b.crank() {
		t.Error("the room was probed meanwhile")
	}
	b.now = b.now.Add(2 * time.Minute)
	if _, _, err := b.Image(t.Context(), b.ws, id); err != nil {
		t.Error(err)
	}
	b.systems[b.id].s.PausedAt = b.now
	if _, _, err := b.Image(t.Context(), b.ws, id); problem.Of(err) == nil || len(p.asked) != 2 {
		t.Errorf("a paused system: asked %d times, %v", len(p.asked), err)
	}
}

// After a booking is anonymised, nothing says that something was attached.
func TestImageIsForgotten(t *testing.T) {
	t.Parallel()
	b, _ := newPictures(t)
	b.put(pictured("a", b.now))
	b.crank()
	zone, err := when.LoadZone("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	var building store.BuildingID
	err = b.st.Update(t.Context(), func(tx *store.Tx) error {
		p, err := tx.Workspace(b.ws)
		building = p.Building.ID
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	day := when.DayOf(b.now, zone).Add(100)
	b.now = day.Add(1).Start(zone)
	if err := b.st.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Retain(store.RetentionTarget{Building: building, Zone: "Europe/Zurich", Hosted: store.RetainMidnight}, day, zone)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.AddDate(0, 0, -100)
	agenda := b.agenda()
	if len(agenda) != 1 || agenda[0].AnonymisedAt.IsZero() || agenda[0].HasImage {
		t.Errorf("%+v", agenda)
	}
}
