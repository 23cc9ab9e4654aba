package web

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/templates"
)

// The commands that the administrators of a booking system run before Lintel can use it, with the least rights that
// will do. They never keep subjects without keeping the private flag too (Set-CalendarProcessing).
//
// {account} and the like are replaced by what was typed, or by a placeholder in angle brackets. No shell takes one of
// those: a block that still has one is a single statement, so that it is refused as a whole and never runs half. For the
// same reason no placeholder stands within quotes.
const (
	// keepFlags belong together: subjects that are kept without the private flag would stand at the door.
	keepFlags = `-DeleteSubject $false -AddOrganizerToSubject $false -RemovePrivateProperty $false -DeleteAttachments $false`

	keepSubjects = `Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited |
  Set-CalendarProcessing ` + keepFlags

	newAccount = `New-Mailbox -Name {name} -UserPrincipalName {logon} -Password (Read-Host -AsSecureString)`

	folderRights = `foreach ($room in Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited) {
  $calendar = (Get-MailboxFolderStatistics $room.Identity -FolderScope Calendar | Where-Object { $_.FolderType -eq 'Calendar' }).Name
  Add-MailboxFolderPermission -Identity "$($room.PrimarySmtpAddress):\$calendar" -User {account} -AccessRights Editor
}`

	onBehalf = `Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited | Set-Mailbox -GrantSendOnBehalfTo @{ Add = {account} }`

	impersonation = `New-ManagementScope -Name 'Lintel rooms' -RecipientRestrictionFilter "RecipientTypeDetails -eq 'RoomMailbox'" |
  ForEach-Object { New-ManagementRoleAssignment -Name $_.Name -Role ApplicationImpersonation -User {account} -CustomRecipientWriteScope $_.Name }`

	roomList = `New-DistributionGroup -Name 'Rooms' -RoomList
Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited | ForEach-Object { Add-DistributionGroupMember -Identity 'Rooms' -Member $_.PrimarySmtpAddress }`

	askName      = `setspn -Q {spn}`
	registerName = `setspn -S {spn} {holder}`

	onlineKnown = `New-ServicePrincipal -AppId {client} -ObjectId {object} -DisplayName 'Lintel'`

	onlineRooms = `New-ManagementScope -Name 'Lintel rooms' -RecipientRestrictionFilter "RecipientTypeDetails -eq 'RoomMailbox'" |
  ForEach-Object { New-ManagementRoleAssignment -Name $_.Name -App {client} -Role 'Application Calendars.ReadWrite' -CustomResourceScope $_.Name }`

	onlineInviter = `New-ManagementScope -Name 'Lintel invitations' -RecipientRestrictionFilter {filter} |
  ForEach-Object { New-ManagementRoleAssignment -Name $_.Name -App {client} -Role 'Application Calendars.ReadWrite' -CustomResourceScope $_.Name }`

	onlineTest = `Test-ServicePrincipalAuthorization -Identity {client} -Resource {mailbox} | Format-Table RoleName, AllowedResourceScope, InScope`

	scopeRooms     = "https://www.googleapis.com/auth/admin.directory.resource.calendar.readonly"
	scopeCalendars = "https://www.googleapis.com/auth/calendar.events"
)

// guidance is a guide in the making.
type guidance struct {
	v     *visitor
	c     calendars.Connection
	parts []templates.GuidePart
}

// guide tells what has to be prepared in a booking system, with what was typed so far put into the commands. Steps
// that the choices made so far don't need are left out.
func (v *visitor) guide(kind string, c calendars.Connection) []templates.GuidePart {
	g := &guidance{v: v, c: c}
	switch kind {
	case "ews":
		g.exchange()
	case "graph":
		g.microsoft()
	case "google":
		g.google()
	case "caldav":
		g.step("caldav_user", "")
		g.step("caldav_share", "")
	case "ics":
		g.step("ics_publish", "")
	case "connector":
		g.step("connector_user", "")
	case people.PushedKind:
		g.step("push_key", "after_saving")
	}
	return g.parts
}

// step adds a part, with blocks to copy. only is "" for what everybody needs.
func (g *guidance) step(name, only string, blocks ...templates.GuideBlock) {
	p := templates.GuidePart{Title: g.v.T("guide." + name), Text: g.v.T("guide." + name + "_text"), Blocks: blocks}
	if only != "" {
		p.Only = g.v.T("guide.only_" + only)
	}
	g.parts = append(g.parts, p)
}

// warn adds a warning to the last step.
func (g *guidance) warn(name string) { g.parts[len(g.parts)-1].Warning = g.v.T("guide." + name) }

// block is what is run, or entered, by itself; pairs are names in it and what takes their place.
func (g *guidance) block(where, commands string, pairs ...string) templates.GuideBlock {
	b := templates.GuideBlock{Where: g.v.T("guide.where_" + where), Commands: strings.NewReplacer(pairs...).Replace(commands)}
	for _, name := range templates.Placeholders(b.Commands) {
		means := templates.Placeholder{Name: name, Means: g.v.T("guide.put_" + strings.ReplaceAll(strings.Trim(name, "<>"), "-", "_"))}
		if !slices.Contains(b.Replace, means) {
			b.Replace = append(b.Replace, means)
		}
	}
	return b
}

