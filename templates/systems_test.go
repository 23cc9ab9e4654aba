package templates

import (
	"github.com/a-h/templ"

	"lintel/templates/ui"
)

func sampleSteps() []ui.CheckStep {
	return []ui.CheckStep{
		{State: ui.Good, Name: "Name and port", Said: "mail.example.ch answers at 443", Took: "4 ms"},
		{State: ui.Good, Name: "Certificate", Said: "issued by Example Internal CA, until 3 March 2027", Took: "11 ms"},
		{State: ui.Bad, Name: "Sign-in as svc-rooms", Said: "The server refused the password.", Raw: "401 Unauthorized", Cure: "The password is wrong, expired, or the account is locked. Have it reset, then enter the new one under Edit. Nothing is tried again until then, so that the account is not locked by us.", Run: "Get-ADUser svc-rooms -Properties LockedOut,PasswordExpired", Took: "38 ms"},
		{State: ui.Warn, Name: "Clock", Said: "3 min apart"},
		{State: ui.Waiting, Name: "Rights per room", Said: "waits for sign-in"},
	}
}

func sampleCards() []SystemCard {
	can := func(book bool) []Capability {
		return []Capability{{Label: "titles", On: true}, {Label: "book", On: book}, {Label: "release", On: book}}
	}
	return []SystemCard{
		{ID: "1", Name: "mail.example.ch", Kind: "caldav", State: ui.Busy, StateWord: "Failing since 13:40", Facts: []ui.Fact{{Key: "Last good answer", Value: "13:40, 25 min ago"}, {Key: "Rooms", Value: "28, of which 2 without rights"}, {Key: "Asked", Value: "every 30 s"}}, Can: can(true), Steps: sampleSteps(), Said: "It can’t be read at the moment.", Checked: "Checked at 14:02, with Matterhorn", MayManage: true},
		{ID: "2", Name: "Nextcloud", Kind: "caldav", State: ui.Free, StateWord: "Good, 20 s ago", Facts: []ui.Fact{{Key: "Last good answer", Value: "14:05"}, {Key: "Rooms", Value: "9"}, {Key: "Asked", Value: "every 30 s"}}, Can: can(true), MayManage: true},
		{ID: "3", Name: "Old calendar", Kind: "ics", State: ui.Soon, StateWord: "Reading for the first time", Facts: []ui.Fact{{Key: "Rooms", Value: "12"}}, Can: can(false), Progress: &ui.Progress{Label: "First reading", Said: "7 of 12 rooms", Done: 7, Total: 12}},
	}
}

func sampleFields() []SystemField {
	return []SystemField{
		{Field: ui.Field{Name: "url", Label: "Address", Value: "https://cloud.example.ch", Error: "This address has no host."}, Control: ControlInput, Group: "systems.group_where", Wide: true},
		{Field: ui.Field{Name: "auth", Label: "Sign-in", Value: "ntlm"}, Control: ControlSelect, Group: "systems.group_sign_in", Options: []ui.Option{{Value: "ntlm", Label: "NTLM"}, {Value: "kerberos", Label: "Kerberos"}}},
		{Field: ui.Field{Name: "realm", Label: "Realm"}, Control: ControlInput, Group: "systems.group_sign_in", When: "auth=kerberos"},
		{Field: ui.Field{Name: "ca", Label: "Certificate authority", Optional: true, Class: "textarea-code"}, Control: ControlArea, More: true},
	}
}

func sampleCertificate(next bool) *SystemCertificate {
	public := PublicCertificate{
		Thumbprint: "6D1F0A9C3E5B47A28C10D9E4F6B3A57C2E8D4F01", SHA256: "9B1C0D", From: "21 Nov 2026", Until: "21 Nov 2028", Left: "in 730 days",
		State: ui.Free, Word: "Good", PEM: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
	}
	c := &SystemCertificate{System: "1", Name: "Microsoft 365", Current: public}
	if next {
		c.Next, c.Tried, c.Steps = &public, "14:02", sampleSteps()
	}
	return c
}

