package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"lintel/app/calendars"
	"lintel/app/expiry"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// The certificate that Lintel signs in with, and its successor: made, uploaded by an administrator, tried, used.

// certificateOf is what a system's page shows of it; nil where there is none, or for those who may not see it.
func (s *Server) certificateOf(r *http.Request, v *visitor, st calendars.Status) (*templates.SystemCertificate, error) {
	if st.System.Kind != "graph" || !v.Can(people.ManageSystems, "") {
		return nil, nil
	}
	current, next, err := s.Calendars.Certificates(r.Context(), v.Actor, st.System.ID)
	if err != nil || current == nil {
		return nil, err
	}
	view := &templates.SystemCertificate{System: string(st.System.ID), Name: st.System.Name, Current: s.publicPart(r, v, current)}
	if next == nil {
		return view, nil
	}
	public := s.publicPart(r, v, next)
	view.Next = &public
	if k, ok := s.tries.get(st.System.ID); ok {
		view.Tried, view.Steps = s.when(r, v, k.at), s.checkSteps(r, v, k.report, hintOf(st.System, k.address))
	}
	return view, nil
}

func (s *Server) publicPart(r *http.Request, v *visitor, c *calendars.Certificate) templates.PublicCertificate {
	out := templates.PublicCertificate{
		Thumbprint: c.SHA1, SHA256: c.SHA256, PEM: string(c.PEM),
		From: v.Date(s.localTime(r, v, c.From)), Until: v.Date(s.localTime(r, v, c.To)), Left: v.In(max(0, c.To.Sub(s.Now()))),
	}
	out.State, out.Word = v.nearness(expiry.Item{At: c.To}.Level(s.Now()))
	return out
}

// untilWords is the day on which something ends, and how far that is.
func (s *Server) untilWords(r *http.Request, v *visitor, at time.Time) string {
	return v.Date(s.localTime(r, v, at)) + ", " + v.In(max(0, at.Sub(s.Now())))
}

// certificateFile is the public part as a file.
func (s *Server) certificateFile(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	current, next, err := s.Calendars.Certificates(r.Context(), v.Actor, st.System.ID)
	if err != nil {
		return err
	}
	file := r.PathValue("file")
	for name, c := range map[string]*calendars.Certificate{"current": current, "next": next} {
		if c == nil {
			continue
		}
		switch file {
		case name + ".cer":
			return download(w, "lintel-"+c.SHA1[:8]+".cer", "application/pkix-cert", c.CER)
		case name + ".pem":
			return download(w, "lintel-"+c.SHA1[:8]+".pem", "application/x-pem-file", c.PEM)
		}
	}
	return store.ErrNotFound
}

// download answers with a file.
func download(w http.ResponseWriter, name, mediaType string, content []byte) error {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	_, _ = w.Write(content) // whoever asked may be gone
	return nil
}

// backToCertificate leads to the part of the page where it stands.
func (s *Server) backToCertificate(w http.ResponseWriter, r *http.Request, v *visitor, id store.SystemID, said string) error {
	return s.done(w, r, v, systemsPath+"/"+string(id)+"#certificate", said)
}

func (s *Server) makeSuccessor(w http.ResponseWriter, r *http.Request, v *visitor) error {
	id := store.SystemID(r.PathValue("id"))
	_, next, err := s.Calendars.Certificates(r.Context(), v.Actor, id)
	if err != nil {
		return err
	}
	if next != nil { // asked for twice: the one that may be uploaded already stays
		return s.backToCertificate(w, r, v, id, v.T("certificate.said_made"))
	}
	if err := s.Calendars.MakeSuccessor(r.Context(), v.Actor, id); err != nil {
		return err
	}
	s.tries.drop(id)
	return s.backToCertificate(w, r, v, id, v.T("certificate.said_made"))
}

func (s *Server) trySuccessor(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	room, err := roomToCheck(st, "")
	if err != nil {
		return err
	}
	report, err := s.Calendars.TrySuccessor(r.Context(), v.Actor, st.System.ID, room.Address)
	if err != nil {
		return err
	}
	s.tries.put(st.System.ID, check{at: s.Now(), report: report, room: room.WorkspaceName, address: room.Address})
	return s.redirect(w, r, systemsPath+"/"+string(st.System.ID)+"#certificate")
}

// askSuccessor asks before the successor takes over, or goes.
func (s *Server) askSuccessor(page func(ui.Shell, templates.SystemCertificate) templ.Component) handler {
	return func(w http.ResponseWriter, r *http.Request, v *visitor) error {
		st, err := s.status(r)
		if err != nil {
			return err
		}
		view, err := s.certificateOf(r, v, st)
		if err != nil {
			return err
		}
		if view == nil || view.Next == nil {
			return problem.New(problem.NotFound, "systems.no_successor")
		}
		return s.show(w, r, v, func(sh ui.Shell) templ.Component { return page(sh, *view) })
	}
}

func (s *Server) useSuccessor(w http.ResponseWriter, r *http.Request, v *visitor) error {
	id := store.SystemID(r.PathValue("id"))
	if err := s.Calendars.UseSuccessor(r.Context(), v.Actor, id); err != nil {
		return err
	}
	s.tries.drop(id)
	return s.backToCertificate(w, r, v, id, v.T("certificate.said_used"))
}

func (s *Server) dropSuccessor(w http.ResponseWriter, r *http.Request, v *visitor) error {
	id := store.SystemID(r.PathValue("id"))
	if err := s.Calendars.DropSuccessor(r.Context(), v.Actor, id); err != nil {
		return err
	}
	s.tries.drop(id)
	return s.backToCertificate(w, r, v, id, v.T("certificate.said_dropped"))
}
