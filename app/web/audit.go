package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/when"
	"lintel/templates"
	"lintel/templates/ui"
)

const auditPath = "/settings/audit"

// auditMost bounds the lines of a file; a narrower span of days has the rest.
const auditMost = 100_000

// auditQuery reads what the address asks of the log. Days are those of the zone in which the page tells times.
func (s *Server) auditQuery(r *http.Request, v *visitor) audit.Query {
	q := r.URL.Query()
	zone := s.localTime(r, v, s.Now()).Location()
	out := audit.Query{Object: strings.TrimSpace(q.Get(ui.QuerySearch)), Limit: pageRows + 1}
	if group := q.Get("group"); slices.Contains(templates.AuditGroups(), group) {
		out.Group = group
	}
	if d, err := when.ParseDate(q.Get("from")); err == nil {
		out.From = d.Start(zone)
	}
	if d, err := when.ParseDate(q.Get("to")); err == nil {
		out.To = d.End(zone)
	}
	out.Before, _ = strconv.ParseInt(q.Get("before"), 10, 64) // what is no number is the newest page
	out.After, _ = strconv.ParseInt(q.Get("after"), 10, 64)
	return out
}

// auditPage shows who changed what.
func (s *Server) auditPage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	asked := s.auditQuery(r, v)
	lines, err := audit.Read(r.Context(), s.Store, v.Actor, asked)
	if err != nil {
		return err
	}
	more := len(lines) > pageRows // beyond this page, in the direction of reading
	if more && asked.After > 0 {
		lines = lines[1:]
	} else if more {
		lines = lines[:pageRows]
	}
	neighbour := func(name string, id int64) string {
		q := r.URL.Query()
		q.Del("before")
		q.Del("after")
		if name != "" {
			q.Set(name, strconv.FormatInt(id, 10))
		}
		return q.Encode()
	}
	view := templates.Audit{Table: ui.Table{
		ID: "audit-table", Caption: v.T("nav.audit"), Path: auditPath, Query: neighbour("", 0), Search: asked.Object, SearchLabel: v.T("audit.search"),
		CSV: auditPath + ".csv", Columns: templates.AuditTableColumns(v.Printer), NoMatch: len(lines) == 0, Filters: auditFilters(r, v, asked),
	}}
	if n := len(lines); n > 0 {
		if asked.After > 0 && more || asked.After == 0 && asked.Before > 0 {
			view.Table.Newer = auditPath + "?" + neighbour("after", lines[0].ID)
		}
		if asked.After > 0 || more {
			view.Table.Older = auditPath + "?" + neighbour("before", lines[n-1].ID)
		}
	}
	for _, l := range lines {
		view.Rows = append(view.Rows, s.auditRow(r, v, l))
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.AuditPage(sh, view) })
}

func auditFilters(r *http.Request, v *visitor, asked audit.Query) []ui.Filter {
	groups := []ui.Option{{Label: v.T("audit.all_groups")}}
	for _, g := range templates.AuditGroups() {
		groups = append(groups, ui.Option{Value: g, Label: v.T("audit.group_" + g)})
	}
	q := r.URL.Query()
	return []ui.Filter{
		{Name: "group", Label: v.T("audit.group"), Value: asked.Group, Options: groups},
		{Name: "from", Label: v.T("audit.from"), Value: q.Get("from"), Date: true},
		{Name: "to", Label: v.T("audit.to"), Value: q.Get("to"), Date: true},
	}
}

func (s *Server) auditRow(r *http.Request, v *visitor, l audit.Line) templates.AuditRow {
	at := s.localTime(r, v, l.At)
	row := templates.AuditRow{
		At: v.DateTime(at) + at.Format(":05"), Actor: v.auditActor(l), Action: v.auditAction(l.Action),
		Kind: v.textOr("audit.kind_"+l.ObjectKind, l.ObjectKind), Object: l.ObjectName,
		Path: auditPath + "?" + query(ui.QuerySearch, l.ObjectID),
	}
	switch {
	case l.Own:
		row.Kind, row.Object = "", v.T("audit.own_account")
	case l.ObjectName == "":
		row.Object, row.Nameless = shortID(l.ObjectID), true
	}
	return row
}

// shortID is as much of an id as tells two apart in a list.
func shortID(id string) string { return id[:min(8, len(id))] }

// auditActor names who did something: people by their pseudonym alone.
func (v *visitor) auditActor(l audit.Line) string {
	switch people.Kind(l.ActorKind) {
	case people.KindAccount:
		return v.T("audit.by_account", "Pseudonym", shortID(l.Actor))
	case people.KindSetup:
		return v.T("audit.by_setup")
	case people.KindJob:
		return v.T("audit.by_job")
	case people.KindDevice:
		return strings.TrimSpace(v.T("audit.kind_display") + " " + l.ActorName)
	case people.KindSystem:
		return strings.TrimSpace(v.T("audit.kind_system") + " " + l.ActorName)
	case people.KindToken:
		return strings.TrimSpace(v.T("audit.kind_key") + " " + l.ActorName)
	}
	return l.ActorKind + " " + l.Actor
}

// auditAction says an action in words.
func (v *visitor) auditAction(action string) string {
	return v.textOr("audit.do_"+strings.ReplaceAll(action, ".", "_"), action)
}

// textOr returns a text, or other where there is none.
func (v *visitor) textOr(key, other string) string {
	if said := v.T(key); said != key {
		return said
	}
	return other
}

// auditCSV is the log as a file.
func (s *Server) auditCSV(w http.ResponseWriter, r *http.Request, v *visitor) error {
	asked := s.auditQuery(r, v)
	asked.Limit = auditMost
	lines, err := audit.Export(r.Context(), s.Store, v.Actor, asked)
	if err != nil {
		return err
	}
	rows := [][]string{{"id", "time", "actor_kind", "actor", "action", "object_kind", "object_id", "object_name", "detail"}}
	for _, l := range lines {
		detail := ""
		if len(l.Detail) > 0 {
			b, err := json.Marshal(l.Detail)
			if err != nil {
				return err
			}
			detail = string(b)
		}
		rows = append(rows, []string{
			strconv.FormatInt(l.ID, 10), l.At.UTC().Format(time.RFC3339), l.ActorKind, l.Actor, l.Action, l.ObjectKind, l.ObjectID, l.ObjectName, detail,
		})
	}
	return sendCSV(w, "audit.csv", rows)
}
