// Package places keeps the tree of organisation, buildings, floors and workspaces, and knows when a
// building is open.
package places

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
)

// Service makes, changes and deletes places. Its methods are safe for concurrent use. Rederive is set
// before the first use.
type Service struct {
	// Rederive derives the hosted bookings of a building anew after its zone was changed, in the same
	// transaction, and returns how many lost their time. nil = there are no bookings.
	Rederive func(tx *store.Tx, by people.Actor, id store.BuildingID) (lost int, err error)

	st      *store.Store
	now     func() time.Time
	changed func([]store.WorkspaceID)
}

// New returns the service. changed is called once after each commit with the workspaces that look or stand
// different now, deleted and restored ones too; there may be none, as in a new building. It must not block.
func New(st *store.Store, now func() time.Time, changed func([]store.WorkspaceID)) *Service {
	return &Service{st: st, now: now, changed: changed}
}

// NameMax bounds the names of places, in characters.
const NameMax = 100

// fields collects what is wrong with a form.
type fields struct {
	p *problem.Problem
}

// bad blames a field; the first text is the problem's own.
func (f *fields) bad(field, key string, args ...any) {
	if f.p == nil {
		f.p = problem.Field(field, key, args...)
		return
	}
	if _, already := f.p.Fields[field]; already {
		return
	}
	f.p.Fields[field] = key
	for i := 0; i+1 < len(args); i += 2 {
		if f.p.Args == nil {
			f.p.Args = map[string]any{}
		}
		if name, ok := args[i].(string); ok {
			f.p.Args[name] = args[i+1]
		}
	}
}

// err returns the problem, nil when nothing is wrong.
func (f *fields) err() error {
	if f.p == nil {
		return nil
	}
	return f.p
}

// line makes text one trimmed line and blames the field when it is too long or, if required, empty.
func (f *fields) line(field string, text *string, most int, required bool) {
	*text = oneLine(*text)
	switch n := utf8.RuneCountInString(*text); {
	case n == 0 && required:
		f.bad(field, "form.missing")
	case n > most:
		f.bad(field, "places.too_many_characters", "Count", most)
	}
}

// oneLine replaces control characters by spaces and trims.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), unicode.IsControl), " ")
	return strings.TrimSpace(s)
}

// language blames a field that is no two-letter code of a language.
func (f *fields) language(field string, code *string) {
	*code = strings.ToLower(strings.TrimSpace(*code))
	if len(*code) != 2 || strings.ContainsFunc(*code, func(r rune) bool { return r < 'a' || r > 'z' }) {
		f.bad(field, "places.bad_language")
	}
}

// missing turns the store's "not found" into a problem.
func missing(err error, key string) error {
	if errors.Is(err, store.ErrNotFound) {
		return problem.New(problem.NotFound, key)
	}
	return err
}

// named turns a name in use into a problem of the field.
func named(err error) error {
	if errors.Is(err, store.ErrDuplicate) {
		return problem.Field("name", "places.name_taken").Because(err)
	}
	return err
}

func (s *Service) update(ctx context.Context, what string, f func(*store.Tx) error) error {
	return wrap(what, s.st.Update(ctx, f))
}

func (s *Service) view(ctx context.Context, what string, f func(*store.Tx) error) error {
	return wrap(what, s.st.View(ctx, f))
}

// wrap names the action that failed; a problem for a person stays as it is.
func wrap(what string, err error) error {
	if err == nil || problem.Of(err) != nil {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// tell calls changed with the workspaces of a list.
func (s *Service) tell(list []store.WorkspacePlace) {
	ids := make([]store.WorkspaceID, len(list))
	for i, p := range list {
		ids[i] = p.Workspace.ID
	}
	s.changed(ids)
}

// Organisation returns the house, or the zero value before the first set-up.
func (s *Service) Organisation(ctx context.Context) (store.Organisation, error) {
	var o store.Organisation
	err := s.view(ctx, "read organisation", func(tx *store.Tx) (err error) {
		o, err = tx.Organisation()
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return store.Organisation{}, nil
	}
	return o, err
}

// SetOrganisation names the house and its language.
func (s *Service) SetOrganisation(ctx context.Context, by people.Actor, o store.Organisation) error {
	if err := by.Need(people.ManageSystem, ""); err != nil {
		return err
	}
	var f fields
	f.line("name", &o.Name, NameMax, true)
	f.language("language", &o.Language)
	if err := f.err(); err != nil {
		return err
	}
	err := s.update(ctx, "set organisation", func(tx *store.Tx) error {
		if err := tx.SetOrganisation(o); err != nil {
			return err
		}
		return audit.Record(tx, by, "organisation.set", "organisation", "1")
	})
	if err == nil {
		s.tell(nil)
	}
	return err
}

// Tree is a building with what stands in it.
type Tree struct {
	Building   store.Building
	Floors     []store.Floor
	Workspaces []store.WorkspacePlace // by floor and name
}

// Trees returns the buildings that the actor may see, with all that stands in them, by name.
func (s *Service) Trees(ctx context.Context, by people.Actor) ([]Tree, error) {
	var out []Tree
	err := s.view(ctx, "read places", func(tx *store.Tx) error {
		buildings, err := tx.Buildings()
		if err != nil {
			return err
		}
		for _, b := range buildings {
			if !by.Can(people.SeeRooms, b.ID) {
				continue
			}
			t := Tree{Building: b}
			if t.Floors, err = tx.Floors(b.ID); err != nil {
				return err
			}
			if t.Workspaces, err = tx.Workspaces(store.WorkspaceFilter{Building: b.ID}); err != nil {
				return err
			}
			out = append(out, t)
		}
		return nil
	})
	return out, err
}

// Workspaces returns the workspaces that stand, pass the filter and may be seen by the actor.
func (s *Service) Workspaces(ctx context.Context, by people.Actor, f store.WorkspaceFilter) ([]store.WorkspacePlace, error) {
	var out []store.WorkspacePlace
	err := s.view(ctx, "read workspaces", func(tx *store.Tx) error {
		list, err := tx.Workspaces(f)
		for _, p := range list {
			if by.Can(people.SeeRooms, p.Building.ID) {
				out = append(out, p)
			}
		}
		return err
	})
	return out, err
}

// Workspace returns one workspace that stands, with its place.
func (s *Service) Workspace(ctx context.Context, by people.Actor, id store.WorkspaceID) (store.WorkspacePlace, error) {
	var p store.WorkspacePlace
	err := s.view(ctx, "read workspace", func(tx *store.Tx) (err error) {
		if p, err = standingWorkspace(tx, id); err != nil {
			return err
		}
		return by.Need(people.SeeRooms, p.Building.ID)
	})
	if err != nil {
		return store.WorkspacePlace{}, err
	}
	return p, nil
}

// Today returns the local day of a building at this moment.
func (s *Service) Today(b store.Building) (when.Date, error) {
	zone, err := b.Location()
	return when.DayOf(s.now(), zone), err
}
