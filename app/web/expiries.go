package web

import (
	"net/http"

	"github.com/a-h/templ"

	"lintel/app/expiry"
	"lintel/app/people"
	"lintel/templates"
	"lintel/templates/ui"
)

const expiriesPath = "/settings/system/expiring"

// nearness is how near an end is, as a state.
func (v *visitor) nearness(l expiry.Level) (ui.State, string) {
	switch l {
	case expiry.Over:
		return ui.Busy, v.T("expiry.over")
	case expiry.Last, expiry.Near:
		return ui.Busy, v.T("expiry.urgent")
	case expiry.Soon:
		return ui.Soon, v.T("expiry.soon")
	case expiry.Notice:
		return ui.Unknown, v.T("expiry.notice")
	default:
		return ui.Free, v.T("check.good")
	}
}

// expiriesPage lists everything that runs out.
func (s *Server) expiriesPage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	items, err := s.Expiry.List(r.Context())
	if err != nil {
		return err
	}
	var view templates.Expiries
	for _, i := range items {
		line := templates.ExpiryLine{What: v.T(i.What), Of: i.Name, Until: v.Date(s.localTime(r, v, i.At)), Left: s.left(v, i)}
		line.State, line.Word = v.nearness(i.Level(s.Now()))
		switch {
		case i.Fault != "":
			line.Said = v.T("expiry.fault", "Said", i.Fault)
			if line.State == ui.Free {
				line.State, line.Word = ui.Soon, v.T("check.warn")
			}
		case i.Renews:
			line.Said = v.T("expiry.renews")
		}
		line.Path, line.Link = v.expiryCure(i)
		view.Lines = append(view.Lines, line)
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.ExpiriesPage(sh, view) })
}

// left is how far the end of something is, or how long ago it was.
func (s *Server) left(v *visitor, i expiry.Item) string {
	if left := i.At.Sub(s.Now()); left > 0 {
		return v.In(left)
	}
	return s.ago(v, i.At)
}

// expiryCure is where something is renewed; "" for what this visitor can't open.
func (v *visitor) expiryCure(i expiry.Item) (path, link string) {
	manages := v.Can(people.ManageSystems, "")
	switch {
	case i.Kind == expiry.System && manages:
		return systemsPath + "/" + i.ID, v.T("expiry.link_system")
	case i.Kind == expiry.AccessKey && manages:
		return "/settings/keys", v.T("expiry.link_key")
	case i.Kind == expiry.System || i.Kind == expiry.AccessKey:
		return "", ""
	}
	return "/settings/system", v.T("expiry.link_certificate")
}

// expiryAlerts tells those who can act of what ends within 30 days: one line, or one that leads to the list. The portal's
// own certificates have a line of their own.
func (s *Server) expiryAlerts(r *http.Request, v *visitor) []ui.Alert {
	items, err := s.Expiry.List(r.Context())
	if err != nil {
		s.Log.ErrorContext(r.Context(), "read what runs out", "err", err)
		return nil
	}
	var near []expiry.Item
	for _, i := range items {
		if i.Level(s.Now()) >= expiry.Soon && (i.Kind == expiry.System || i.Kind == expiry.AccessKey) {
			near = append(near, i)
		}
	}
	if len(near) == 0 {
		return nil
	}
	first := near[0]
	a := ui.Alert{Broken: first.Level(s.Now()) == expiry.Over, Path: expiriesPath, Link: v.T("alert.expiring_link")}
	if len(near) > 1 {
		a.Title = v.N("alert.expiring", len(near), "Left", s.left(v, first))
		return []ui.Alert{a}
	}
	key := "alert.expires"
	if a.Broken {
		key = "alert.expired"
	}
	a.Title = v.T(key, "What", v.T(first.What), "Name", first.Name, "Left", s.left(v, first))
	a.Path, a.Link = v.expiryCure(first)
	return []ui.Alert{a}
}
