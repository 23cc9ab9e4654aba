package store

import (
	"time"

	"lintel/app/when"
)

// Series is a hosted recurring booking. Rule, first wall time, length and zone are the truth; its
// occurrences are ordinary bookings that carry its id.
type Series struct {
	ID          SeriesID
	Workspace   WorkspaceID
	Rule        string    // RRULE value (RFC 5545 §3.3.10)
	First       when.Wall // wall start of the first occurrence
	Minutes     int       // length on the wall clock
	AllDay      bool
	Zone        string
	Private     bool
	Source      Source
	CreatedAt   time.Time
	CancelledAt time.Time // zero = stands

	// Personal parts, as of a Booking.
	Subject   string
	Organizer PersonID
	Creator   PersonID
}

const seriesQuery = `SELECT s.id, s.workspace_id, s.rule, s.first_wall, s.minutes, s.all_day, s.zone, s.private, s.source, s.created_at, s.cancelled_at,
	sp.subject, sp.organizer_id, sp.creator_id FROM series s LEFT JOIN series_person sp ON sp.series_id = s.id`

func scanSeries(r scanner) (Series, error) {
	var s Series
	err := r.Scan(&s.ID, &s.Workspace, &s.Rule, wall{&s.First}, &s.Minutes, &s.AllDay, &s.Zone, &s.Private, &s.Source, instant{&s.CreatedAt}, instant{&s.CancelledAt},
		nullable[string]{&s.Subject}, nullable[PersonID]{&s.Organizer}, nullable[PersonID]{&s.Creator})
	return s, err
}

// Series returns one series, also a cancelled one, or ErrNotFound.
func (tx *Tx) Series(id SeriesID) (Series, error) {
	return one(tx, scanSeries, seriesQuery+` WHERE s.id = ?`, id)
}

// LiveSeries returns all series that stand, by id: what ExtendSeries goes through.
func (tx *Tx) LiveSeries() ([]Series, error) {
	return list(tx, scanSeries, seriesQuery+` WHERE s.cancelled_at IS NULL ORDER BY s.id`+limit(AgendaLimit))
}

// InsertSeries stores a new series with its personal parts; its occurrences are inserted as bookings.
func (tx *Tx) InsertSeries(s Series) error {
	if _, err := tx.exec(`INSERT INTO series (id, workspace_id, rule, first_wall, minutes, all_day, zone, private, source, created_at) VALUES (?,?,?,?,?,?,?,?,?,?)`,
		s.ID, s.Workspace, s.Rule, wallText(s.First), s.Minutes, s.AllDay, s.Zone, s.Private, s.Source, unix(tx.now)); err != nil {
		return err
	}
	return tx.setSeriesPeople(s)
}

// UpdateSeries writes rule, times, zone, flags, cancellation and personal parts. ErrNotFound.
func (tx *Tx) UpdateSeries(s Series) error {
	if err := tx.must(`UPDATE series SET workspace_id=?, rule=?, first_wall=?, minutes=?, all_day=?, zone=?, private=?, cancelled_at=? WHERE id=?`,
		s.Workspace, s.Rule, wallText(s.First), s.Minutes, s.AllDay, s.Zone, s.Private, unixOrNull(s.CancelledAt), s.ID); err != nil {
		return err
	}
	return tx.setSeriesPeople(s)
}

func (tx *Tx) setSeriesPeople(s Series) error {
	_, err := tx.exec(`INSERT INTO series_person (series_id, subject, organizer_id, creator_id) VALUES (?,?,?,?)
		ON CONFLICT (series_id) DO UPDATE SET subject=excluded.subject, organizer_id=excluded.organizer_id, creator_id=excluded.creator_id`,
		s.ID, s.Subject, orNull(s.Organizer), orNull(s.Creator))
	return err
}

// Occurrences returns all occurrences of a series, cancelled ones too, in the order of the rule.
func (tx *Tx) Occurrences(id SeriesID) ([]Booking, error) {
	return list(tx, scanBooking, bookingQuery+` WHERE k.series_id = ? ORDER BY k.original_wall`+limit(AgendaLimit), id)
}

// LastOriginal returns the latest start that the rule of a series has been laid out to; the zero Wall when
// there is none.
func (tx *Tx) LastOriginal(id SeriesID) (when.Wall, error) {
	return one(tx, func(r scanner) (w when.Wall, err error) {
		err = r.Scan(wall{&w})
		return w, err
	}, `SELECT MAX(original_wall) FROM booking WHERE series_id = ?`, id)
}

// SetSeriesZone gives the series of a building its new zone. Their walls stay.
func (tx *Tx) SetSeriesZone(id BuildingID, zone string) error {
	_, err := tx.exec(`UPDATE series SET zone = ?2 WHERE zone <> ?2 AND workspace_id IN
		(SELECT w.id FROM workspace w JOIN floor f ON f.id = w.floor_id WHERE f.building_id = ?1)`, id, zone)
	return err
}
