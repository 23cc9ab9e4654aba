package displays

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lintel/store"
)

// Errors that the handlers of devices tell apart with errors.Is.
var (
	ErrUnknownKey = errors.New("no display has this key")
	ErrRefused    = errors.New("the display was refused")
	ErrKnown      = errors.New("the device has a key already")
	ErrFull       = errors.New("too many displays wait for approval")
)

// Report is what a device tells of itself with a request. Zero values are not told.
type Report struct {
	Address         string // IP address
	HardwareID      string
	Model, Firmware string
	Width, Height   int // of the panel in pixels
	Battery         Battery
	RSSI            int // dBm
	WakeReason      string
	RefreshRate     int // seconds that it sleeps at present

	// Told only when it enrols.
	Bits      int  // of a pixel: 1, 2 or 4
	BMPOnly   bool // it can't read PNG
	NoBattery bool // it has mains power
}

// Limits of what devices say of themselves, in bytes.
const (
	maxHardwareID = 64
	maxModel      = 64
	maxWord       = 32
)

// Answer is what a poll gets.
type Answer struct {
	Display store.DisplayID
	State   store.DisplayState // pending or approved
	Picture *Picture           // nil when none could be drawn yet
	Wake    time.Duration      // until the next poll; whole seconds, at least 10

	tag displayTag
	at  time.Time
}

// Poll answers a display that asks for its picture, and notes what it tells. It touches no disk. ErrUnknownKey, ErrRefused.
func (s *Service) Poll(key string, rep Report) (Answer, error) { return s.poll(key, &rep) }

// Peek answers like Poll but notes nothing: it is for a second screen that shows the same.
func (s *Service) Peek(key string) (Answer, error) { return s.poll(key, nil) }

func (s *Service) poll(key string, rep *Report) (Answer, error) {
	d := s.byKeyText(key)
	if d == nil {
		return Answer{}, ErrUnknownKey
	}
	s.ready(d)
	now := s.o.Now()
	if rep != nil && d.resized(*rep, now) {
		s.redraw(d)
	}
	d.mu.Lock()
	if d.row.State == store.DisplayRefused {
		d.mu.Unlock()
		return Answer{}, ErrRefused
	}
	a := Answer{Display: d.id, State: d.row.State, Picture: d.picture, tag: d.tag, at: now}
	power := d.power()
	if rep != nil {
		d.listen(*rep)
	}
	a.Wake = d.sleep(now)
	if rep == nil {
		d.mu.Unlock()
		return a, nil
	}
	c := d.contact(*rep, now, a.Wake)
	changed, ws := d.power() != power, d.row.Workspace
	d.mu.Unlock()
	s.enqueue(c)
	if changed {
		s.RoomChanged(ws)
	}
	return a, nil
}

// power is what a picture and the wakes depend on. d.mu is held.
func (d *display) power() (p struct{ mains, low bool }) {
	p.mains = d.row.Mains || d.told.Mains
	p.low = low(d.row.BatteryPercent) && !p.mains
	return p
}

// PictureToken returns the last part of an address under which the answer's picture can be fetched without a key, for twice the
// sleep and at least an hour. The answer has a picture.
func (s *Service) PictureToken(a Answer) string {
	return s.token(a.tag, a.Picture, a.at.Add(pictureLasts(a.Wake)))
}

