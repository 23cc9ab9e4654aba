// Package demo makes a believable sample building whose agenda moves with the clock, and virtual
// displays that poll the real device endpoints over HTTP.
package demo

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"lintel/app/when"
	"lintel/store"
)

// Building is the sample building as it was made.
type Building struct {
	ID    store.BuildingID
	Zone  *time.Location
	Rooms []Room
}

// Room is one sample room.
type Room struct {
	ID    store.WorkspaceID
	Name  string
	Pulse int // minutes by which a room with two-minute calls is shifted; -1 = ordinary meetings
}

// rooms of the sample building; the two phone boxes turn over every two minutes.
var rooms = []struct {
	floor     int
	name      string
	kind      store.WorkspaceKind
	seats     int
	equipment []string
	pulse     int
	titles    bool
}{
	{0, "Matterhorn", store.Room, 12, []string{"Screen", "Video"}, -1, true},
	{0, "Säntis", store.Room, 6, []string{"Screen", "Whiteboard"}, -1, true},
	{0, "Rigi", store.Room, 4, []string{"Screen"}, -1, true},
	{0, "Pilatus", store.Room, 8, []string{"Video"}, -1, true},
	{0, "Eiger", store.Room, 20, []string{"Stage", "Screen", "Microphones"}, -1, true},
	{0, "Phone box 1", store.Room, 1, nil, 0, true},
	{1, "Aare", store.Room, 10, []string{"Video", "Screen"}, -1, false},
	{1, "Limmat", store.Room, 6, []string{"Whiteboard"}, -1, true},
	{1, "Reuss", store.Room, 6, []string{"Screen"}, -1, true},
	{1, "Rhône", store.Room, 14, []string{"Screen", "Video", "Whiteboard"}, -1, true},
	{1, "Ticino", store.Room, 4, nil, -1, true},
	{1, "Phone box 2", store.Room, 1, nil, 1, true},
}

// Build makes the organisation, the building, its floors and rooms in an empty store. It is open from
// 00 to 24 every day, so that there is something to see at any hour.
func Build(ctx context.Context, st *store.Store, zone *time.Location) (Building, error) {
	b := Building{ID: store.NewID[store.BuildingID](), Zone: zone}
	err := st.Update(ctx, func(tx *store.Tx) error {
		floors := []store.Floor{
			{ID: store.NewID[store.FloorID](), BuildingID: b.ID, Name: "Ground floor", Level: 0},
			{ID: store.NewID[store.FloorID](), BuildingID: b.ID, Name: "First floor", Level: 1},
		}
		all := store.WeekdaysOf(time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday)
		var hours []store.OpeningSpan
		for d := time.Sunday; d <= time.Saturday; d++ {
			hours = append(hours, store.OpeningSpan{Weekday: d, Opens: 0, Closes: 24 * 60})
		}
		err := errors.Join(
			tx.SetOrganisation(store.Organisation{Name: "Alpine Instruments", Language: "en"}),
			tx.InsertBuilding(store.Building{
				ID: b.ID, Name: "Zürich office", Street: "Seestrasse 12", Postcode: "8002", City: "Zürich", Country: "CH",
				Zone: zone.String(), Language: "en", WorkingDays: all, HostedRetention: store.RetainMidnight,
			}),
			tx.SetOpeningHours(b.ID, hours),
			tx.InsertFloor(floors[0]), tx.InsertFloor(floors[1]))
		for _, r := range rooms {
			id := store.NewID[store.WorkspaceID]()
			err = errors.Join(err, tx.InsertWorkspace(store.Workspace{
				ID: id, FloorID: floors[r.floor].ID, Kind: r.kind, Name: r.name, Seats: r.seats, Equipment: r.equipment,
				ShowSubject: r.titles, ShowOrganizer: r.titles, Bookable: true,
			}))
			b.Rooms = append(b.Rooms, Room{ID: id, Name: r.name, Pulse: r.pulse})
		}
		return err
	})
	if err != nil {
		return b, fmt.Errorf("make the sample building: %w", err)
	}
	return b, nil
}

var (
	people = []string{
		"Anna Keller", "Luca Bernasconi", "Chloé Favre", "Jonas Müller", "Sofia Rossi", "Noah Meier",
		"Élodie Rochat", "Matteo Bianchi", "Lea Zimmermann", "Tim Brunner", "Nina Weber", "Marc Dubois",
	}
	subjects = []string{
		"Quarterly planning", "Design review", "Sales stand-up", "Supplier visit: Müller & Söhne", "1:1", "Team weekly",
		"Interview", "Budget", "Product demo", "Retrospective", "Project Aurora: kick-off with all departments", "Training",
	}
)

