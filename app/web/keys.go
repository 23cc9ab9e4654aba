package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"lintel/app/people"
	"lintel/app/secret"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

const keysPath = "/settings/keys"

// keysPage lists the access keys of programs.
func (s *Server) keysPage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	keys, err := s.People.Keys(r.Context(), v.Actor)
	if err != nil {
		return err
	}
	names, err := s.buildingNames(r, v)
	if err != nil {
		return err
	}
	l := readListing(r, templates.KeyColumns())
	sorted(l, keys, func(a, b store.AccessKey) int {
		switch l.sort {
		case "used":
			return b.UsedAt.Compare(a.UsedAt)
		case "until":
			if a.EndsAt.IsZero() != b.EndsAt.IsZero() {
				return cmp.Compare(b.EndsAt.Unix(), a.EndsAt.Unix()) // those without an end come last
			}
			return a.EndsAt.Compare(b.EndsAt)
		}
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	t := l.table(r, "keys-table", keysPath, len(keys))
	t.Caption, t.Columns, t.Total = v.T("nav.keys"), templates.KeyTableColumns(v.Printer), v.N("keys.total", len(keys))
	view := templates.Keys{Table: t, None: len(keys) == 0, Use: s.keyUse("KEY")}
	for _, k := range rowsOf(l, keys) {
		view.Rows = append(view.Rows, s.keyRow(r, v, k, names))
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.KeysPage(sh, view) })
}

func (s *Server) keyRow(r *http.Request, v *visitor, k store.AccessKey, names map[store.BuildingID]string) templates.KeyRow {
	row := templates.KeyRow{ID: string(k.ID), Name: k.Name, Used: s.ago(v, k.UsedAt)}
	if !k.EndsAt.IsZero() {
		row.Until, row.Ended = v.Date(s.localTime(r, v, k.EndsAt.Add(-1))), !k.EndsAt.After(s.Now())
	}
	if k.Use == people.UsePush {
		row.For, row.May = v.T("keys.use_push"), v.T("keys.may_push")
		for _, st := range s.Calendars.Statuses() {
			if st.System.ID == k.System {
				row.For = st.System.Name
			}
		}
		return row
	}
	row.For, row.May = v.T("keys.use_connector"), v.T("keys.may_read")
	if k.MayBook {
		row.May = v.T("keys.may_book")
	}
	row.May += " · " + v.buildingWord(names, k.Building)
	return row
}

// keyUse writes requests to copy. curl asks for the password itself where none stands behind the name.
func (s *Server) keyUse(key string) templates.KeyUse {
	const json = "-H 'Content-Type: application/json' \\\n  "
	rooms, pushed := s.absolute(connectorPath), s.absolute(pushRoomsPath)
	bearer := "curl -H 'Authorization: Bearer " + key + "' \\\n  "
	return templates.KeyUse{
		Connector: strings.TrimSuffix(rooms, "/rooms"),
		Rooms:     bearer + rooms,
		Book: bearer + json + `-d '{"subject": "Meeting",
    "organizerName": "Anna Keller",
    "startDateUTC": "2027-01-11T09:00:00Z",
    "endDateUTC": "2027-01-11T10:00:00Z"}' \
  ` + rooms + "/ROOM/meetings",
		Change: bearer + json + `-X PUT -d '{"isCancelled": true}' \
  ` + rooms + "/ROOM/meetings/MEETING",
		Pushed: bearer + pushed,
		Push: bearer + json + `-X PUT -d '[{"id": "42", "subject": "Physics",
    "start": "2027-01-11T09:00:00+01:00",
    "end": "2027-01-11T10:00:00+01:00",
    "organizer": {"name": "Anna Keller"}}]' \
  ` + pushed + "/ROOM/events",
	}
}

// The form of a key.

func (s *Server) newKey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	use := r.URL.Query().Get("use")
	if use != templates.KeyForConnector && use != templates.KeyForPush {
		return s.show(w, r, v, templates.KeyChoicePage)
	}
	return s.showKeyForm(w, r, v, http.StatusOK, templates.KeyForm{Use: use, May: templates.KeyMayRead})
}

// showKeyForm adds what the form offers.
func (s *Server) showKeyForm(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.KeyForm) error {
	for _, st := range s.Calendars.Statuses() {
		if st.System.Kind == people.PushedKind {
			view.Systems = append(view.Systems, ui.Option{Value: string(st.System.ID), Label: st.System.Name})
		}
	}
	list, err := s.Places.Buildings(r.Context(), v.Actor, people.ManageSystems)
	if err != nil {
		return err
	}
	view.Buildings = []ui.Option{{Label: v.T("people.all_buildings")}}
	for _, b := range list {
		view.Buildings = append(view.Buildings, ui.Option{Value: string(b.ID), Label: b.Name})
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.KeyFormPage(sh, view) })
}

// createKey makes a key and shows it, this once.
func (s *Server) createKey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := parse(r)
	if err != nil {
		return err
	}
	view := templates.KeyForm{
		Use: f.text("use"), Name: f.text("name"), May: f.text("may"), Building: f.text("building"), System: f.text("system"), Until: f.text("until"),
	}
	n := people.NewKey{
		Name: view.Name, Use: view.Use, MayBook: view.May == templates.KeyMayBook, Building: store.BuildingID(view.Building), System: store.SystemID(view.System),
	}
	if view.Until != "" {
		zone := s.localTime(r, v, s.Now()).Location()
		n.Until = f.date("until").End(zone)
	}
	if !slices.Contains([]string{templates.KeyForConnector, templates.KeyForPush}, view.Use) {
		return s.show(w, r, v, templates.KeyChoicePage)
	}
	if err = f.err(); err == nil {
		k, key, made := s.People.CreateKey(r.Context(), v.Actor, n)
		if made == nil {
			return s.showNewKey(w, r, v, k, key)
		}
		err = made
	}
	if view.Errors = v.wrong(err); view.Errors == nil {
		return err
	}
	return s.showKeyForm(w, r, v, statusFor(err), view)
}

// showNewKey shows a key with requests that use it.
func (s *Server) showNewKey(w http.ResponseWriter, r *http.Request, v *visitor, k store.AccessKey, key secret.Text) error {
	use := s.keyUse(key.Reveal())
	view := templates.NewKey{Name: k.Name, Key: key.Reveal(), Try: use.Rooms, Next: use.Rooms + "/ROOM/meetings"}
	if k.Use == people.UsePush {
		view.Try, view.Next, view.Push = use.Pushed, use.Push, true
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.NewKeyPage(sh, view) })
}

// askRevokeKey asks before a key is revoked.
func (s *Server) askRevokeKey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	k, err := s.People.Key(r.Context(), v.Actor, store.KeyID(r.PathValue("id")))
	if err != nil {
		return err
	}
	view := templates.RevokeKey{ID: string(k.ID), Name: k.Name, Used: cmp.Or(s.ago(v, k.UsedAt), v.T("ui.never"))}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.RevokeKeyPage(sh, view) })
}

func (s *Server) revokeKey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	k, err := s.People.Key(r.Context(), v.Actor, store.KeyID(r.PathValue("id")))
	if err == nil {
		err = s.People.RevokeKey(r.Context(), v.Actor, k.ID)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, v, keysPath, v.T("keys.said_revoked", "Name", k.Name))
}
