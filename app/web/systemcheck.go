package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/connectors"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// Checks of booking systems, step by step, and what cures a failure.

// hint is what a cure's command needs to know of a system.
type hint struct {
	kind, user, client string
	address            string // of the room; may be ""
}

func hintOf(y store.System, address string) hint {
	return hint{kind: y.Kind, user: y.Username, client: y.Settings["client_id"], address: address}
}

// room is the room's address, followed by path, as one word of a PowerShell command.
func (h hint) room(path string) string {
	if mail := shellMail(h.address); mail != "" {
		return "'" + mail + path + "'"
	}
	return "<room>" + path
}

// command is what somebody can run against a failure; "" for nothing.
func (h hint) command(cure string) string {
	account := shellWord(accountName(h.user), "svc-rooms")
	switch {
	case h.kind == "ews" && (cure == "calendar.cure.auth" || cure == "calendar.cure.sign_in_unbound" || cure == "calendar.cure.kerberos_locked"):
		return "Get-ADUser " + account + " -Properties LockedOut,PasswordExpired,Enabled"
	case h.kind == "ews" && cure == "calendar.cure.ews_folder_permission":
		return "Add-MailboxFolderPermission -Identity " + h.room(`:\Calendar`) + " -User " + account + " -AccessRights Editor"
	case h.kind == "ews" && cure == "calendar.cure.ews_impersonation":
		return "Get-ManagementRoleAssignment -Role ApplicationImpersonation | Format-List RoleAssigneeName,CustomRecipientWriteScope"
	case h.kind == "graph" && (cure == "calendar.cure.graph_access" || cure == "calendar.cure.graph_read_only"):
		return "Test-ServicePrincipalAuthorization -Identity " + shellWord(h.client, "<application-id>") + " -Resource " + h.room("")
	case cure == "calendar.cure.graph_subjects" || cure == "calendar.cure.ews_subjects":
		return h.keepSubjects()
	}
	return ""
}

// keepSubjects lets a room keep subjects, never without the private flag.
func (h hint) keepSubjects() string {
	return "Set-CalendarProcessing -Identity " + h.room("") + " " + keepFlags
}

// subjectsCure is what helps against subjects that the booking system replaces.
func (v *visitor) subjectsCure(h hint) (cure, run string) {
	if h.kind == "ews" || h.kind == "graph" {
		return v.T("systems.cure_subjects_exchange"), h.keepSubjects()
	}
	return v.T("systems.cure_subjects"), ""
}

// checkSteps writes a report as a page shows it.
func (s *Server) checkSteps(r *http.Request, v *visitor, report connectors.Report, h hint) []ui.CheckStep {
	var out []ui.CheckStep
	failed := false
	for _, step := range report.Steps {
		line := ui.CheckStep{Name: v.T(step.Name), Raw: step.Said}
		switch step.State {
		case connectors.StepOK:
			line.State, line.Said, line.Raw = ui.Good, step.Said, ""
		case connectors.StepWarned:
			line.State = ui.Warn
		case connectors.StepFailed:
			line.State, line.Said, failed = ui.Bad, v.T("systems.step_failed"), true
		case connectors.StepSkipped:
			line.State, line.Said = ui.Waiting, v.T("systems.step_not_asked")
			switch {
			case failed:
				line.Said = v.T("systems.step_skipped")
			case step.Name == "calendar.check.sign_in" && !report.OK():
				line.Said = v.T("systems.step_unproved")
			}
		}
		switch {
		case step.Name == "calendar.check.trust" && line.State == ui.Warn:
			line.Said, line.Raw = v.T("systems.without_tls"), ""
		default:
			if words := s.stepWords(r, v, step); words != "" {
				line.Said, line.Raw = words, ""
			}
		}
		if step.Cure != "" {
			line.Cure, line.Run = v.T(step.Cure), h.command(step.Cure)
		}
		if step.Took >= time.Millisecond {
			line.Took = v.Duration(step.Took)
		}
		out = append(out, line)
	}
	return out
}

