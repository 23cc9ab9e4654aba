package ews

import (
	"fmt"
	"strings"
)

// Command is something for the administrator of Exchange to run, in its management shell.
type Command struct {
	Key   string   // text key of what it is for, below "calendar.command."
	Lines []string // to be copied as they are
}

// Commands are what has to be run for a configuration, with the least rights that do, for these rooms. They
// contain no secret.
func Commands(cfg Config, rooms []string) []Command {
	account := cfg.Account
	if account == "" {
		account = "svc-lintel@example.com"
	}
	var each, settings []string
	for _, r := range rooms {
		// All four together: keeping subjects without keeping the private flag would show private subjects.
		settings = append(settings, fmt.Sprintf(`Set-CalendarProcessing -Identity %s -DeleteSubject $false -AddOrganizerToSubject $false -RemovePrivateProperty $false -DeleteAttachments $false`, quoted(r)))
	}
	processing := Command{"calendar.command.processing", settings}
	switch cfg.Access {
	case FreeBusy:
		return nil
	case Impersonation:
		return []Command{{"calendar.command.impersonation", []string{
			`New-ManagementScope -Name "Lintel rooms" -RecipientRestrictionFilter "RecipientTypeDetails -eq 'RoomMailbox'"`,
			fmt.Sprintf(`New-ManagementRoleAssignment -Name "Lintel" -Role ApplicationImpersonation -User %s -CustomRecipientWriteScope "Lintel rooms"`, quoted(account)),
		}}, processing}
	}
	var send []string
	for _, r := range rooms {
		each = append(each,
			fmt.Sprintf(`$calendar = (Get-MailboxFolderStatistics -Identity %s -FolderScope Calendar | Where-Object { $_.FolderType -eq 'Calendar' }).Name`, quoted(r)),
			fmt.Sprintf(`Add-MailboxFolderPermission -Identity "%s:\$calendar" -User %s -AccessRights Editor`, doubled(r), quoted(account)))
		send = append(send, fmt.Sprintf(`Set-Mailbox -Identity %s -GrantSendOnBehalfTo @{Add=%s}`, quoted(r), quoted(account)))
	}
	return []Command{{"calendar.command.folder", each}, {"calendar.command.send_on_behalf", send}, processing}
}

// quoted is a PowerShell string that means nothing but its text.
func quoted(s string) string { return `'` + strings.ReplaceAll(clean(s), `'`, `''`) + `'` }

// doubled is a text for within a PowerShell string in double quotes.
func doubled(s string) string {
	return strings.NewReplacer("`", "``", `"`, "`\"", "$", "`$").Replace(clean(s))
}

// clean drops what would end a line.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '\u2018' || r == '\u2019' || r == '\u201a' || r == '\u201b' || r == '\u201c' || r == '\u201d' || r == '\u201e' {
			return -1 // PowerShell takes typographic quotes for quotes
		}
		return r
	}, s)
}