// chosen reports whether a choice is open, or fell on one of these.
func (g *guidance) chosen(name string, values ...string) bool {
	return g.c.Value(name) == "" || slices.Contains(values, g.c.Value(name))
}

func (g *guidance) exchange() {
	user := g.c.Value("username")
	account := quoted(user, "<account>")
	logon := "<logon-name>"
	if strings.Contains(user, "@") {
		logon = quoted(user, logon)
	}
	g.step("ews_account", "", g.block("exchange", newAccount, "{name}", quoted(accountName(user), "<name>"), "{logon}", logon))
	if g.chosen("access", "folder") {
		g.step("ews_folder", "folder", g.block("exchange", folderRights, "{account}", account))
		g.step("ews_on_behalf", "optional", g.block("exchange", onBehalf, "{account}", account))
	}
	if g.chosen("access", "impersonation") {
		g.step("ews_impersonation", "impersonation", g.block("exchange", impersonation, "{account}", account))
	}
	if g.chosen("access", "folder", "impersonation") {
		g.step("ews_keep", "", g.block("exchange", keepSubjects))
	}
	g.step("ews_lists", "optional", g.block("exchange", roomList))
	if g.chosen("auth", "kerberos") {
		spn := "HTTP/" + shellWord(hostOf(g.c.URL), "<host>")
		if service, host, ok := strings.Cut(g.c.Value("spn"), "/"); ok && shellWord(service, "") != "" && shellWord(host, "") != "" {
			spn = service + "/" + host
		}
		g.step("ews_spn", "kerberos",
			g.block("domain", askName, "{spn}", spn),
			g.block("domain_missing", registerName, "{spn}", spn, "{holder}", "<exchange-account>"))
		g.warn("ews_spn_warning")
	}
}

func (g *guidance) microsoft() {
	client := shellWord(g.c.Value("client_id"), "<application-id>")
	g.step("graph_register", "")
	g.step("graph_known", "", g.block("online", onlineKnown, "{client}", client, "{object}", "<object-id>"))
	g.step("graph_scope", "", g.block("online", onlineRooms, "{client}", client))
	if g.chosen("booking", "invite") {
		filter := "<filter>"
		if box := g.c.Value("account"); box != "" && quoted(box, "") != "" {
			filter = `"PrimarySmtpAddress -eq ` + quoted(box, "") + `"`
		}
		g.step("graph_inviter", "invite", g.block("online", onlineInviter, "{client}", client, "{filter}", filter))
	}
	g.step("graph_test", "",
		g.block("online_room", onlineTest, "{client}", client, "{mailbox}", "<room>"),
		g.block("online_person", onlineTest, "{client}", client, "{mailbox}", quoted(g.c.Value("normal_mailbox"), "<person>")))
	if g.chosen("auth", "certificate") {
		g.step("graph_certificate", "after_saving")
	}
	g.step("ews_keep", "", g.block("online", keepSubjects))
	g.step("graph_places", "optional")
}

// google asks for no more delegation than the connector uses: the scope of the directory where it acts for a user to list
// the rooms, that of calendars where it books by invitation or reads the rooms as that user.
func (g *guidance) google() {
	g.step("google_account", "")
	if g.chosen("calendars_as", "service") {
		g.step("google_share", "")
	}
	if g.chosen("calendars_as", "subject") {
		g.step("google_share_user", "as_user")
	}
	g.step("google_directory", "optional")
	rooms, calendar := g.block("scope_rooms", scopeRooms), g.block("scope_calendars", scopeCalendars)
	both := g.block("scope_both", scopeRooms+","+scopeCalendars)
	open := g.c.Value("booking") == "" && g.c.Value("calendars_as") == ""
	switch acts := g.c.Value("booking") == "invite" || g.c.Value("calendars_as") == "subject"; {
	case open:
		g.step("google_delegate", "optional", rooms, calendar, both)
	case acts && g.c.Value("subject") != "":
		g.step("google_delegate", "", both)
	case acts:
		g.step("google_delegate", "", calendar, both)
	default:
		g.step("google_delegate", "optional", rooms)
		return
	}
	g.warn("google_delegate_warning")
}

// quoted is s as a word of PowerShell that nothing is replaced in, or the placeholder where it can't be one.
func quoted(s, placeholder string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsPrint(r) || strings.ContainsRune("'‘’‚‛\"“”„`$<>", r)
	}) {
		return placeholder
	}
	return "'" + s + "'"
}

// accountName is the name of a Windows account without its domain.
func accountName(user string) string {
	if _, name, ok := strings.Cut(user, `\`); ok {
		return name
	}
	name, _, _ := strings.Cut(user, "@")
	return name
}

// hostOf is the host of what was typed as an address.
func hostOf(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	host, _, _ := strings.Cut(address, "/")
	name, _, _ := strings.Cut(host, ":")
	return name
}

// shellWord is s when it can stand in a command as it is, else the example: what was typed must never become more
// than one word of a command that an administrator pastes.
func shellWord(s, example string) string {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)) {
			return example
		}
	}
	return cmp.Or(s, example)
}
