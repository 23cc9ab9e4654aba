package web

import (
	"cmp"
	"strings"

	"lintel/app/calendars"
	"lintel/templates"
)

// The commands that the administrators of a booking system run before Lintel can use it, with the least rights that
// will do. They never keep subjects without keeping the private flag too (Set-CalendarProcessing).
const (
	keepSubjects = `Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited |
  Set-CalendarProcessing -DeleteSubject $false -AddOrganizerToSubject $false -RemovePrivateProperty $false -DeleteAttachments $false`

	folderRights = `foreach ($room in Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited) {
  $calendar = (Get-MailboxFolderStatistics $room.Identity -FolderScope Calendar | Where-Object { $_.FolderType -eq 'Calendar' }).Name
  Add-MailboxFolderPermission -Identity "$($room.PrimarySmtpAddress):\$calendar" -User {account} -AccessRights Editor
}`

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

// guide tells what has to be prepared in a booking system, with what was typed so far put into the commands.
func (v *visitor) guide(kind string, c calendars.Connection) []templates.GuidePart {
	part := func(name, where, commands string) templates.GuidePart {
		p := templates.GuidePart{Title: v.T("guide." + kind + "_" + name), Text: v.T("guide." + kind + "_" + name + "_text"), Commands: commands}
		if where != "" {
			p.Where = v.T("guide.where_" + where)
		}
		return p
	}
	switch kind {
	case "ews":
		account := shellWord(accountName(c.Username), "svc-rooms")
		put := strings.NewReplacer("{account}", account)
		server := shellWord(strings.TrimPrefix(hostOf(c.URL), "*"), "mail.example.com")
		return []templates.GuidePart{
			part("account", "exchange", "New-Mailbox -Name "+account+" -UserPrincipalName "+account+"@<domain> -Password (Read-Host -AsSecureString)"),
			part("folder", "exchange", put.Replace(folderRights)),
			part("impersonation", "exchange", put.Replace(impersonation)),
			part("keep", "exchange", keepSubjects),
			part("lists", "exchange", roomList),
			part("spn", "domain", "setspn -Q HTTP/"+server),
		}
	case "graph":
		put := strings.NewReplacer("{client}", shellWord(c.Settings["client_id"], "<application id>"))
		keep := part("scope", "online", put.Replace(onlineScope))
		subjects := templates.GuidePart{
			Title: v.T("guide.ews_keep"), Text: v.T("guide.ews_keep_text"), Commands: keepSubjects, Where: v.T("guide.where_online"),
		}
		return []templates.GuidePart{part("register", "", ""), keep, part("certificate", "", ""), subjects, part("places", "", "")}
	case "google":
		return []templates.GuidePart{
			part("account", "", ""), part("share", "", ""),
			part("delegate", "", "https://www.googleapis.com/auth/admin.directory.resource.calendar.readonly"),
		}
	case "connector":
		return []templates.GuidePart{part("user", "", "")}
	case "push":
		return []templates.GuidePart{part("key", "", "")}
	}
	return nil
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
