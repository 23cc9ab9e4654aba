package bookings

import (
	"context"
	"errors"
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

// Request is a booking that somebody wants.
type Request struct {
	Workspace store.WorkspaceID
	Times     Times
	Subject   string
	Organizer Organizer // zero = whoever asks
	Private   bool
	Source    store.Source
	// Token makes a request safe to send twice: the second one returns what the first one made. Chosen once,
	// at random; "" = none.
	Token string
}

// Organizer is whose booking it is: a known person, or somebody by name and address, outsiders too.
type Organizer struct {
	ID          store.PersonID
	Name, Email string
}

// SubjectMax and NameMax bound what people type, in characters.
const (
	SubjectMax = 200
	NameMax    = 100
)

// Create makes a booking and returns it as the actor sees it. Problems: bookings.taken (Conflicts tells
// what is in the way), the rules, the permission. Naming another organizer takes the right to book for
// others.
func (s *Service) Create(ctx context.Context, by people.Actor, r Request) (Shown, error) {
	var out Shown
	var remote *store.WorkspacePlace
	var sl slot
	fresh := false
	err := s.update(ctx, "create booking", func(tx *store.Tx) error {
		p, zone, err := s.bookable(tx, by, r.Workspace)
		if err != nil {
			return err
		}
		if err := r.clean(); err != nil {
			return err
		}
		if sl, err = r.Times.in(zone); err != nil {
			return err
		}
		if p.Resource != "" {
			remote = &p
			return nil
		}
		if done, err := repeated(tx, by, r, sl, p); done != nil || err != nil {
			if done != nil {
				out = *done
			}
			return err
		}
		if err := s.Rules.allow(by, sl, zone, s.now()); err != nil {
			return err
		}
		fresh = true
		out, err = s.insert(tx, by, r, sl, p)
		return err
	})
	switch {
	case err != nil:
		return Shown{}, err
	case remote != nil:
		return s.createRemote(ctx, by, r, sl, *remote)
	case fresh:
		s.tell(r.Workspace)
	}
	return out, nil
}

// bookable reads a workspace in which the actor may make bookings, with its zone.
func (s *Service) bookable(tx *store.Tx, by people.Actor, id store.WorkspaceID) (store.WorkspacePlace, *time.Location, error) {
	p, err := place(tx, id)
	if err != nil {
		return p, nil, err
	}
	if err := by.Need(people.Book, p.Building.ID); err != nil {
		return p, nil, err
	}
	if bound(by) && !p.Workspace.Bookable {
		return p, nil, problem.New(problem.Refused, "bookings.not_bookable")
	}
	zone, err := p.Building.Location()
	return p, zone, err
}

// repeated returns the booking that a request with the same token made before, nil when there is none.
// The same token for something else is a problem.
func repeated(tx *store.Tx, by people.Actor, r Request, sl slot, p store.WorkspacePlace) (*Shown, error) {
	if r.Token == "" {
		return nil, nil
	}
	b, err := tx.BookingByToken(r.Workspace, r.Token)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if b.Cancelled() || !b.From.Equal(sl.From) || !b.To.Equal(sl.To) || b.Creator != by.Person {
		return nil, problem.New(problem.Conflict, "bookings.sent_twice")
	}
	shown := Disclose(By(by), b, p)
	return &shown, nil
}

// insert stores a hosted booking after a look at what is in the way; the database looks once more.
func (s *Service) insert(tx *store.Tx, by people.Actor, r Request, sl slot, p store.WorkspacePlace) (Shown, error) {
	if err := free(tx, By(by), p, sl.Interval, ""); err != nil {
		return Shown{}, err
	}
	organizer, err := r.Organizer.resolve(tx, by, p)
	if err != nil {
		return Shown{}, err
	}
	b := store.Booking{
		ID: store.NewID[store.BookingID](), Workspace: r.Workspace, Hosted: true, Private: r.Private, Source: r.Source, Token: r.Token,
		Subject: r.Subject, Organizer: organizer, Creator: by.Person,
	}
	sl.put(&b, p.Building.Zone)
	if err := asTaken(tx.InsertBooking(b), By(by), p, sl.Interval); err != nil {
		return Shown{}, err
	}
	if b, err = tx.Booking(b.ID); err != nil {
		return Shown{}, err
	}
	return Disclose(By(by), b, p), audit.Record(tx, by, "booking.create", "booking", string(b.ID), "workspace", string(b.Workspace))
}

// free returns the problem of a taken time when something other than the booking itself takes span.
func free(tx *store.Tx, v Viewer, p store.WorkspacePlace, span when.Interval, self store.BookingID) error {
	list, err := tx.Agenda(p.Workspace.ID, span.From, span.To)
	if err != nil {
		return err
	}
	var others []store.Booking
	for _, b := range list {
		if b.ID != self {
			others = append(others, b)
		}
	}
	if len(others) > 0 {
		return taken(v, p, span, others)
	}
	return nil
}

// asTaken turns the database's refusal into the problem of a taken time.
func asTaken(err error, v Viewer, p store.WorkspacePlace, span when.Interval) error {
	if errors.Is(err, store.ErrOverlap) {
		return taken(v, p, span, nil)
	}
	return err
}

// createRemote writes the booking to the system that the workspace is attached to.
func (s *Service) createRemote(ctx context.Context, by people.Actor, r Request, sl slot, p store.WorkspacePlace) (Shown, error) {
	zone, err := p.Building.Location()
	if err != nil {
		return Shown{}, err
	}
	if err := s.Rules.allow(by, sl, zone, s.now()); err != nil {
		return Shown{}, err
	}
	if err := s.writable(p); err != nil {
		return Shown{}, err
	}
	d := RemoteDraft{
		Workspace: r.Workspace, Token: r.Token, From: sl.From, To: sl.To, Subject: r.Subject, Private: r.Private,
		Source: r.Source, Creator: by.Person,
	}
	if d.Token == "" {
		d.Token = store.NewID[string]()
	}
	if err := s.update(ctx, "name organizer", func(tx *store.Tx) error {
		id, err := r.Organizer.resolve(tx, by, p)
		if err != nil || id == "" {
			return err
		}
		person, err := tx.Person(id)
		d.OrganizerName = person.Name
		return err
	}); err != nil {
		return Shown{}, err
	}
	id, err := s.Remote.Book(ctx, d)
	if err != nil {
		return Shown{}, s.completed(ctx, By(by), p, sl.Interval, "", err)
	}
	return s.noted(ctx, by, id, "booking.create", store.EndNone)
}

// writable returns a problem when nothing can be written to the workspace's booking system.
func (s *Service) writable(p store.WorkspacePlace) error {
	if !p.Writable || s.Remote.Book == nil {
		return problem.New(problem.Refused, "bookings.read_only")
	}
	return nil
}

// completed adds what is in the way to a problem of a taken time that a booking system reported: by now
// our copy knows it.
func (s *Service) completed(ctx context.Context, v Viewer, p store.WorkspacePlace, span when.Interval, self store.BookingID, err error) error {
	if !errors.Is(err, problem.New(problem.Conflict, "bookings.taken")) {
		return named("write to booking system", err)
	}
	known := s.view(ctx, "read conflicts", func(tx *store.Tx) error { return free(tx, v, p, span, self) })
	if Conflicts(known) != nil {
		return known
	}
	return taken(v, p, span, nil)
}

// noted records what was written to a booking system and returns the booking as our copy has it.
func (s *Service) noted(ctx context.Context, by people.Actor, id store.BookingID, action string, end store.EndReason) (Shown, error) {
	var out Shown
	err := s.update(ctx, "record change", func(tx *store.Tx) error {
		b, err := find(tx, id)
		if err != nil {
			return err
		}
		if end != store.EndNone && !b.Cancelled() {
			if err := tx.SetEndReason(id, end); err != nil {
				return err
			}
			b.EndReason = end
		}
		p, err := tx.Workspace(b.Workspace)
		if err != nil {
			return err
		}
		out = Disclose(By(by), b, p)
		return audit.Record(tx, by, action, "booking", string(id), "workspace", string(b.Workspace))
	})
	return out, err
}

// clean trims what was typed and refuses what is too long.
func (r *Request) clean() error {
	subject, err := line(r.Subject, SubjectMax, "subject")
	if err != nil {
		return err
	}
	r.Subject = subject
	return r.Organizer.clean()
}

func (o *Organizer) clean() (err error) {
	if o.Name, err = line(o.Name, NameMax, "organizer_name"); err != nil {
		return err
	}
	if o.Email, err = line(o.Email, 254, "organizer_email"); err != nil {
		return err
	}
	if user, host, ok := strings.Cut(o.Email, "@"); o.Email != "" && (!ok || user == "" || host == "" || strings.ContainsAny(o.Email, " ,;<>")) {
		return problem.Field("organizer_email", "bookings.bad_email")
	}
	return nil
}

// line returns text as one line without control characters, or a problem when it is too long.
func line(text string, most int, field string) (string, error) {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, ""), func(r rune) bool { return unicode.IsControl(r) }), " ")
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > most {
		return "", problem.Field(field, "bookings.too_many_characters", "Count", most)
	}
	return text, nil
}

// resolve returns the organizer's person. Nobody named is the actor; anybody else takes the right to
// book for others.
func (o Organizer) resolve(tx *store.Tx, by people.Actor, p store.WorkspacePlace) (store.PersonID, error) {
	if o == (Organizer{}) || o.ID != "" && o.ID == by.Person {
		return by.Person, nil
	}
	if o.ID == "" && o.Email != "" && by.Person != "" {
		me, err := tx.Person(by.Person)
		if err != nil {
			return "", err
		}
		if strings.EqualFold(me.Email, o.Email) {
			return by.Person, nil
		}
	}
	if !by.Can(people.BookForOthers, p.Building.ID) {
		return "", problem.Field("organizer_name", "bookings.not_for_others")
	}
	if o.ID == "" {
		return tx.FindOrCreatePerson(o.Name, o.Email)
	}
	_, err := tx.Person(o.ID)
	if errors.Is(err, store.ErrNotFound) {
		return "", problem.Field("organizer_name", "bookings.no_person")
	}
	return o.ID, err
}
