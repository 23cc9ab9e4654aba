package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"lintel/app/people"
	"lintel/app/places"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// The form of a building.

func (s *Server) newBuilding(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showBuilding(w, r, v, http.StatusOK, s.freshBuilding(v))
}

// freshBuilding is the empty form. Its zone is the server's until the browser tells its own.
func (s *Server) freshBuilding(v *visitor) templates.BuildingForm {
	return templates.BuildingForm{
		Zone: s.Zone, GuessZone: true,
		Language: string(v.Lang()), Weekdays: []int{1, 2, 3, 4, 5}, Retention: templates.RetainMidnight,
		Opens: when.Clock(places.DefaultOpens), Closes: when.Clock(places.DefaultCloses),
	}
}

func (s *Server) showBuilding(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.BuildingForm) error {
	if err := v.Need(people.ManagePlaces, store.BuildingID(view.ID)); err != nil {
		return err
	}
	view.Zones = zoneOptions(view.Zone)
	if view.ID != "" {
		opening, err := s.Places.Opening(r.Context(), store.BuildingID(view.ID))
		if err != nil {
			return err
		}
		view.Periods = v.periods(opening, s.Now())
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.BuildingPage(sh, view) })
}

func (s *Server) editBuilding(w http.ResponseWriter, r *http.Request, v *visitor) error {
	b, err := s.Places.Building(r.Context(), v.Actor, store.BuildingID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return s.showBuilding(w, r, v, http.StatusOK, buildingView(b))
}

// buildingView is the form of a building as it stands.
func buildingView(b store.Building) templates.BuildingForm {
	view := templates.BuildingForm{
		ID: string(b.ID), Name: b.Name, Street: b.Street, Postcode: b.Postcode, City: b.City, Country: b.Country, Zone: b.Zone,
		Language: b.Language, Retention: string(b.HostedRetention),
	}
	for i := range 7 {
		if b.WorkingDays.Has(weekday(i + 1)) {
			view.Weekdays = append(view.Weekdays, i+1)
		}
	}
	return view
}

// weekday is the day of the week that ISO 8601 numbers so.
func weekday(iso int) time.Weekday { return time.Weekday(iso % 7) }

// readBuilding reads the form of a building; the spans are the opening hours that a new one begins with.
func readBuilding(f *form) (view templates.BuildingForm, b store.Building, spans []store.OpeningSpan) {
	view = templates.BuildingForm{
		Name: f.text("name"), Street: f.text("street"), Postcode: f.text("postcode"), City: f.text("city"), Country: f.text("country"),
		Zone: f.text("zone"), Language: f.text("language"), Opens: f.text("opens"), Closes: f.text("closes"),
		Retention: cmp.Or(f.text("hosted_retention"), templates.RetainMidnight),
	}
	f.need("name")
	var days []time.Weekday
	for _, d := range f.all("weekday") {
		if n, err := strconv.Atoi(d); err == nil && n >= 1 && n <= 7 {
			view.Weekdays, days = append(view.Weekdays, n), append(days, weekday(n))
		}
	}
	b = store.Building{
		Name: view.Name, Street: view.Street, Postcode: view.Postcode, City: view.City, Country: view.Country, Zone: view.Zone,
		Language: view.Language, WorkingDays: store.WeekdaysOf(days...), HostedRetention: store.Retention(view.Retention),
	}
	if view.Opens != "" || view.Closes != "" {
		opens, closes := f.clock("opens"), closing(f.clock("closes"))
		if closes <= opens {
			f.bad("closes", "places.bad_hours")
		}
		for _, d := range days {
			spans = append(spans, store.OpeningSpan{Weekday: d, Opens: opens, Closes: closes})
		}
	}
	return view, b, spans
}

// closing takes midnight at the end of a day for what it is.
func closing(minute int) int {
	if minute == 0 {
		return 24 * 60
	}
	return minute
}

func buildingErrors(v *visitor, err error) ui.Errors {
	wrong := v.wrong(err)
	if wrong == nil {
		return nil
	}
	return renameFields(wrong, map[string]string{"working_days": "weekday"})
}

func (s *Server) createBuilding(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := parse(r)
	if err != nil {
		return err
	}
	view, b, spans := readBuilding(f)
	if err = f.err(); err == nil {
		_, err = s.makeBuilding(r, v, b, spans)
	}
	if err != nil {
		if view.Errors = buildingErrors(v, err); view.Errors == nil {
			return err
		}
		return s.showBuilding(w, r, v, statusFor(err), view)
	}
	return s.done(w, r, v, placesPath, v.T("ui.saved"))
}

func (s *Server) makeBuilding(r *http.Request, v *visitor, b store.Building, spans []store.OpeningSpan) (store.BuildingID, error) {
	id, err := s.Places.CreateBuilding(r.Context(), v.Actor, b)
	if err == nil && len(spans) > 0 {
		err = s.Places.SetOpeningHours(r.Context(), v.Actor, id, spans)
	}
	return id, err
}

func (s *Server) changeBuilding(w http.ResponseWriter, r *http.Request, v *visitor) error {
	old, err := s.Places.Building(r.Context(), v.Actor, store.BuildingID(r.PathValue("id")))
	if err != nil {
		return err
	}
	f, err := parse(r)
	if err != nil {
		return err
	}
	view, b, _ := readBuilding(f)
	view.ID, b.ID = string(old.ID), old.ID
	lost, err := s.Places.ChangeBuilding(r.Context(), v.Actor, b)
	if err != nil {
		if view.Errors = buildingErrors(v, err); view.Errors == nil {
			return err
		}
		return s.showBuilding(w, r, v, statusFor(err), view)
	}
	if lost > 0 {
		return s.doneWith(w, r, v, placesPath, ui.Notice{Wrong: true, Text: v.N("places.said_lost", lost)})
	}
	return s.done(w, r, v, placesPath, v.T("ui.saved"))
}

// Opening hours: the spans of one validity are a period, which has a page of its own.

// periodName names a period within its building, fit for an address.
func periodName(s store.OpeningSpan) string { return s.ValidFrom.String() + "_" + s.ValidTo.String() }

// periods are the opening hours of a building, a period each.
func (v *visitor) periods(o places.Opening, now time.Time) []templates.HoursPeriod {
	today := when.DayOf(now, o.Zone)
	var out []templates.HoursPeriod
	for len(o.Spans) > 0 {
		name := periodName(o.Spans[0])
		var spans, rest []store.OpeningSpan
		for _, s := range o.Spans {
			if periodName(s) == name {
				spans = append(spans, s)
			} else {
				rest = append(rest, s)
			}
		}
		o.Spans = rest
		p := v.period(spans)
		p.Current = spans[0].ValidOn(today)
		out = append(out, p)
	}
	return out
}

// period is one period with its hours in words.
func (v *visitor) period(spans []store.OpeningSpan) templates.HoursPeriod {
	p := period(spans)
	p.Summary = v.hoursWords(spans)
	return p
}

// period is the form of one period; of a weekday with several spans it has the first.
func period(spans []store.OpeningSpan) templates.HoursPeriod {
	p := templates.HoursPeriod{N: periodName(spans[0]), ValidFrom: spans[0].ValidFrom.String(), ValidTo: spans[0].ValidTo.String()}
	for i := range p.Days {
		for _, s := range spans {
			if s.Weekday == weekday(i+1) && !s.Closed() {
				p.Days[i] = templates.HoursDay{Opens: when.Clock(s.Opens), Closes: when.Clock(s.Closes % (24 * 60))}
				break
			}
		}
	}
	return p
}

// hoursWords says the hours of a week in words, days of equal hours together: "Mon – Fri 08:00 – 18:00".
func (v *visitor) hoursWords(spans []store.OpeningSpan) []string {
	of := func(iso int) string {
		said := ""
		for _, s := range spans {
			if s.Weekday == weekday(iso) && !s.Closed() {
				if said != "" {
					said += ", "
				}
				said += when.Clock(s.Opens) + " – " + when.Clock(s.Closes)
			}
		}
		return said
	}
	var out []string
	for first := 1; first <= 7; {
		last := first
		for last < 7 && of(last+1) == of(first) {
			last++
		}
		if hours := of(first); hours != "" {
			days := v.WeekdayShort(weekday(first))
			if last > first {
				days += " – " + v.WeekdayShort(weekday(last))
			}
			out = append(out, days+" "+hours)
		}
		first = last + 1
	}
	return out
}

// hoursNow says the opening hours of this week's kind in one line.
func (v *visitor) hoursNow(o places.Opening, now time.Time) string {
	for _, p := range slices.Backward(v.periods(o, now)) {
		if p.Current {
			return v.Join(p.Summary)
		}
	}
	var spans []store.OpeningSpan
	for iso := 1; iso <= 7; iso++ {
		if o.Building.WorkingDays.Has(weekday(iso)) {
			spans = append(spans, store.OpeningSpan{Weekday: weekday(iso), Opens: places.DefaultOpens, Closes: places.DefaultCloses})
		}
	}
	return v.Join(v.hoursWords(spans))
}

func (s *Server) newHours(w http.ResponseWriter, r *http.Request, v *visitor) error {
	o, err := s.hoursOf(r, v)
	if err != nil {
		return err
	}
	view := templates.HoursForm{BuildingID: string(o.Building.ID), Building: o.Building.Name}
	for i := range view.Period.Days {
		if o.Building.WorkingDays.Has(weekday(i + 1)) {
			view.Period.Days[i] = templates.HoursDay{Opens: when.Clock(places.DefaultOpens), Closes: when.Clock(places.DefaultCloses)}
		}
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.HoursPage(sh, view) })
}

