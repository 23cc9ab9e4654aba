package bookings

import (
	"time"

	"lintel/app/people"
	"lintel/app/when"
	"lintel/store"
)

// Viewer is who is going to see a booking.
type Viewer struct {
	actor people.Actor
	door  bool
}

// By returns the viewer that an actor is. An actor that is no signed-in person sees what the door shows.
func By(a people.Actor) Viewer { return Viewer{actor: a, door: a.Kind != people.KindAccount} }

// Door is everybody who walks past: door pictures, panels, public pages.
func Door() Viewer { return Viewer{door: true} }

// Shown is a booking as one viewer may see it. Only Disclose makes it from a stored booking.
type Shown struct {
	ID        store.BookingID
	Workspace store.WorkspaceID
	From, To  time.Time // UTC, half open

	AllDay            bool
	FirstDay, LastDay when.Date // of a booking of whole days, both included; zero otherwise

	Private, Tentative bool
	Hosted             bool           // ours, not mirrored from a booking system
	Series             store.SeriesID // "" = not of a hosted series
	Original           when.Wall      // hosted occurrence: the start that the rule gave it, its name within the series
	Moved              bool           // hosted occurrence that is not where the rule put it
	Cancelled          bool
	EndReason          store.EndReason
	Revision           int64
	Source             store.Source
	CreatedAt          time.Time
	Token              string // idempotency key of the request that made it, chosen at random; "" = none

	Subject   string // "" when there is none or the viewer may not see it
	Organizer string // name, or the address where no name is known; "" as above
	Creator   string // name of whoever made it for the organizer; "" as above, and when it is the same person
	HasImage  bool   // perhaps a picture is attached, for the door; false where the viewer may not see the subject, and when it is private

	Mine      bool // the viewer organises or made it
	MayChange bool // the viewer may cancel, end and extend it
	MayMove   bool // the viewer may give it other times
}

// Span returns [From, To).
func (s Shown) Span() when.Interval { return when.Interval{From: s.From, To: s.To} }

// Disclose returns what a viewer may see of a booking in its place:
//
//   - its organizer and the one who made it see all of it;
//   - of a private booking nobody else sees the subject, and only booking managers of the building see
//     whose it is;
//   - booking managers see all of the others;
//   - everybody else, and the door, sees subject and organizer where the workspace's settings show them;
//   - an attached picture tells as much as a subject, and of a private booking nobody sees it.
func Disclose(v Viewer, b store.Booking, p store.WorkspacePlace) Shown {
	s := Shown{
		ID: b.ID, Workspace: b.Workspace, From: b.From, To: b.To, AllDay: b.AllDay,
		Private: b.Private, Tentative: b.Tentative, Hosted: b.Hosted, Series: b.Series, Original: b.Original,
		Moved: b.Series != "" && b.FromWall != b.Original, Cancelled: b.Cancelled(), EndReason: b.EndReason, Revision: b.Revision, Source: b.Source, CreatedAt: b.CreatedAt, Token: b.Token,
	}
	if b.AllDay {
		s.FirstDay, s.LastDay = b.FromWall.Date, b.ToWall.Add(-1)
	}
	s.Mine = !v.door && owns(v.actor, b)
	manager := !v.door && v.actor.Can(people.BookForOthers, p.Building.ID)
	subject := s.Mine || !b.Private && (manager || p.Workspace.ShowSubject)
	organizer := s.Mine || manager || !b.Private && p.Workspace.ShowOrganizer
	if subject {
		s.Subject, s.HasImage = b.Subject, b.HasImage && !b.Private
	}
	if organizer {
		if s.Organizer = b.OrganizerName; s.Organizer == "" {
			s.Organizer = b.OrganizerEmail
		}
		if b.Creator != b.Organizer {
			s.Creator = b.CreatorName
		}
	}
	if !v.door {
		s.MayChange = !s.Cancelled && reachable(b, p) && mayTouch(v.actor, b, p) == nil
		s.MayMove = s.MayChange && b.Hosted
	}
	return s
}

// reachable reports whether a booking can be changed at all from here.
func reachable(b store.Booking, p store.WorkspacePlace) bool {
	return b.Hosted || p.Writable && p.Resource == b.Resource
}

// owns reports whether the actor organises or made the booking.
func owns(a people.Actor, b store.Booking) bool {
	return a.Kind == people.KindAccount && a.Person != "" && (a.Person == b.Organizer || a.Person == b.Creator)
}

func discloseAll(v Viewer, list []store.Booking, p store.WorkspacePlace) []Shown {
	out := make([]Shown, len(list))
	for i, b := range list {
		out[i] = Disclose(v, b, p)
	}
	return out
}