// horizonDays is how many days ahead the sample agenda reaches; a tick keeps it so.
const horizonDays = 8

// Fill adds what is missing of the sample agenda around the store's clock: ordinary meetings for whole days,
// short calls for the next hour. It returns the rooms that changed. What people book is left alone: a
// meeting that would overlap is left out.
func (b Building) Fill(ctx context.Context, st *store.Store) ([]store.WorkspaceID, error) {
	var changed []store.WorkspaceID
	err := st.Update(ctx, func(tx *store.Tx) error {
		today := when.DayOf(tx.Now(), b.Zone)
		for _, r := range b.Rooms {
			before := len(changed)
			var meetings []meeting
			if r.Pulse >= 0 {
				meetings = calls(tx.Now(), r)
			} else {
				for d := range horizonDays {
					meetings = append(meetings, day(today.Add(d), b.Zone, r)...)
				}
			}
			added, err := b.add(tx, r, meetings)
			if err != nil {
				return err
			}
			if added && len(changed) == before {
				changed = append(changed, r.ID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("fill the sample agenda: %w", err)
	}
	return changed, nil
}

// meeting is one sample booking.
type meeting struct {
	token    string
	from, to time.Time
	subject  string
	person   string
	private  bool
}

// calls are two minutes of talk and two minutes of silence, for an hour from now.
func calls(now time.Time, r Room) []meeting {
	const turn = 4 * time.Minute
	start := now.Truncate(turn).Add(time.Duration(r.Pulse) * time.Minute)
	var out []meeting
	for at := start.Add(-turn); at.Before(now.Add(time.Hour)); at = at.Add(turn) {
		n := int(at.Unix() / int64(turn/time.Second))
		out = append(out, meeting{
			token: fmt.Sprintf("demo-call-%d", at.Unix()), from: at, to: at.Add(turn / 2),
			subject: "Call", person: people[(n+r.Pulse)%len(people)],
		})
	}
	return out
}

// day is a room's meetings of one local day: about every other half hour taken, the same at each call.
func day(d when.Date, zone *time.Location, r Room) []meeting {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s", r.Name, d)
	seed := h.Sum64()
	next := func(n int) int {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int(seed>>33) % n
	}
	var out []meeting
	for minute := next(4) * 15; minute < 24*60-15; {
		length := 15 * (1 + next(6))
		from := when.Wall{Date: d, Minute: minute}.In(zone)
		to := when.Wall{Date: d, Minute: min(minute+length, 24*60-15)}.In(zone)
		if to.After(from) {
			out = append(out, meeting{
				token: fmt.Sprintf("demo-%s-%d", d, minute), from: from, to: to,
				subject: subjects[next(len(subjects))], person: people[next(len(people))], private: next(8) == 0,
			})
		}
		minute += length + 15*next(7)
	}
	return out
}

// add stores the meetings that are not there yet and returns whether there were any.
func (b Building) add(tx *store.Tx, r Room, meetings []meeting) (bool, error) {
	if len(meetings) == 0 {
		return false, nil
	}
	there, err := tx.Agenda(r.ID, meetings[0].from, meetings[len(meetings)-1].to)
	if err != nil {
		return false, err
	}
	taken := func(m meeting) bool {
		for _, v := range there {
			if v.From.Before(m.to) && v.To.After(m.from) {
				return true
			}
		}
		return false
	}
	added := false
	for _, m := range meetings {
		if taken(m) {
			continue
		}
		// Somebody may have cancelled it: then it stays so.
		if _, err := tx.BookingByToken(r.ID, m.token); err == nil {
			continue
		} else if !errors.Is(err, store.ErrNotFound) {
			return added, err
		}
		p, err := tx.FindOrCreatePerson(m.person, "")
		if err != nil {
			return added, err
		}
		err = tx.InsertBooking(store.Booking{
			ID: store.NewID[store.BookingID](), Workspace: r.ID, Hosted: true, From: m.from, To: m.to,
			FromWall: when.WallOf(m.from, b.Zone), ToWall: when.WallOf(m.to, b.Zone), Zone: b.Zone.String(),
			Private: m.private, Source: store.FromDemo, Token: m.token, Subject: m.subject, Organizer: p, Creator: p,
		})
		if err != nil {
			return added, err
		}
		added = true
	}
	return added, nil
}