// hoursOf reads the opening hours of the building that the route names.
func (s *Server) hoursOf(r *http.Request, v *visitor) (places.Opening, error) {
	id := store.BuildingID(r.PathValue("id"))
	if _, err := s.Places.Building(r.Context(), v.Actor, id); err != nil {
		return places.Opening{}, err
	}
	if err := v.Need(people.ManagePlaces, id); err != nil {
		return places.Opening{}, err
	}
	return s.Places.Opening(r.Context(), id)
}

// split takes the spans of a period out of all.
func split(all []store.OpeningSpan, name string) (of, others []store.OpeningSpan) {
	for _, s := range all {
		if name != "" && periodName(s) == name {
			of = append(of, s)
		} else {
			others = append(others, s)
		}
	}
	return of, others
}

// hoursForm is the form of the period that the address names.
func (s *Server) hoursForm(r *http.Request, v *visitor) (templates.HoursForm, error) {
	o, err := s.hoursOf(r, v)
	if err != nil {
		return templates.HoursForm{}, err
	}
	spans, _ := split(o.Spans, r.PathValue("period"))
	if len(spans) == 0 {
		return templates.HoursForm{}, store.ErrNotFound
	}
	return templates.HoursForm{BuildingID: string(o.Building.ID), Building: o.Building.Name, Period: v.period(spans)}, nil
}