func systemsSamples() []sample {
	page := func(name string, page func(ui.Shell) templ.Component) sample { return sample{name: name, page: page} }
	one := System{
		Card: sampleCards()[0], MayList: true, Found: true, Rooms: roomOptions(), Floors: []ui.Option{{Value: "g", Label: "Ground floor"}},
		Attached: []AttachedRoom{
			{ID: "matterhorn", Name: "Matterhorn", Address: "/calendars/rooms/matterhorn/", State: ui.Free, Word: "Good", LastOK: "20 s ago", Writable: true},
			{ID: "rigi", Name: "Rigi", Address: "/calendars/rooms/rigi/", State: ui.Busy, Word: "Failing since 13:40", Said: "The server does not let svc-rooms read this calendar.", Notes: []RoomNote{{Text: "Every subject is the organizer's name", Cure: "Change all of it together.", Run: "Set-CalendarProcessing -Identity 'rigi@example.com' -DeleteSubject $false"}, {Text: "3 events could not be read"}}, LastOK: "25 min ago"},
		},
		Check: roomOptions(), MayWrite: true,
		Abilities: []Ability{{Label: "Titles", Can: Yes}, {Label: "Extend", Can: Yes, Note: "The room's own copy alone changes."}, {Label: "Own picture", Can: No}},
		Calendars: []Calendar{{Name: "Aare", Address: "/calendars/rooms/aare/", Writable: true, Room: RoomMake}, {Name: "Limmat", Address: "/calendars/rooms/limmat/"}},
	}
	feed := System{Card: sampleCards()[2], Rooms: roomOptions(), Attach: AttachForm{Errors: ui.Errors{"address": "This is not a web address."}}}
	feed.Card.MayManage, feed.Card.Progress.Total = true, 0
	ask := one
	ask.Found = false
	none := one
	none.Calendars = nil
	signed := one
	signed.Certificate = sampleCertificate(false)
	following := one
	following.Certificate = sampleCertificate(true)
	untried := sampleCertificate(true)
	untried.Tried = ""
	kinds := SystemKinds{
		Groups:    []KindGroup{{Title: "Calendar servers", Kinds: []string{"ews", "graph", "google", "caldav"}}, {Title: "Other sources", Kinds: []string{"ics", "connector", "push"}}},
		Abilities: []string{"Titles", "Book"}, Kinds: []KindRow{{"ews", []Answer{Perhaps, Yes}}, {"ics", []Answer{Yes, No}}},
	}
	return []sample{
		page("systems", func(sh ui.Shell) templ.Component {
			return SystemsPage(sh, Systems{Cards: sampleCards(), Rooms: 42, Hosted: HostedCard{Rooms: 5, Can: []Capability{{Label: "titles", On: true}}}, MayManage: true})
		}),
		page("systems-empty", func(sh ui.Shell) templ.Component { return SystemsPage(sh, Systems{MayManage: true}) }),
		page("system-card", func(sh ui.Shell) templ.Component { return SystemCardPart(sh, sampleCards()[2], true) }),
		page("system-page", func(sh ui.Shell) templ.Component { return SystemPage(sh, one) }),
		page("system-feed", func(sh ui.Shell) templ.Component { return SystemPage(sh, feed) }),
		page("system-ask", func(sh ui.Shell) templ.Component { return SystemPage(sh, ask) }),
		page("system-none", func(sh ui.Shell) templ.Component { return SystemPage(sh, none) }),
		page("system-kinds", func(sh ui.Shell) templ.Component {
			return SystemKindsPage(sh, kinds)
		}),
		page("system-new", func(sh ui.Shell) templ.Component {
			return SystemFormPage(sh, SystemForm{Kind: "ews", Fields: sampleFields(), Guide: []GuidePart{{Title: "Give the account rights on each room", Text: "Editor is enough.", Only: "optional", Warning: "Never twice.", Blocks: []GuideBlock{{Where: "Exchange Management Shell", Commands: "Add-MailboxFolderPermission room1:\\Calendar -User <account> -AccessRights Editor", Replace: []Placeholder{{Name: "<account>", Means: "the account"}}}}}}})
		}),
		page("system-edit", func(sh ui.Shell) templ.Component {
			return SystemFormPage(sh, SystemForm{ID: "1", Kind: "caldav", Name: "Nextcloud", Fields: sampleFields(), Steps: sampleSteps(), Errors: ui.Errors{"name": "Another booking system has this name."}})
		}),
		page("system-new-ics", func(sh ui.Shell) templ.Component {
			return SystemFormPage(sh, SystemForm{Kind: "ics", Errors: ui.Errors{"": "Not saved."}})
		}),
		page("system-certificate", func(sh ui.Shell) templ.Component { return SystemPage(sh, signed) }),
		page("system-successor", func(sh ui.Shell) templ.Component { return SystemPage(sh, following) }),
		page("system-successor-use", func(sh ui.Shell) templ.Component { return UseSuccessorPage(sh, *untried) }),
		page("system-successor-failed", func(sh ui.Shell) templ.Component { return UseSuccessorPage(sh, *following.Certificate) }),
		page("system-successor-drop", func(sh ui.Shell) templ.Component { return DropSuccessorPage(sh, *untried) }),
		page("system-write", func(sh ui.Shell) templ.Component { return WriteTestPage(sh, one) }),
		page("system-tried", func(sh ui.Shell) templ.Component { return TriedPart(sh, Tried{Steps: sampleSteps()[:2]}) }),
		page("system-tried-wrong", func(sh ui.Shell) templ.Component {
			return TriedPart(sh, Tried{Wrong: []TriedWrong{{Field: "password", Label: "Password", Said: "This is needed."}, {Said: "It does not answer."}}})
		}),
		page("expiries", func(sh ui.Shell) templ.Component {
			return ExpiriesPage(sh, Expiries{Lines: []ExpiryLine{
				{What: "Secret for signing in", Of: "Microsoft 365", Until: "27 Nov 2026", Left: "in 6 days", State: ui.Busy, Word: "Urgent", Path: "/settings/systems/1", Link: "Renew it"},
				{What: "Certificate of the portal", Of: "lintel.example.com", Until: "20 Dec 2026", Left: "in 29 days", State: ui.Soon, Word: "Soon", Said: "Its renewal fails: refused"},
			}})
		}),
		page("expiries-none", func(sh ui.Shell) templ.Component { return ExpiriesPage(sh, Expiries{}) }),
		page("system-delete", func(sh ui.Shell) templ.Component { return DeleteSystemPage(sh, one) }),
	}
}
