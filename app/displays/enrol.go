package displays

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/secret"
	"lintel/store"
)

// maxPending bounds how many displays wait for approval at once: whoever can reach the listener can make one.
const maxPending = 256

// Enrolment is what a device gets that asks to be let in.
type Enrolment struct {
	Display store.DisplayID
	State   store.DisplayState // pending or approved
	Key     secret.Text        // the device keeps it; empty when it already has it
	Code    string             // to be shown on the glass; "" when approved
	Answer  Answer             // with the first picture
}

// Setup lets a device in that has no key. An unknown one, or one that still waits, becomes pending with a new key and a new code:
// whoever asked before under the same hardware id is shut out, so that the code on the glass approves the device that shows it. A
// known one gets a new key only while an administrator lets it (ErrKnown otherwise). ErrRefused, ErrFull.
func (s *Service) Setup(ctx context.Context, p store.Protocol, rep Report) (Enrolment, error) {
	hardware := clean(rep.HardwareID, maxHardwareID)
	if hardware == "" {
		return Enrolment{}, errors.New("enrol display: it has no hardware id")
	}
	key, hash := newKey()
	s.changing.Lock()
	defer s.changing.Unlock()
	var row store.Display
	var gone []store.DisplayID
	var known bool
	err := s.o.Store.Update(ctx, func(tx *store.Tx) error {
		var err error
		row, err = tx.DisplayByHardware(hardware)
		switch {
		case errors.Is(err, store.ErrNotFound):
			row, gone, err = insertPending(tx, p, rep, hash)
			return err
		case err != nil:
			return err
		case row.State == store.DisplayRefused:
			return ErrRefused
		case row.Protocol != p:
			return ErrKnown
		case row.State == store.DisplayPending:
			row.ClaimStarted = tx.Now()
			if row.ClaimCode, err = freeClaim(tx); err != nil {
				return err
			}
		case !row.ReenrolUntil.After(tx.Now()):
			known = true
			return ErrKnown
		default:
			if err := audit.Record(tx, people.Device(row.ID), "display.new_key", "display", string(row.ID)); err != nil {
				return err
			}
		}
		row.KeyHash, row.KeySeen = hash, false
		return tx.UpdateDisplay(row)
	})
	if known {
		s.markAsked(row.ID)
	}
	if err != nil {
		return Enrolment{}, fmt.Errorf("enrol display: %w", err)
	}
	s.forget(gone)
	s.install(ctx, row)
	return s.enrolment(row, key)
}

// markAsked notes that a known device asked for a new key, so that its page can offer to let it.
func (s *Service) markAsked(id store.DisplayID) {
	if d := s.get(id); d != nil {
		d.mu.Lock()
		d.asked = s.o.Now()
		d.mu.Unlock()
		s.o.Changed(id)
	}
}

// Claimed answers a device of our own protocol that comes back with the key it was given while pending: pending still, or
// approved. ErrUnknownKey, ErrRefused.
func (s *Service) Claimed(key string, rep Report) (Enrolment, error) {
	a, err := s.Poll(key, rep)
	if err != nil {
		return Enrolment{}, err
	}
	d := s.get(a.Display)
	if d == nil {
		return Enrolment{}, ErrUnknownKey
	}
	return Enrolment{Display: a.Display, State: a.State, Code: d.settings().ClaimCode, Answer: a}, nil
}

// PairPanel makes a pending browser panel. The key is its cookie. ErrFull.
func (s *Service) PairPanel(ctx context.Context, rep Report) (Enrolment, error) {
	key, hash := newKey()
	s.changing.Lock()
	defer s.changing.Unlock()
	var row store.Display
	var gone []store.DisplayID
	rep.HardwareID = ""
	err := s.o.Store.Update(ctx, func(tx *store.Tx) (err error) {
		row, gone, err = insertPending(tx, store.ProtocolPanel, rep, hash)
		return err
	})
	if err != nil {
		return Enrolment{}, fmt.Errorf("pair panel: %w", err)
	}
	s.forget(gone)
	s.install(ctx, row)
	return s.enrolment(row, key)
}

// enrolment returns what the device gets to know.
func (s *Service) enrolment(row store.Display, key secret.Text) (Enrolment, error) {
	a, err := s.Peek(key.Reveal())
	if err != nil {
		return Enrolment{}, fmt.Errorf("enrol display: %w", err)
	}
	return Enrolment{Display: row.ID, State: row.State, Key: key, Code: row.ClaimCode, Answer: a}, nil
}

// insertPending stores a new pending display. When too many wait, those that never came back make room: they are gone.
func insertPending(tx *store.Tx, p store.Protocol, rep Report, hash []byte) (row store.Display, gone []store.DisplayID, err error) {
	n, err := tx.PendingDisplays()
	if err != nil {
		return row, nil, err
	}
	if n >= maxPending {
		for _, protocol := range []store.Protocol{store.ProtocolTRMNL, store.ProtocolNative, store.ProtocolPanel} {
			ids, err := tx.DropPending(protocol, tx.Now().Add(-10*time.Minute), true)
			if err != nil {
				return row, nil, err
			}
			gone = append(gone, ids...)
		}
		if n-len(gone) >= maxPending {
			return row, nil, ErrFull
		}
	}
	code, err := freeClaim(tx)
	if err != nil {
		return row, nil, err
	}
	m := modelOf(rep.Model)
	if validSize(rep.Width, rep.Height) {
		m.width, m.height = rep.Width, rep.Height
	}
	switch rep.Bits {
	case 1:
		m.palette = store.PaletteBW
	case 2:
		m.palette = store.PaletteGray4
	case 4, 8:
		m.palette = store.PaletteGray16
	}
	encoding := store.EncodingPNG
	if rep.BMPOnly {
		m.palette, encoding = store.PaletteBW, store.EncodingBMP
	}
	row = store.Display{
		ID: store.NewID[store.DisplayID](), Protocol: p, State: store.DisplayPending,
		HardwareID: clean(rep.HardwareID, maxHardwareID), Model: clean(rep.Model, maxModel), Firmware: clean(rep.Firmware, maxWord),
		Width: m.width, Height: m.height, Palette: m.palette, Encoding: encoding, Template: store.TemplateDay,
		Mains: p == store.ProtocolPanel || rep.NoBattery, KeyHash: hash, ClaimCode: code, ClaimStarted: tx.Now(), CreatedAt: tx.Now(),
		Address: rep.Address, BatteryPercent: -1,
	}
	return row, gone, tx.InsertDisplay(row)
}

// forget drops from memory what is gone from the disk.
func (s *Service) forget(gone []store.DisplayID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range gone {
		s.drop(id)
	}
}

// freeClaim returns a code that no other pending display shows.
func freeClaim(tx *store.Tx) (string, error) {
	for {
		code := newClaim()
		if _, err := tx.DisplayByClaim(code); errors.Is(err, store.ErrNotFound) {
			return code, nil
		} else if err != nil {
			return "", err
		}
	}
}

// install takes a changed row into memory and shows what it now shows. s.changing is held.
func (s *Service) install(ctx context.Context, row store.Display) {
	s.mu.Lock()
	d := s.put(row)
	s.watchRooms()
	s.mu.Unlock()
	if ws := d.room(); ws != "" {
		s.lookAt(ctx, ws, s.o.Now())
	} else {
		s.showNotice(d, false)
	}
	d.wake()
	s.o.Changed(row.ID)
}
