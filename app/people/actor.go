// Package people is about who may do what: actors, roles and permissions, accounts and their
// sign-in. Every method that changes something takes an Actor.
package people

import (
	"lintel/app/problem"
	"lintel/store"
)

// Kind says what sort of actor did something.
type Kind string

// The kinds of actors.
const (
	KindAccount Kind = "account" // a signed-in person
	KindDevice  Kind = "device"  // a display or panel
	KindToken   Kind = "token"   // a program with an access token
	KindJob     Kind = "job"     // a background job of ours
	KindSystem  Kind = "system"  // a booking system that tells us of a change
	KindSetup   Kind = "setup"   // the holder of the one-time set-up link, or the command line
)

// Role is a named set of permissions. A person holds a role for everything or for one building.
type Role string

// The roles.
const (
	Administrator    Role = "administrator"
	WorkspaceManager Role = "workspace_manager"
	BookingManager   Role = "booking_manager"
	User             Role = "user"
	Auditor          Role = "auditor"
)

// Roles lists all roles in the order in which pages show them.
func Roles() []Role {
	return []Role{Administrator, WorkspaceManager, BookingManager, User, Auditor}
}

// The roles of programs. Nobody can be given them: a program has its own by its key.
const (
	programReads Role = "program_reads"
	programBooks Role = "program_books"
)

// Grant is a role for one building, or for everything when Building is "".
type Grant struct {
	Role     Role
	Building store.BuildingID
}

// Permission is one thing that an actor may do.
type Permission int

// The permissions. SeeRooms is what every signed-in person has.
const (
	SeeRooms       Permission = iota + 1 // places and agendas, as far as Disclose allows
	Book                                 // make bookings, change and cancel one's own
	BookForOthers                        // change and cancel anybody's bookings and see who made them
	ManagePlaces                         // buildings, floors, workspaces, opening hours
	ManageDisplays                       // approve, attach, configure, delete displays
	ManageSystems                        // booking systems and what they are attached to
	ManagePeople                         // accounts and roles
	SeeSystem                            // health, destinations, certificates
	ManageSystem                         // settings of the house, backups
	SeeAudit                             // the audit log and what is stored about people
)

// allowed is the whole table of rights.
func allowed(r Role, p Permission) bool {
	switch p {
	case SeeRooms:
		return true
	case Book:
		return r != Auditor && r != programReads
	case BookForOthers:
		return r == Administrator || r == BookingManager || r == programBooks
	case ManagePlaces, ManageDisplays:
		return r == Administrator || r == WorkspaceManager
	case SeeSystem, SeeAudit:
		return r == Administrator || r == Auditor
	case ManageSystems, ManagePeople, ManageSystem:
		return r == Administrator
	}
	return false
}

// Actor is who does something. The zero Actor may do nothing.
type Actor struct {
	Kind    Kind
	Account store.AccountID // of KindAccount
	Person  store.PersonID  // of KindAccount
	ID      string          // of the device, token, job or system
	Grants  []Grant         // of KindAccount and KindToken
}

// Job returns the actor of a background job.
func Job(name string) Actor { return Actor{Kind: KindJob, ID: name} }

// Setup returns the actor of the first set-up and of the command line: whoever can run commands
// on the server's own folder.
func Setup(id string) Actor { return Actor{Kind: KindSetup, ID: id} }

// Device returns the actor of a display or panel.
func Device(id store.DisplayID) Actor { return Actor{Kind: KindDevice, ID: string(id)} }

// Program returns the actor that a program with an access key is.
func Program(k store.AccessKey) Actor {
	a := Actor{Kind: KindToken, ID: string(k.ID)}
	switch {
	case k.Use != UseConnector:
	case k.MayBook:
		a.Grants = []Grant{{Role: programBooks, Building: k.Building}}
	default:
		a.Grants = []Grant{{Role: programReads, Building: k.Building}}
	}
	return a
}

// System returns the actor of a booking system.
func System(id store.SystemID) Actor { return Actor{Kind: KindSystem, ID: string(id)} }

// Can reports whether the actor may do p in a building; "" asks for everything. Jobs and the
// set-up may do everything; devices and systems nothing through permissions (what they may do is
// fixed where they come in).
func (a Actor) Can(p Permission, building store.BuildingID) bool {
	switch a.Kind {
	case KindJob, KindSetup:
		return true
	case KindAccount, KindToken:
	default:
		return false
	}
	for _, g := range a.Grants {
		if (g.Building == "" || g.Building == building) && allowed(g.Role, p) {
			return true
		}
	}
	return false
}

// CanAnywhere reports whether the actor may do p in at least one building.
func (a Actor) CanAnywhere(p Permission) bool {
	if a.Can(p, "") {
		return true
	}
	for _, g := range a.Grants {
		if (a.Kind == KindAccount || a.Kind == KindToken) && allowed(g.Role, p) {
			return true
		}
	}
	return false
}

// Need returns a Forbidden problem when the actor may not do p in the building.
func (a Actor) Need(p Permission, building store.BuildingID) error {
	if a.Can(p, building) {
		return nil
	}
	return problem.New(problem.Forbidden, "people.forbidden")
}

// Entry returns a line for the audit log. detail comes in pairs of name and value: ids, numbers and
// fixed words only, never a name, a subject or other free text.
func (a Actor) Entry(action, objectKind, objectID string, detail ...any) store.AuditEntry {
	e := store.AuditEntry{
		ActorKind: string(a.Kind), Actor: a.ID, Person: a.Person,
		Action: action, ObjectKind: objectKind, ObjectID: objectID,
	}
	for i := 0; i+1 < len(detail); i += 2 {
		if e.Detail == nil {
			e.Detail = map[string]any{}
		}
		name, _ := detail[i].(string)
		e.Detail[name] = detail[i+1]
	}
	return e
}