func (s *Server) editHours(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view, err := s.hoursForm(r, v)
	if err != nil {
		return err
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.HoursPage(sh, view) })
}

// askDeleteHours asks before a period of opening hours goes.
func (s *Server) askDeleteHours(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view, err := s.hoursForm(r, v)
	if err != nil {
		return err
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.DeleteHoursPage(sh, view) })
}

// saveHours makes or changes a period.
func (s *Server) saveHours(w http.ResponseWriter, r *http.Request, v *visitor) error {
	o, err := s.hoursOf(r, v)
	if err != nil {
		return err
	}
	f, err := parse(r)
	if err != nil {
		return err
	}
	before, others := split(o.Spans, r.PathValue("period"))
	view := templates.HoursForm{BuildingID: string(o.Building.ID), Building: o.Building.Name}
	view.Period = templates.HoursPeriod{N: r.PathValue("period"), ValidFrom: f.text("valid_from"), ValidTo: f.text("valid_to")}
	spans := readHours(f, &view.Period, before)
	if err = f.err(); err == nil {
		if slices.ContainsFunc(others, func(s store.OpeningSpan) bool { return periodName(s) == periodName(spans[0]) }) {
			err = problem.Field("valid_from", "places.period_known")
		} else {
			err = s.Places.SetOpeningHours(r.Context(), v.Actor, o.Building.ID, append(others, spans...))
		}
	}
	if err != nil {
		if view.Errors = v.wrong(err); view.Errors == nil {
			return err
		}
		for i := range view.Period.Days {
			view.Period.Days[i].Error = cmp.Or(view.Errors["opens_"+strconv.Itoa(i+1)], view.Errors["closes_"+strconv.Itoa(i+1)])
		}
		return s.showAs(w, r, v, statusFor(err), func(sh ui.Shell) templ.Component { return templates.HoursPage(sh, view) })
	}
	return s.done(w, r, v, placesPath+"/buildings/"+string(o.Building.ID), v.T("ui.saved"))
}

// readHours reads the days of a period. A day that was left as it was keeps all of its spans, also those that
// the form has no fields for. A period without any hours says "closed".
func readHours(f *form, p *templates.HoursPeriod, before []store.OpeningSpan) []store.OpeningSpan {
	var from, to when.Date
	if p.ValidFrom != "" {
		from = f.date("valid_from")
	}
	if p.ValidTo != "" {
		to = f.date("valid_to")
	}
	var shown templates.HoursPeriod
	if len(before) > 0 {
		shown = period(before)
	}
	var out []store.OpeningSpan
	for i := range p.Days {
		iso := strconv.Itoa(i + 1)
		day := templates.HoursDay{Opens: f.text("opens_" + iso), Closes: f.text("closes_" + iso)}
		p.Days[i] = day
		switch {
		case day == shown.Days[i] && day.Opens != "":
			for _, s := range before {
				if s.Weekday == weekday(i+1) {
					s.ValidFrom, s.ValidTo = from, to
					out = append(out, s)
				}
			}
		case day.Opens == "" && day.Closes == "":
			out = append(out, store.OpeningSpan{ValidFrom: from, ValidTo: to, Weekday: weekday(i + 1)})
		default:
			s := store.OpeningSpan{ValidFrom: from, ValidTo: to, Weekday: weekday(i + 1), Opens: f.clock("opens_" + iso), Closes: closing(f.clock("closes_" + iso))}
			if s.Closes <= s.Opens {
				f.bad("closes_"+iso, "places.bad_hours")
			}
			out = append(out, s)
		}
	}
	return out
}

func (s *Server) deleteHours(w http.ResponseWriter, r *http.Request, v *visitor) error {
	o, err := s.hoursOf(r, v)
	if err != nil {
		return err
	}
	spans, others := split(o.Spans, r.PathValue("period"))
	if len(spans) == 0 {
		return store.ErrNotFound
	}
	if err := s.Places.SetOpeningHours(r.Context(), v.Actor, o.Building.ID, others); err != nil {
		return err
	}
	return s.done(w, r, v, placesPath+"/buildings/"+string(o.Building.ID), v.T("places.said_period_deleted"))
}
