// Package bookings is the booking engine for all four kinds of workspace: its rules, its series, and
// Disclose, the only opener of a booking's personal parts.
//
// Bookings of a workspace without a booking system are hosted: they lie in our own store, whose
// database refuses an overlap. Those of a workspace that is attached to a booking system are written
// there, through Remote, and come back by the sync engine.
package bookings

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
)

// Service makes, changes and shows bookings. Its methods are safe for concurrent use. Remote and Rules
// are set before the first use.
type Service struct {
	Remote Remote
	Rules  Rules

	st      *store.Store
	now     func() time.Time
	changed func(store.WorkspaceID)
}

// New returns the engine with the default rules and no booking system. changed is called after each
// commit that changed the agenda of a workspace, not for what Remote writes: the sync engine tells of
// that itself. It must not block.
func New(st *store.Store, now func() time.Time, changed func(store.WorkspaceID)) *Service {
	return &Service{st: st, now: now, changed: changed, Rules: DefaultRules()}
}

// Rules bound what may be booked. Jobs and the command line are not bound by them.
type Rules struct {
	Min, Max  time.Duration // length of a booking by the clock
	MaxDays   int           // length of a booking of whole days
	Horizon   int           // days ahead at which a booking must begin at the latest; series are laid out so far
	MaxSeries int           // occurrences of one series
	Grace     time.Duration // how long ago a booking may begin, so that "10:00" can be booked at 10:05
}

// DefaultRules returns the rules of a house that has set none.
func DefaultRules() Rules {
	return Rules{Min: 5 * time.Minute, Max: 24 * time.Hour, MaxDays: 31, Horizon: 366, MaxSeries: 400, Grace: 15 * time.Minute}
}

// Remote writes to the booking systems that workspaces are attached to. All funcs are set, or none.
// They verify by reading back, store what the system then says before they return, and call changed
// themselves. What a person can act on comes back as a problem; "bookings.taken" is completed here with
// what is in the way.
type Remote struct {
	Book    func(context.Context, RemoteDraft) (store.BookingID, error)
	SetEnd  func(ctx context.Context, ws store.WorkspaceID, id store.BookingID, to time.Time) error
	Release func(ctx context.Context, ws store.WorkspaceID, id store.BookingID) error
}

// RemoteDraft is a booking to write to a booking system.
type RemoteDraft struct {
	Workspace     store.WorkspaceID
	Token         string // 8 to 64 letters, digits and -; the same token twice is the same booking
	From, To      time.Time
	Subject       string // of a private booking too: a system that knows the flag may have it
	OrganizerName string
	Private       bool
	Source        store.Source
	Creator       store.PersonID // who is to be noted as the one who made it; "" = nobody
}

// Conflict is a wanted time and what is in its way, as far as the one who asked may see it.
type Conflict struct {
	Wanted when.Interval
	With   []Shown // empty when it is not known what
}

// Conflicts returns what was in the way when err is a problem of a taken time, nil otherwise.
func Conflicts(err error) []Conflict {
	if p := problem.Of(err); p != nil {
		c, _ := p.Args["Conflicts"].([]Conflict)
		return c
	}
	return nil
}

// taken is the problem of a booking that is in the way of another.
func taken(v Viewer, place store.WorkspacePlace, wanted when.Interval, by []store.Booking) error {
	return problem.New(problem.Conflict, "bookings.taken", "Conflicts", []Conflict{{Wanted: wanted, With: discloseAll(v, by, place)}})
}

// place reads a workspace that stands and lets itself be seen by the actor.
func place(tx *store.Tx, id store.WorkspaceID) (store.WorkspacePlace, error) {
	p, err := tx.Workspace(id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !p.Workspace.DeletedAt.IsZero() {
		return p, problem.New(problem.NotFound, "bookings.no_workspace")
	}
	return p, err
}

// mayTouch returns a Forbidden problem unless the actor owns the booking or manages bookings there.
func mayTouch(by people.Actor, b store.Booking, p store.WorkspacePlace) error {
	if owns(by, b) && by.Can(people.Book, p.Building.ID) || by.Can(people.BookForOthers, p.Building.ID) {
		return nil
	}
	return problem.New(problem.Forbidden, "bookings.not_yours")
}

// tell calls changed for each workspace once.
func (s *Service) tell(ids ...store.WorkspaceID) {
	seen := map[store.WorkspaceID]bool{}
	for _, id := range ids {
		if id != "" && !seen[id] {
			seen[id] = true
			s.changed(id)
		}
	}
}

// update runs f in a write transaction and names what failed.
func (s *Service) update(ctx context.Context, what string, f func(*store.Tx) error) error {
	return named(what, s.st.Update(ctx, f))
}

// view runs f in a read transaction and names what failed.
func (s *Service) view(ctx context.Context, what string, f func(*store.Tx) error) error {
	return named(what, s.st.View(ctx, f))
}

// named wraps an error with the action that failed; a problem for a person stays as it is.
func named(what string, err error) error {
	if err == nil || problem.Of(err) != nil {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