// byKeyText returns the display with a key, or nil.
func (s *Service) byKeyText(key string) *display {
	if key == "" {
		return nil
	}
	h := hashKey(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byKey[h]
}

// sleep returns how long the display sleeps. d.mu is held.
func (d *display) sleep(now time.Time) time.Duration {
	if d.row.State == store.DisplayPending {
		return claimWake(d.row.ClaimStarted, now)
	}
	p, power := d.plan, d.power()
	p.mains, p.low = power.mains, power.low
	return p.wake(now).Round(time.Second)
}

// listen notes what a device tells. d.mu is held.
func (d *display) listen(rep Report) {
	row := &d.row
	if !row.KeySeen {
		row.KeySeen, row.ReenrolUntil = true, time.Time{}
	}
	row.Address = rep.Address
	set(&row.Model, rep.Model, maxModel)
	set(&row.Firmware, rep.Firmware, maxWord)
	row.WakeReason = ""
	set(&row.WakeReason, rep.WakeReason, maxWord)
	if rep.RSSI != 0 {
		row.RSSI = rep.RSSI
	}
	if rep.RefreshRate > 0 {
		row.ReportedRefresh = rep.RefreshRate
	}
	switch b := rep.Battery; {
	case b.Mains:
		d.told, row.BatteryPercent = b, -1
	case b.Known:
		d.told, row.BatteryMV, row.BatteryPercent = b, b.MV, steady(row.BatteryPercent, b.Percent, b.Charging)
	}
}

// contact notes when a device called and will call again, and returns all that it told for the disk. d.mu is held.
func (d *display) contact(rep Report, now time.Time, wake time.Duration) store.DisplayContact {
	row := &d.row
	row.SeenAt, row.NextWakeAt = now, now.Add(wake)
	c := store.DisplayContact{
		ID: d.id, SeenAt: row.SeenAt, NextWakeAt: row.NextWakeAt, Address: row.Address, Model: row.Model, Firmware: row.Firmware,
		BatteryPercent: row.BatteryPercent, BatteryMV: row.BatteryMV, RSSI: row.RSSI,
		WakeReason: row.WakeReason, ReportedRefresh: row.ReportedRefresh,
	}
	if d.sized {
		c.Width, c.Height = row.Width, row.Height
	}
	if row.HardwareID == "" {
		set(&c.HardwareID, rep.HardwareID, maxHardwareID)
	}
	return c
}

// set stores what was told, cut to a length and without control characters; nothing told changes nothing.
func set(to *string, told string, limit int) {
	if told == "" || told == *to {
		return
	}
	if s := clean(told, limit); s != "" {
		*to = s
	}
}

// clean makes outside text fit to be stored and shown: valid UTF-8 without control characters, at most limit bytes.
func clean(s string, limit int) string {
	if len(s) > 4*limit {
		s = s[:4*limit]
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	for len(s) > limit {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(s)
}

// resizeEvery bounds how often a device may change the size of its pictures: each costs a drawing.
const resizeEvery = time.Minute

// resized takes over the panel's size as the device tells it: a picture of another size is garbled there. It reports whether the
// picture has to be drawn anew.
func (d *display) resized(rep Report, now time.Time) bool {
	if !validSize(rep.Width, rep.Height) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if rep.Width == d.row.Width && rep.Height == d.row.Height || d.row.State == store.DisplayRefused {
		return false
	}
	if now.Sub(d.resizedAt).Abs() < resizeEvery {
		return false
	}
	d.row.Width, d.row.Height, d.resizedAt, d.sized = rep.Width, rep.Height, now, true
	return true
}

// redraw draws the present scene in a format that has changed.
func (s *Service) redraw(d *display) {
	d.mu.Lock()
	photo, ws := d.shown.scene.Photo != nil, d.row.Workspace
	d.mu.Unlock()
	if photo { // its pixels are with the room's
		s.lookAt(context.Background(), ws, s.o.Now())
		return
	}
	d.drawing.Lock()
	defer d.drawing.Unlock()
	d.mu.Lock()
	row, scene, drawn := d.row, d.shown.scene, d.shown.key != [sha256.Size]byte{}
	d.mu.Unlock()
	if drawn {
		s.draw(d, row, scene)
	}
}

// Log keeps lines of a device's own log, to be stored with the next Flush. A device that floods is cut off. ErrUnknownKey.
func (s *Service) Log(key string, lines []LogLine) error {
	d := s.byKeyText(key)
	if d == nil {
		return ErrUnknownKey
	}
	now := s.o.Now()
	s.queue.Lock()
	defer s.queue.Unlock()
	for _, l := range lines {
		if len(s.logs[d.id]) >= maxLogBatch {
			break
		}
		at := l.At
		if old := now.Sub(at); old < -time.Hour || old > maxLogAge {
			at = now // the clock of a device that has just woken up is anywhere
		}
		if msg := clean(l.Message, maxLogMessage); msg != "" {
			s.logs[d.id] = append(s.logs[d.id], store.DisplayLogLine{At: at, Level: clean(l.Level, maxWord), Message: msg})
		}
	}
	return nil
}

// Limits of a device's log.
const (
	maxLogBatch   = 100 // lines between two flushes
	maxLogMessage = 500 // bytes
	maxLogAge     = 30 * 24 * time.Hour
)

// LogLine is a line of a device's log. At may be zero.
type LogLine struct {
	At      time.Time
	Level   string
	Message string
}

// The protocols that Setup takes, for handlers that know nothing of the store.
const (
	TRMNL  = store.ProtocolTRMNL
	Native = store.ProtocolNative
)
