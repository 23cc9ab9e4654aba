package templates

import (
	"github.com/a-h/templ"

	"lintel/templates/ui"
)

func roleOptions(sh ui.Shell) []ui.Option {
	var out []ui.Option
	for _, role := range []string{"administrator", "workspace_manager", "booking_manager", "user", "auditor"} {
		out = append(out, ui.Option{Value: role, Label: sh.T("role." + role), Help: sh.T("role." + role + "_help")})
	}
	return out
}

func peopleSamples() []sample {
	page := func(name string, page func(ui.Shell) templ.Component) sample { return sample{name: name, page: page} }
	bare := func(name string, page func(ui.Shell) templ.Component) sample {
		return sample{name: name, page: page, bare: true}
	}
	list := func(sh ui.Shell) People {
		return People{Table: ui.Table{ID: "people", Caption: sh.T("people.list"), Path: "/settings/people", Columns: PeopleTableColumns(sh.Printer), Sort: "name", SearchLabel: sh.T("people.search"), Total: sh.N("people.total", 4), CSV: "/settings/people.csv"}, Rows: []PersonRow{
			{ID: "1", Name: "Anna Keller", Login: "anna", Email: "anna@example.ch", Roles: []string{"Administrator"}, Seen: "just now", You: true},
			{ID: "2", Name: "Luca Bernasconi", Login: "luca", Email: "luca@example.ch", Roles: []string{"Booking manager · Bern", "User"}, Seen: "3 h ago"},
			{ID: "3", Name: "Reto Ammann", Login: "reto", Roles: []string{"Auditor"}, Disabled: true},
		}}
	}
	buildings := []ui.Option{{Label: "All buildings"}, {Value: "be", Label: "Bern"}}
	person := func(sh ui.Shell) Person {
		return Person{ID: "2", Name: "Luca Bernasconi", Email: "luca@example.ch", Login: "luca", Roles: roleOptions(sh), Buildings: buildings, Grants: []Grant{{Value: "booking_manager:be", Label: "Booking manager", Where: "Bern"}, {Value: "user:", Label: "User", Where: "all buildings"}}, HasLogin: true, Seen: "3 h ago"}
	}
	account := Account{Name: "Anna Keller", Login: "anna", Email: "anna@example.ch", Roles: []string{"Administrator"}, Language: "de", Sessions: []Session{
		{ID: "a", What: "Firefox on Windows", Address: "10.0.1.5", Seen: "just now", Present: true},
		{ID: "b", What: "Safari on iPhone", Address: "10.0.9.77", Seen: "2 days ago"},
	}}
	wrong := account
	wrong.Errors = ui.Errors{"present": "This is not your present password.", "": "The password was not changed."}
	return []sample{
		page("people", func(sh ui.Shell) templ.Component { return PeoplePage(sh, list(sh)) }),
		page("person", func(sh ui.Shell) templ.Component { return PersonPage(sh, person(sh)) }),
		page("person-disable", func(sh ui.Shell) templ.Component { return DisablePersonPage(sh, person(sh)) }),
		page("person-disabled", func(sh ui.Shell) templ.Component {
			v := person(sh)
			v.Disabled, v.Grants, v.HasLogin, v.Errors = true, nil, false, ui.Errors{"roles": "This is the last administrator."}
			return PersonPage(sh, v)
		}),
		page("person-you", func(sh ui.Shell) templ.Component {
			v := person(sh)
			v.You, v.Seen = true, ""
			return PersonPage(sh, v)
		}),
		page("person-new", func(sh ui.Shell) templ.Component {
			return PersonPage(sh, Person{Roles: roleOptions(sh), Role: "user", Buildings: buildings, Login: "anna", Errors: ui.Errors{"login": "This sign-in name is taken. Choose another one."}})
		}),
		page("person-link", func(sh ui.Shell) templ.Component {
			return ResetLinkPage(sh, ResetLink{ID: "2", Name: "Luca Bernasconi", Link: "https://rooms.example.com/password/kJ2m9vX4Qw8Zr1Lt6Yb3Ns7Pd5Fh0GckJ2m9vX4Qw8", Until: "22 Nov 2026, 14:05"})
		}),
		page("account", func(sh ui.Shell) templ.Component { return AccountPage(sh, account) }),
		page("account-wrong", func(sh ui.Shell) templ.Component { return AccountPage(sh, wrong) }),
		bare("set-password", func(sh ui.Shell) templ.Component {
			return SetPasswordPage(sh, SetPassword{Token: "t", Name: "Luca Bernasconi", Login: "luca", Errors: ui.Errors{"again": sh.T("account.again_wrong")}})
		}),
		bare("link-sign-in", func(sh ui.Shell) templ.Component {
			return UseLinkPage(sh, UseLink{Name: "Anna Keller", Token: "t", Action: "/link"})
		}),
		bare("link-over", func(sh ui.Shell) templ.Component { return LinkOverPage(sh, LinkOver{SignIn: true}) }),
		bare("link-over-setup", func(sh ui.Shell) templ.Component { return LinkOverPage(sh, LinkOver{Setup: true}) }),
		bare("link-over-done", func(sh ui.Shell) templ.Component {
			return LinkOverPage(sh, LinkOver{Setup: true, Done: true, SignIn: true})
		}),
		page("error-403", func(sh ui.Shell) templ.Component { return ErrorPage(sh, Error{Status: 403}) }),
		page("error-404", func(sh ui.Shell) templ.Component { return ErrorPage(sh, Error{Status: 404}) }),
		bare("error-429", func(sh ui.Shell) templ.Component { return ErrorPage(sh, Error{Status: 429}) }),
		bare("error-500", func(sh ui.Shell) templ.Component { return ErrorPage(sh, Error{Status: 500, Request: "4f1c9b2a"}) }),
		bare("error-503", func(sh ui.Shell) templ.Component { return ErrorPage(sh, Error{Status: 503}) }),
		page("error-409", func(sh ui.Shell) templ.Component {
			return ErrorPage(sh, Error{Status: 409, Text: "Somebody else changed this meanwhile.", Back: "/bookings"})
		}),
	}
}

