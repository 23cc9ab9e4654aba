package web

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lintel/app/calendars"
	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/google"
	"lintel/connectors/google/googletest"
	"lintel/connectors/outbound"
	"lintel/templates"
	"lintel/templates/text"
)

func guideOf(kind string, c calendars.Connection) []templates.GuidePart {
	return (&visitor{Printer: text.For("en")}).guide(kind, c)
}

func settings(pairs ...string) calendars.Connection {
	c := calendars.Connection{Settings: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		switch pairs[i] {
		case "url":
			c.URL = pairs[i+1]
		case "username":
			c.Username = pairs[i+1]
		default:
			c.Settings[pairs[i]] = pairs[i+1]
		}
	}
	return c
}

// commandsOf are all blocks of a guide.
func commandsOf(parts []templates.GuidePart) []string {
	var out []string
	for _, p := range parts {
		for _, b := range p.Blocks {
			out = append(out, b.Commands)
		}
	}
	return out
}

// delegation is the step of Google's guide that names scopes.
func delegation(t *testing.T, c calendars.Connection) templates.GuidePart {
	t.Helper()
	title := text.For("en").T("guide.google_delegate")
	for _, p := range guideOf("google", c) {
		if p.Title == title {
			return p
		}
	}
	t.Fatal("the guide names no scopes")
	return templates.GuidePart{}
}

// With the scopes that the guide names first for a choice, and with nothing else, the connector can do all that it does
// with that choice; without any one of them it can't.
func TestGoogleGuideNamesTheScopes(t *testing.T) {
	t.Parallel()
	const subject, inviter, room = "admin@example.com", "booker@example.com", "c_1888@resource.calendar.google.com"
	for name, c := range map[string]calendars.Connection{
		"rooms listed":                     settings("subject", subject, "calendars_as", "service", "booking", "direct"),
		"read as the user":                 settings("subject", subject, "calendars_as", "subject", "booking", "direct"),
		"invitations of another":           settings("subject", subject, "calendars_as", "service", "booking", "invite", "inviter", inviter),
		"invitations of the user":          settings("subject", subject, "calendars_as", "service", "booking", "invite"),
		"invitations, no list":             settings("calendars_as", "service", "booking", "invite", "inviter", inviter),
		"invitations and read as the user": settings("subject", subject, "calendars_as", "subject", "booking", "invite", "inviter", inviter),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scopes := strings.Split(delegation(t, c).Blocks[0].Commands, ",")
			// faults are the steps that find one when these scopes are delegated.
			faults := func(scopes []string) []string {
				s := googletest.Start(googletest.Options{Delegated: map[string][]string{subject: scopes, inviter: scopes}}, time.Now)
				t.Cleanup(s.Close)
				s.AddRoom(room, "Rigi", "Europe/Zurich")
				s.AddUser(subject)
				s.AddUser(inviter)
				out, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: time.Now})
				must(t, err)
				conn, err := google.New(out, google.Config{
					Key: secret.New(s.Key()), Subject: c.Settings["subject"], AsSubject: c.Settings["calendars_as"] == "subject",
					Invite: c.Settings["booking"] == "invite", Inviter: c.Settings["inviter"], Now: time.Now, PerSecond: 2000,
					Roots: google.Roots{Calendar: s.CalendarURL(), Directory: s.DirectoryURL(), Token: s.TokenURL()},
				})
				must(t, err)
				t.Cleanup(func() { _ = conn.Close() })
				var found []string
				for _, step := range conn.Check(t.Context(), connectors.CheckRequest{Room: connectors.Room{ID: room, Zone: time.UTC}, Write: true}).Steps {
					if step.State != connectors.StepOK && step.Name != "calendar.check.trust" { // the fake does not encrypt
						found = append(found, step.Name+" "+step.Cure)
					}
				}
				return found
			}
			if found := faults(scopes); len(found) > 0 {
				t.Errorf("%q with the scopes that the guide names: %q", found, scopes)
			}
			for i, one := range scopes {
				if len(faults(slices.Delete(slices.Clone(scopes), i, i+1))) == 0 {
					t.Errorf("nothing needs %s", one)
				}
			}
		})
	}
}