// stepWords is what a step tells in words of ours rather than the system's, in the visitor's language; "" for all else.
func (s *Server) stepWords(r *http.Request, v *visitor, step connectors.Step) string {
	switch step.Name {
	case "calendar.check.wait":
		if until, err := time.Parse(time.RFC3339, step.Said); err == nil {
			return v.T("systems.step_wait", "Time", s.when(r, v, until))
		}
	case "calendar.check.pushed":
		if last, err := time.Parse(time.RFC3339, step.Said); err == nil {
			return v.T("systems.step_pushed", "Time", s.when(r, v, last))
		}
	case "calendar.check.clock":
		if skew, err := time.ParseDuration(step.Said); err == nil {
			return v.skew(skew)
		}
	case "calendar.check.room", "calendar.check.settings":
		return v.rights(step.Said)
	}
	return ""
}

// skew says how far a system's clock is ahead of ours.
func (v *visitor) skew(d time.Duration) string {
	switch {
	case d > 0:
		return v.T("systems.clock_ahead", "Duration", v.Duration(d))
	case d < 0:
		return v.T("systems.clock_behind", "Duration", v.Duration(-d))
	}
	return v.T("systems.clock_same")
}

// rights says what connectors found in a room: a way of access, what it allows, or both. It is "" for other words.
func (v *visitor) rights(said string) string {
	if access, found, both := strings.Cut(said, ": "); both {
		if way, rights := v.rights(access), v.rights(found); way != "" && rights != "" {
			return rights + " (" + way + ")"
		}
		return ""
	}
	switch said {
	case "read, write":
		return v.T("systems.read_write")
	case "read":
		return v.T("systems.read_only")
	case "none":
		return v.T("systems.no_rights")
	case "folder", "impersonation", "free_busy": // Exchange's
		return v.T("systems.option_access_" + said)
	}
	return ""
}

// failure is what the engine met, as a step that failed.
func (v *visitor) failure(kind, said string, h hint) ui.CheckStep {
	cure := connectors.CureOf(&connectors.Error{Kind: connectors.Kind(kind)})
	return ui.CheckStep{
		State: ui.Bad, Name: v.T("systems.last_try"), Said: v.T("systems.step_failed"), Raw: said, Cure: v.T(cure), Run: h.command(cure),
	}
}

// checkSystem walks through a connection step by step.
func (s *Server) checkSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.runCheck(w, r, v, false)
}

// writeTest does so and makes a test booking, too.
func (s *Server) writeTest(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.runCheck(w, r, v, true)
}

func (s *Server) runCheck(w http.ResponseWriter, r *http.Request, v *visitor, write bool) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	room, err := roomToCheck(st, r.PostFormValue("room"))
	if err != nil {
		return err
	}
	options := calendars.CheckOptions{Address: room.Address, Write: write}
	if _, err := s.Calendars.Check(r.Context(), v.Actor, st.System.ID, calendars.Connection{}, options); err != nil {
		return err
	}
	if fragment(r) {
		return s.systemCardPart(w, r, v)
	}
	return s.redirect(w, r, systemsPath+"/"+string(st.System.ID))
}

// roomToCheck is the room that was chosen, else the one of which a check tells most. It is zero where there is none.
func roomToCheck(st calendars.Status, chosen string) (store.Resource, error) {
	if st.System.Kind == people.PushedKind || len(st.Rooms) == 0 {
		return store.Resource{}, nil
	}
	if chosen == "" {
		r, _ := st.RoomToCheck()
		return r, nil
	}
	for _, room := range st.Rooms {
		if string(room.Resource.Workspace) == chosen {
			return room.Resource, nil
		}
	}
	return store.Resource{}, problem.New(problem.NotFound, "systems.not_attached")
}

// askWriteTest asks before a test booking is made, and in which room.
func (s *Server) askWriteTest(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	view, err := s.systemView(r, v, st)
	if err != nil {
		return err
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.WriteTestPage(sh, view) })
}

// shellMail is s when it is a mail address that can stand between quotes in a command as it is, else "".
func shellMail(s string) string {
	local, domain, _ := strings.Cut(s, "@")
	if shellWord(local, "") == "" || shellWord(domain, "") == "" {
		return ""
	}
	return s
}