func systemSamples() []sample {
	good := SystemInfo{
		Sentence: "1 thing needs a person.", State: ui.Soon, StateWord: "Attention",
		Checks: []ui.CheckStep{
			{State: ui.Good, Name: "Database", Said: "intact, 41 MB, last checked 3 h ago"},
			{State: ui.Good, Name: "Disk", Said: "212 GB free"},
			{State: ui.Warn, Name: "Key file", Said: "lies in the data folder", Cure: "Move it to a systemd credential, so that a copy of the folder does not open the secrets.", Run: "systemctl edit lintel"},
		},
		Listeners:    []Listener{{Name: "Portal", Address: "0.0.0.0:8443", URL: "https://rooms.example.com", TLS: "local certificate authority"}, {Name: "Displays", Address: "0.0.0.0:8444", URL: "https://rooms.example.com:8444", TLS: "local certificate authority"}},
		Certificates: []Certificate{{Names: "rooms.example.com, 10.0.0.5", Issuer: "Lintel local authority", Until: "3 Mar 2027", Left: "in 102 days", State: ui.Free, Word: "Valid"}, {Names: "old.example.com", Issuer: "Example Internal CA", Until: "25 Nov 2026", Left: "in 4 days", State: ui.Soon, Word: "Expires soon"}},
		Root:         true, Fingerprint: "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08",
		Destinations: []Destination{{Host: "cloud.example.ch", Port: "443", Purpose: "Nextcloud", First: "1 Nov 2026", Last: "just now", Count: 84211}},
		Jobs:         []Job{{Name: "Retention", Last: "14 h ago", Took: "38 ms", Next: "in 10 h", State: ui.Free, Word: "Good"}, {Name: "Certificates", State: ui.Busy, Word: "Failed", Last: "3 min ago", Error: "The directory did not answer."}},
		Program:      []ui.Fact{{Key: "Version", Value: "0.1.0"}, {Key: "Started", Value: "2 days ago"}, {Key: "Data folder", Value: "/var/lib/lintel"}},
	}
	return []sample{
		{name: "system", page: func(sh ui.Shell) templ.Component { return SystemInfoPage(sh, good) }},
		{name: "system-plain", page: func(sh ui.Shell) templ.Component {
			return SystemInfoPage(sh, SystemInfo{Sentence: sh.T("system.good"), State: ui.Free, StateWord: sh.T("check.good")})
		}},
	}
}
