package calendars

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lintel/app/problem"
	"lintel/connectors"
	"lintel/render"
	"lintel/store"
)

// imageTimeout is how long fetching a picture may take.
const imageTimeout = 30 * time.Second

// CanImage reports whether pictures can come from the booking system that a workspace is attached to.
func (s *Service) CanImage(w store.WorkspaceID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	rm := s.rooms[w]
	return rm != nil && imagerOf(rm.sys.conn) != nil
}

// imagerOf returns the connector as one that fetches pictures, or nil.
func imagerOf(c connectors.Connector) connectors.Imager {
	if i, ok := c.(connectors.Imager); ok && c.Caps().Has(connectors.CapImage) {
		return i
	}
	return nil
}

// Image fetches the picture that somebody attached to a booking that mirrors a booking system, and returns it with its media
// type by its own bytes: PNG, JPEG or BMP within render's limits for photos. It keeps nothing. ErrNotFound when there is no such
// picture, as far as the agenda knows or by the system's answer: then asking again is of no use until the booking changes. Of a
// private booking there is none. A problem says that the system may not be asked now.
func (s *Service) Image(ctx context.Context, w store.WorkspaceID, id store.BookingID) (data []byte, mediaType string, err error) {
	s.mu.Lock()
	rm := s.rooms[w]
	var quiet bool
	if rm != nil {
		now := s.o.Now()
		quiet = now.Before(rm.sys.blocked) || now.Before(rm.r.WaitUntil) || !rm.sys.s.PausedAt.IsZero()
	}
	s.mu.Unlock()
	if rm == nil {
		return nil, "", fmt.Errorf("fetch picture of a booking: %w", store.ErrNotFound)
	}
	imager := imagerOf(rm.sys.conn)
	if imager == nil {
		return nil, "", fmt.Errorf("fetch picture of a booking: %w", store.ErrNotFound)
	}
	if quiet {
		return nil, "", problem.New(problem.Down, "systems.unreachable")
	}
	var ref store.SyncedRef
	if err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		ref, err = tx.SyncedRef(id)
		return err
	}); err != nil {
		return nil, "", fmt.Errorf("fetch picture of a booking: %w", err)
	}
	if ref.Resource != rm.r.ID || ref.Event.Private || !ref.Event.HasImage {
		return nil, "", fmt.Errorf("fetch picture of a booking: %w", store.ErrNotFound)
	}
	ctx, cancel := context.WithTimeout(ctx, imageTimeout)
	defer cancel()
	target := connectors.Room{ID: rm.sys.kind.roomID(s.resource(rm)), Zone: rm.zone}
	data, _, err = imager.Image(ctx, target, eventOf(ref.Event), render.MaxPhotoBytes)
	s.heed(ctx, rm.sys, rm, err)
	switch connectors.KindOf(err) {
	case connectors.NotFound, connectors.Unsupported, connectors.Invalid:
		return nil, "", fmt.Errorf("fetch picture of a booking: %w", errors.Join(store.ErrNotFound, err))
	}
	if err != nil {
		return nil, "", fmt.Errorf("fetch picture of a booking: %w", err)
	}
	if mediaType, err = render.CheckPhoto(data); err != nil {
		return nil, "", fmt.Errorf("fetch picture of a booking: %w", errors.Join(store.ErrNotFound, err))
	}
	return data, mediaType, nil
}
