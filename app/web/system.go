package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"lintel/store"
	"lintel/templates"
	"lintel/templates/text"
	"lintel/templates/ui"
)

// SystemFacts is the state of the program, for the System page.
type SystemFacts struct {
	Version   string
	Go        string
	DataDir   string
	Bytes     int64 // of both database files
	StartedAt time.Time

	Findings     []Finding // what was looked at, good or not
	Listeners    []Listener
	RootPEM      []byte // of the local authority; nil where there is none
	Fingerprint  string // SHA-256 of the root
	Jobs         []Job
	Destinations []store.Destination
}

// Finding is one thing that was looked at. Text and Cure are sentences.
type Finding struct {
	Level Level
	Check text.Said // a word or two
	Text  text.Said
	Cure  text.Said // zero where nothing is to be done
	Run   string    // a command beside the cure; "" for none
}

// Level says how bad a finding is.
type Level string

// The levels.
const (
	LevelOK   Level = "ok"
	LevelWarn Level = "warning"
	LevelFail Level = "failure"
)

// Listener is an address that is listened on.
type Listener struct {
	Device  bool   // of displays; otherwise the portal
	Address string // host:port
	URL     string // under which it is reached
	TLS     string // off, local-ca, files or acme
}

// Certificate is one that is shown to clients.
type Certificate struct {
	Names  []string
	Issuer string
	Until  time.Time
	Fault  string // why its renewal fails; "" when it does not
	Own    bool   // we renew it ourselves
}

// Job is a background job.
type Job struct {
	Name    text.Said
	LastRun time.Time // zero: none yet
	Took    time.Duration
	NextRun time.Time
	Err     string // "" when the last run went well
}

// expiring is how long before its end a certificate that somebody else renews needs a person.
const expiring = 30 * 24 * time.Hour

// bad reports whether a certificate needs a person, and whether it fails already.
func (c Certificate) bad(now time.Time) (needs, fails bool) {
	switch {
	case !now.Before(c.Until):
		return true, true
	case c.Fault != "":
		return true, false
	}
	return !c.Own && now.Add(expiring).After(c.Until), false
}

// systemPage shows the state of the program.
func (s *Server) systemPage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	facts, err := s.System(r.Context())
	if err != nil {
		return err
	}
	view := templates.SystemInfo{Root: len(facts.RootPEM) > 0, Fingerprint: facts.Fingerprint}
	worse, zone := 0, s.localTime(r, v, s.Now()).Location()
	for _, f := range facts.Findings {
		step := ui.CheckStep{State: ui.Good, Name: v.Say(f.Check, zone), Said: v.Say(f.Text, zone), Cure: v.Say(f.Cure, zone), Run: f.Run}
		switch f.Level {
		case LevelWarn:
			step.State = ui.Warn
			worse++
		case LevelFail:
			step.State = ui.Bad
			worse++
		}
		view.Checks = append(view.Checks, step)
	}
	view.Sentence, view.State, view.StateWord = v.T("system.good"), ui.Free, v.T("check.good")
	if worse > 0 {
		view.Sentence, view.State, view.StateWord = v.N("system.bad", worse), ui.Busy, v.T("check.warn")
	}
	for _, l := range facts.Listeners {
		name := v.T("system.portal")
		if l.Device {
			name = v.T("system.devices")
		}
		view.Listeners = append(view.Listeners, templates.Listener{Name: name, Address: l.Address, URL: l.URL, TLS: v.T("system.tls_" + strings.ReplaceAll(l.TLS, "-", "_"))})
	}
	s.fillCertificates(r, v, &view)
	s.fillJobs(v, facts, &view)
	for _, d := range facts.Destinations {
		view.Destinations = append(view.Destinations, templates.Destination{
			Host: d.Host, Port: strconv.Itoa(d.Port), Purpose: v.purpose(d.Purpose), First: s.when(r, v, d.First), Last: s.when(r, v, d.Last), Count: d.Count,
		})
	}
	view.Program = []ui.Fact{
		{Key: v.T("system.version"), Value: facts.Version},
		{Key: "Go", Value: facts.Go},
		{Key: v.T("system.folder"), Value: facts.DataDir},
		{Key: v.T("system.database"), Value: v.Bytes(facts.Bytes)},
		{Key: v.T("system.started"), Value: s.when(r, v, facts.StartedAt)},
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.SystemInfoPage(sh, view) })
}

// purpose says for what a host was contacted.
func (v *visitor) purpose(word string) string {
	return v.textOr("purpose."+strings.ReplaceAll(word, "-", "_"), v.textOr("systems.kind_"+word, word))
}

func (s *Server) fillCertificates(r *http.Request, v *visitor, view *templates.SystemInfo) {
	now := s.Now()
	for _, c := range s.Certificates() {
		line := templates.Certificate{
			Names: v.Join(c.Names), Issuer: c.Issuer, Until: v.Date(s.localTime(r, v, c.Until)), Left: v.In(max(0, c.Until.Sub(now))),
			State: ui.Free, Word: v.T("check.good"),
		}
		switch needs, fails := c.bad(now); {
		case fails:
			line.State, line.Word = ui.Busy, v.T("system.expired")
		case needs:
			line.State, line.Word = ui.Soon, v.T("check.warn")
		}
		view.Certificates = append(view.Certificates, line)
	}
}

func (s *Server) fillJobs(v *visitor, facts SystemFacts, view *templates.SystemInfo) {
	for _, j := range facts.Jobs {
		line := templates.Job{Name: v.Say(j.Name, time.UTC), Last: s.ago(v, j.LastRun), State: ui.Free, Word: v.T("check.good")}
		switch {
		case j.LastRun.IsZero():
			line.State, line.Word = ui.Unknown, v.T("check.waiting")
		case j.Err != "":
			line.State, line.Word, line.Error = ui.Busy, v.T("check.bad"), v.T("check.it_said", "Answer", j.Err)
		}
		if !j.LastRun.IsZero() {
			line.Took = v.Duration(j.Took)
		}
		if !j.NextRun.IsZero() {
			line.Next = v.In(max(0, j.NextRun.Sub(s.Now())))
		}
		view.Jobs = append(view.Jobs, line)
	}
}

// rootCertificate is the local authority's root, for browsers and displays to trust.
func (s *Server) rootCertificate(w http.ResponseWriter, r *http.Request, _ *visitor) error {
	facts, err := s.System(r.Context())
	if err != nil {
		return err
	}
	if len(facts.RootPEM) == 0 {
		return store.ErrNotFound
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "lintel-root.pem"))
	_, _ = w.Write(facts.RootPEM) // whoever asked may be gone
	return nil
}