// Nobody is asked to delegate calendars who needs it for nothing; before anything is chosen the guide says what each
// choice takes. The Admin SDK API is named, without which no room is listed.
func TestGoogleGuideFollowsTheChoices(t *testing.T) {
	t.Parallel()
	plain := delegation(t, settings("calendars_as", "service", "booking", "direct"))
	if len(plain.Blocks) != 1 || plain.Blocks[0].Commands != googletest.ScopeRooms || plain.Only == "" || plain.Warning != "" {
		t.Errorf("without invitations: %+v", plain)
	}
	invites := delegation(t, settings("calendars_as", "service", "booking", "invite", "inviter", "a@example.com"))
	if invites.Only != "" || invites.Warning == "" {
		t.Errorf("invitations need it, and somebody has to know what it opens: %+v", invites)
	}
	open := delegation(t, calendars.Connection{})
	want := []string{googletest.ScopeRooms, googletest.ScopeWrite, googletest.ScopeRooms + "," + googletest.ScopeWrite}
	if got := commandsOf([]templates.GuidePart{open}); !slices.Equal(got, want) || open.Warning == "" {
		t.Errorf("before a choice: %q", got)
	}
	titles := func(c calendars.Connection) (all string) {
		for _, p := range guideOf("google", c) {
			all += p.Title + ": " + p.Text + "\n"
		}
		return all
	}
	share, user := text.For("en").T("guide.google_share")+":", text.For("en").T("guide.google_share_user")+":"
	for as, own := range map[string][2]bool{"": {true, true}, "service": {true, false}, "subject": {false, true}} {
		said := titles(settings("calendars_as", as, "booking", "direct", "subject", "a@example.com"))
		if strings.Contains(said, share) != own[0] || strings.Contains(said, user) != own[1] {
			t.Errorf("read as %q: %s", as, said)
		}
		if !strings.Contains(said, "admin.googleapis.com") {
			t.Errorf("read as %q: nobody turns on the API that lists rooms", as)
		}
	}
}

// A room is proved to be in scope and a person out of it, and the mailbox that invites gets a scope of its own.
func TestMicrosoftGuide(t *testing.T) {
	t.Parallel()
	const app = "8d6f0c1e-0000-4000-8000-1234567890ab"
	all := strings.Join(commandsOf(guideOf("graph", settings("client_id", app, "booking", "invite", "account", "lintel@example.com", "normal_mailbox", "anna@example.com"))), "\n")
	for _, want := range []string{
		"New-ServicePrincipal -AppId " + app + " -ObjectId <object-id>",
		"-Identity " + app + " -Resource <room>",
		"-Identity " + app + " -Resource 'anna@example.com'",
		`-RecipientRestrictionFilter "RecipientTypeDetails -eq 'RoomMailbox'"`,
		`-RecipientRestrictionFilter "PrimarySmtpAddress -eq 'lintel@example.com'"`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
	if strings.Contains(all, "<application-id>") || strings.Contains(all, "<person>") {
		t.Errorf("what was typed is to be typed again:\n%s", all)
	}
	direct := strings.Join(commandsOf(guideOf("graph", settings("client_id", app, "booking", "direct", "account", "lintel@example.com"))), "\n")
	if strings.Contains(direct, "PrimarySmtpAddress") || !strings.Contains(direct, "-Resource <person>") {
		t.Errorf("nobody is let into more than rooms without invitations:\n%s", direct)
	}
	roles := regexp.MustCompile(`-Role '([^']*)' -CustomResourceScope`).FindAllStringSubmatch(all, -1)
	if len(roles) != 2 || strings.Count(all, "New-ManagementRoleAssignment") != 2 {
		t.Errorf("a role without a scope, or none: %q", roles)
	}
	for _, role := range roles {
		if role[1] != "Application Calendars.ReadWrite" {
			t.Errorf("role %s", role[1])
		}
	}
}

// The name of the server is asked for before it is registered, and each with the name that Lintel will ask for.
func TestKerberosGuide(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		typed calendars.Connection
		spn   string
	}{
		"host":            {settings("auth", "kerberos", "url", "mail.example.com"), "HTTP/mail.example.com"},
		"address":         {settings("auth", "kerberos", "url", "https://mail.example.com:444/EWS/Exchange.asmx"), "HTTP/mail.example.com"},
		"name of its own": {settings("auth", "kerberos", "url", "mail.example.com", "spn", "HTTP/ex.example.com"), "HTTP/ex.example.com"},
		"a mail address":  {settings("auth", "kerberos", "url", "rigi@example.com"), "HTTP/<host>"},
		"two words":       {settings("auth", "kerberos", "url", "mail.example.com", "spn", "HTTP/a & calc"), "HTTP/mail.example.com"},
		"nothing":         {settings(), "HTTP/<host>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts := guideOf("ews", c.typed)
			last := parts[len(parts)-1]
			want := []string{"setspn -Q " + c.spn, "setspn -S " + c.spn + " <exchange-account>"}
			if got := commandsOf([]templates.GuidePart{last}); !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
			if last.Warning == "" {
				t.Error("nothing warns of a name on two accounts")
			}
		})
	}
	for _, command := range commandsOf(guideOf("ews", settings("auth", "ntlm"))) {
		if strings.Contains(command, "setspn") {
			t.Error("a name is asked for that nothing uses")
		}
	}
}

