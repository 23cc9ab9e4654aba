package web

import (
	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/connectors"
	"lintel/templates"
)

// ability is one line of the tables of what booking systems can do. Its texts are below "systems.able_", short ones for
// cards below "systems.can_".
type ability struct {
	key  string
	caps connectors.Caps
	card bool // stands on the cards of the list
}

// titles is not a capability of its own: it is there unless only free and busy times come.
const titles = "titles"

func abilities() []ability {
	return []ability{
		{titles, connectors.CapRead, true},
		{"book", connectors.CapBook, true},
		{"extend", connectors.CapSetEnd, true},
		{"release", connectors.CapRelease, true},
		{"mark", connectors.CapMark, false},
		{"image", connectors.CapImage, true},
		{"watch", connectors.CapWatch, false},
		{"conflict", connectors.CapServerConflict, false},
	}
}

// hostedCaps is what Lintel's own calendar can do: everything.
const hostedCaps = connectors.CapRead | connectors.CapBook | connectors.CapSetEnd | connectors.CapRelease | connectors.CapMark |
	connectors.CapWatch | connectors.CapServerConflict

func (a ability) in(caps connectors.Caps) bool {
	return caps.Has(a.caps) && (a.key != titles || !caps.Has(connectors.CapFreeBusyOnly))
}

// capsOf is what a connected system can do. One without a connector, as its agendas are pushed or it can't be opened,
// has what its kind always has.
func capsOf(st calendars.Status) connectors.Caps {
	if st.Caps != 0 {
		return st.Caps
	}
	always, _ := calendars.Capabilities(st.System.Kind)
	return always
}

// tags are the short words of a card.
func (v *visitor) tags(caps connectors.Caps) []templates.Capability {
	var out []templates.Capability
	for _, a := range abilities() {
		if a.card {
			out = append(out, templates.Capability{Label: v.T("systems.can_" + a.key), On: a.in(caps)})
		}
	}
	return out
}

// abilitiesOf is what a connected system can do, with what that means at the door.
func (v *visitor) abilitiesOf(st calendars.Status) []templates.Ability {
	caps := capsOf(st)
	var out []templates.Ability
	for _, a := range abilities() {
		line := templates.Ability{Label: v.T("systems.able_" + a.key), Can: templates.No}
		if a.in(caps) {
			line.Can = templates.Yes
		}
		if note := abilityNote(a, st.System.Kind, caps); note != "" {
			line.Note = v.T(note, "Mailbox", st.System.Settings["account"]+st.System.Settings["inviter"])
		}
		out = append(out, line)
	}
	return out
}

// abilityNote is the text key of what an ability, or its lack, means; "" where the name says it all.
func abilityNote(a ability, kind string, caps connectors.Caps) string {
	can, copies := a.in(caps), caps.Has(connectors.CapCopyOnly)
	invites := caps.Has(connectors.CapInvite)
	switch a.key {
	case titles:
		if !can {
			return "systems.note_free_busy"
		}
	case "book":
		switch {
		case !can:
			return "systems.note_no_book"
		case invites:
			return "systems.note_invite"
		}
		return "systems.note_direct"
	case "extend":
		if can && copies {
			return "systems.note_copy_extend"
		}
	case "release":
		if can && copies {
			return "systems.note_copy_release"
		}
	case "mark":
		if can {
			return "systems.note_mark"
		}
		return "systems.note_no_mark"
	case "image":
		if can {
			return "systems.note_image"
		}
	case "watch":
		switch {
		case can:
			return "systems.note_watch"
		case kind == people.PushedKind:
			return "systems.note_pushed"
		}
		return "systems.note_no_watch"
	case "conflict":
		switch {
		case can:
			return "systems.note_conflict"
		case caps.Has(connectors.CapBook):
			return "systems.note_no_conflict"
		}
	}
	return ""
}

// kindsView is what can be connected, in groups, and what each kind can do.
func (s *Server) kindsView(v *visitor, hosted bool) templates.SystemKinds {
	known := map[string]bool{}
	for _, kind := range s.Calendars.Kinds() {
		known[kind] = true
	}
	var view templates.SystemKinds
	for _, a := range abilities() {
		view.Abilities = append(view.Abilities, v.T("systems.column_"+a.key))
	}
	group := func(title string, kinds ...string) {
		g := templates.KindGroup{Title: v.T(title)}
		for _, kind := range kinds {
			if known[kind] || kind == templates.KindHosted {
				g.Kinds = append(g.Kinds, kind)
				view.Kinds = append(view.Kinds, kindRow(kind))
			}
		}
		if len(g.Kinds) > 0 {
			view.Groups = append(view.Groups, g)
		}
	}
	group("systems.group_servers", "ews", "graph", "google", "caldav")
	group("systems.group_others", "ics", "connector", people.PushedKind)
	if hosted {
		group("systems.group_none", templates.KindHosted)
	} else {
		view.Kinds = append(view.Kinds, kindRow(templates.KindHosted))
	}
	return view
}

// kindRow is what a kind of system can do.
func kindRow(kind string) templates.KindRow {
	always, perhaps := calendars.Capabilities(kind)
	if kind == templates.KindHosted {
		always = hostedCaps
	}
	row := templates.KindRow{Kind: kind}
	for _, a := range abilities() {
		can := templates.No
		switch {
		case a.in(always) && !(a.key == titles && perhaps.Has(connectors.CapFreeBusyOnly)):
			can = templates.Yes
		case a.in(always) || (always | perhaps).Has(a.caps):
			can = templates.Perhaps
		}
		row.Can = append(row.Can, can)
	}
	return row
}
