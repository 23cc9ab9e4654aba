package web

import (
	"cmp"
	"slices"
	"strings"

	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/templates"
)

// The commands that the administrators of a booking system run before Lintel can use it, with the least rights that
// will do. They never keep subjects without keeping the private flag too (Set-CalendarProcessing).
const (
	// keepFlags belong together: subjects that are kept without the private flag would stand at the door.
	keepFlags = `-DeleteSubject $false -AddOrganizerToSubject $false -RemovePrivateProperty $false -DeleteAttachments $false`

	keepSubjects = `Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited |
  Set-CalendarProcessing ` + keepFlags

	folderRights = `foreach ($room in Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited) {
  $calendar = (Get-MailboxFolderStatistics $room.Identity -FolderScope Calendar | Where-Object { $_.FolderType -eq 'Calendar' }).Name
  Add-MailboxFolderPermission -Identity "$($room.PrimarySmtpAddress):\$calendar" -User {account} -AccessRights Editor
}`

	onBehalf = `Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited | Set-Mailbox -GrantSendOnBehalfTo @{ Add = '{account}' }`

	impersonation = `New-ManagementScope -Name 'Lintel rooms' -RecipientRestrictionFilter { RecipientTypeDetails -eq 'RoomMailbox' }
New-ManagementRoleAssignment -Name 'Lintel rooms' -Role ApplicationImpersonation -User {account} -CustomRecipientWriteScope 'Lintel rooms'`

	roomList = `New-DistributionGroup -Name 'Rooms' -RoomList
Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited | ForEach-Object { Add-DistributionGroupMember -Identity 'Rooms' -Member $_.PrimarySmtpAddress }`

	onlineScope = `Connect-ExchangeOnline
New-ServicePrincipal -AppId {client} -ObjectId <object id of the enterprise application> -DisplayName 'Lintel'
New-ManagementScope -Name 'Lintel rooms' -RecipientRestrictionFilter "RecipientTypeDetails -eq 'RoomMailbox'"
New-ManagementRoleAssignment -App {client} -Role 'Application Calendars.ReadWrite' -CustomResourceScope 'Lintel rooms'
Test-ServicePrincipalAuthorization -Identity {client} -Resource <a room's address>`
)

// guide tells what has to be prepared in a booking system, with what was typed so far put into the commands. Steps
// that the choices made so far don't need are left out.
func (v *visitor) guide(kind string, c calendars.Connection) []templates.GuidePart {
	part := func(name, where, only, commands string) templates.GuidePart {
		p := templates.GuidePart{Title: v.T("guide." + name), Text: v.T("guide." + name + "_text"), Commands: commands}
		if where != "" {
			p.Where = v.T("guide.where_" + where)
		}
		if only != "" {
			p.Only = v.T("guide.only_" + only)
		}
		return p
	}
	// chosen reports whether a choice is open, or fell on one of these.
	chosen := func(name string, values ...string) bool {
		return c.Settings[name] == "" || slices.Contains(values, c.Settings[name])
	}
	var parts []templates.GuidePart
	add := func(needed bool, p templates.GuidePart) {
		if needed {
			parts = append(parts, p)
		}
	}
	switch kind {
	case "ews":
		account := shellWord(accountName(c.Username), "svc-rooms")
		put := strings.NewReplacer("{account}", account)
		server := shellWord(hostOf(c.URL), "mail.example.com")
		add(true, part("ews_account", "exchange", "", "New-Mailbox -Name "+account+" -UserPrincipalName "+account+"@<domain> -Password (Read-Host -AsSecureString)"))
		add(chosen("access", "folder"), part("ews_folder", "exchange", "folder", put.Replace(folderRights)))
		add(chosen("access", "folder"), part("ews_on_behalf", "exchange", "optional", put.Replace(onBehalf)))
		add(chosen("access", "impersonation"), part("ews_impersonation", "exchange", "impersonation", put.Replace(impersonation)))
		add(chosen("access", "folder", "impersonation"), part("ews_keep", "exchange", "", keepSubjects))
		add(true, part("ews_lists", "exchange", "optional", roomList))
		add(chosen("auth", "kerberos"), part("ews_spn", "domain", "kerberos", "setspn -Q HTTP/"+server))
	case "graph":
		put := strings.NewReplacer("{client}", shellWord(c.Settings["client_id"], "<application id>"))
		add(true, part("graph_register", "", "", ""))
		add(true, part("graph_scope", "online", "", put.Replace(onlineScope)))
		add(chosen("auth", "certificate"), part("graph_certificate", "", "after_saving", ""))
		add(true, part("ews_keep", "online", "", keepSubjects))
		add(true, part("graph_places", "", "optional", ""))
	case "google":
		add(true, part("google_account", "", "", ""))
		add(true, part("google_share", "", "", ""))
		add(true, part("google_delegate", "scope", "optional", "https://www.googleapis.com/auth/admin.directory.resource.calendar.readonly"))
	case "caldav":
		add(true, part("caldav_user", "", "", ""))
		add(true, part("caldav_share", "", "", ""))
	case "ics":
		add(true, part("ics_publish", "", "", ""))
	case "connector":
		add(true, part("connector_user", "", "", ""))
	case people.PushedKind:
		add(true, part("push_key", "", "after_saving", ""))
	}
	return parts
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