// What was typed stands in the commands, as it signs in, and never as more than one word.
func TestGuideTakesWhatWasTyped(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string][]string{
		`EXAMPLE\svc-rooms`:     {"-Name 'svc-rooms' -UserPrincipalName <logon-name>", `-User 'EXAMPLE\svc-rooms' -AccessRights`, `@{ Add = 'EXAMPLE\svc-rooms' }`},
		"svc-rooms@example.com": {"-Name 'svc-rooms' -UserPrincipalName 'svc-rooms@example.com'", "-User 'svc-rooms@example.com' -CustomRecipientWriteScope"},
		"Säle":                  {"-Name 'Säle' -UserPrincipalName <logon-name>"},
		"":                      {"-Name <name> -UserPrincipalName <logon-name>", "-User <account> -AccessRights", "@{ Add = <account> }"},
	} {
		all := strings.Join(commandsOf(guideOf("ews", settings("username", typed))), "\n")
		for _, command := range want {
			if !strings.Contains(all, command) {
				t.Errorf("%q: no %s in\n%s", typed, command, all)
			}
		}
	}
	for _, evil := range []string{"a'; Remove-Mailbox x; '", "a’; calc; ‘", "$(calc)", "`id`", "x\ny", `a"b`, "<account>|calc"} {
		c := settings("username", evil, "url", evil, "spn", "HTTP/"+evil, "client_id", evil, "account", evil, "normal_mailbox", evil, "subject", evil)
		for _, kind := range []string{"ews", "graph", "google"} {
			for _, command := range commandsOf(guideOf(kind, c)) {
				if strings.Contains(command, evil) {
					t.Errorf("%s: %s", kind, command)
				}
			}
		}
	}
}

// A command that is copied with a placeholder in it is refused as a whole: it is one statement, and no placeholder stands
// within quotes, where a shell would take it as it is. Each placeholder is explained, once.
func TestPlaceholdersRunNothing(t *testing.T) {
	t.Parallel()
	quotes := regexp.MustCompile(`'[^']*'|"[^"]*"`)
	seen := map[string]bool{}
	for _, kind := range []string{"ews", "graph", "google", "caldav", "ics", "connector"} {
		for _, part := range guideOf(kind, calendars.Connection{}) {
			for _, b := range part.Blocks {
				var names []string
				for _, p := range b.Replace {
					names = append(names, p.Name)
					seen[p.Name] = true
					if strings.HasPrefix(p.Means, "guide.") {
						t.Errorf("%s: %s is not explained", kind, p.Name)
					}
				}
				there := templates.Placeholders(b.Commands)
				slices.Sort(there)
				slices.Sort(names)
				if !slices.Equal(slices.Compact(there), names) {
					t.Errorf("%s: %q explained of %q", kind, names, there)
				}
				if strings.Count(b.Commands, "<") != len(templates.Placeholders(b.Commands)) {
					t.Errorf("%s: a placeholder that nothing marks: %s", kind, b.Commands)
				}
				if len(there) == 0 {
					continue
				}
				if n := statements(b.Commands); n != 1 {
					t.Errorf("%s: %d statements, of which some run: %s", kind, n, b.Commands)
				}
				if bare := templates.Placeholders(quotes.ReplaceAllString(b.Commands, "")); len(slices.Compact(slices.Sorted(slices.Values(bare)))) != len(names) {
					t.Errorf("%s: a placeholder within quotes: %s", kind, b.Commands)
				}
			}
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %q were looked at", slices.Sorted(maps.Keys(seen)))
	}
}

// statements counts those of PowerShell: a line goes on after a pipe and within braces.
func statements(commands string) int {
	n, depth := 0, 0
	for line := range strings.Lines(commands) {
		line = strings.TrimSpace(line)
		depth += strings.Count(line, "{") - strings.Count(line, "}")
		if depth == 0 && !strings.HasSuffix(line, "|") {
			n++
		}
	}
	return n
}
