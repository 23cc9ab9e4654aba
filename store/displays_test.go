package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/store"
	"lintel/store/storetest"
)

func newDisplay(key, hardware, code string) store.Display {
	return store.Display{
		ID: store.NewID[store.DisplayID](), Protocol: store.ProtocolTRMNL, State: store.DisplayPending, HardwareID: hardware,
		Width: 800, Height: 480, Palette: store.PaletteBW, Encoding: store.EncodingPNG, Template: store.TemplateDay,
		KeyHash: []byte(key), ClaimCode: code, ClaimStarted: now().UTC(), BatteryPercent: -1,
	}
}

func write(t *testing.T, s *store.Store, f func(*store.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func TestDisplayRoundTrip(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	d := newDisplay("k", "AA:BB:CC:DD:EE:FF", "7F3K-92")
	d.Model, d.Firmware, d.Rotation, d.SoonMinutes, d.Mains, d.Language, d.Name = "og", "1.8.14", 90, 10, true, "de", "Säntis door"
	write(t, s, func(tx *store.Tx) error { return tx.InsertDisplay(d) })
	d.CreatedAt = now().UTC()
	for name, get := range map[string]func(*store.Tx) (store.Display, error){
		"id":       func(tx *store.Tx) (store.Display, error) { return tx.Display(d.ID) },
		"key":      func(tx *store.Tx) (store.Display, error) { return tx.DisplayByKey([]byte("k")) },
		"hardware": func(tx *store.Tx) (store.Display, error) { return tx.DisplayByHardware("AA:BB:CC:DD:EE:FF") },
		"claim":    func(tx *store.Tx) (store.Display, error) { return tx.DisplayByClaim("7F3K-92") },
	} {
		write(t, s, func(tx *store.Tx) error {
			got, err := get(tx)
			if diff := cmp.Diff(d, got); diff != "" {
				t.Errorf("by %s:\n%s", name, diff)
			}
			return err
		})
	}

	d.State, d.ClaimCode, d.ClaimStarted, d.ApprovedAt, d.Name = store.DisplayApproved, "", time.Time{}, now().UTC(), "Rigi door"
	d.Template, d.Palette, d.Encoding, d.KeyHash = store.TemplateWeek, store.PaletteGray16, store.EncodingBMP, []byte("k2")
	write(t, s, func(tx *store.Tx) error { return tx.UpdateDisplay(d) })
	write(t, s, func(tx *store.Tx) error {
		got, err := tx.Displays()
		if diff := cmp.Diff([]store.Display{d}, got); diff != "" {
			t.Errorf("after the update:\n%s", diff)
		}
		if _, err := tx.DisplayByClaim("7F3K-92"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the code of an approved display: %v", err)
		}
		return err
	})
}

func TestDisplayKeysAndCodesAreUnique(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	insert := func(key, hw, code string) error {
		return s.Update(context.Background(), func(tx *store.Tx) error { return tx.InsertDisplay(newDisplay(key, hw, code)) })
	}
	if err := errors.Join(insert("a", "", "C1"), insert("b", "", "C2"), insert("c", "M1", "C3")); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{{"a", "", "C9"}, {"x", "M1", "C9"}, {"x", "", "C1"}} {
		if err := insert(c[0], c[1], c[2]); !errors.Is(err, store.ErrDuplicate) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestDeletedDisplay(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	d := newDisplay("k", "M1", "C1")
	write(t, s, func(tx *store.Tx) error { return tx.InsertDisplay(d) })
	write(t, s, func(tx *store.Tx) error { return tx.DeleteDisplay(d.ID) })
	write(t, s, func(tx *store.Tx) error {
		_, byKey := tx.DisplayByKey([]byte("k"))
		_, byHardware := tx.DisplayByHardware("M1")
		_, byClaim := tx.DisplayByClaim("C1")
		for _, err := range []error{byKey, byHardware, byClaim, tx.DeleteDisplay(d.ID), tx.UpdateDisplay(d)} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a deleted display: %v", err)
			}
		}
		return nil
	})
	write(t, s, func(tx *store.Tx) error { return tx.UndeleteDisplay(d.ID) })
	write(t, s, func(tx *store.Tx) error { _, err := tx.DisplayByKey([]byte("k")); return err })

	write(t, s, func(tx *store.Tx) error { return tx.DeleteDisplay(d.ID) })
	write(t, s, func(tx *store.Tx) error { return tx.InsertDisplay(newDisplay("k2", "M1", "C2")) })
	if err := s.Update(context.Background(), func(tx *store.Tx) error { return tx.UndeleteDisplay(d.ID) }); !errors.Is(err, store.ErrDuplicate) {
		t.Errorf("undelete beside the same hardware: %v", err)
	}
}

func TestSaveContact(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	a, b := newDisplay("a", "M1", ""), newDisplay("b", "", "")
	a.State, b.State = store.DisplayApproved, store.DisplayApproved
	b.ReenrolUntil = now().UTC().Add(time.Hour)
	write(t, s, func(tx *store.Tx) error { return errors.Join(tx.InsertDisplay(a), tx.InsertDisplay(b)) })
	c := store.DisplayContact{
		ID: b.ID, SeenAt: now().UTC(), NextWakeAt: now().UTC().Add(time.Hour), Address: "192.0.2.7", HardwareID: "M1", Model: "x", Firmware: "1.8",
		Width: 1872, Height: 1404, BatteryPercent: 0, BatteryMV: 3300, RSSI: -60, WakeReason: "timer", ReportedRefresh: 900,
	}
	write(t, s, func(tx *store.Tx) error { return tx.SaveContact(c) })
	b.ReenrolUntil = time.Time{}
	b.KeySeen, b.CreatedAt, b.SeenAt, b.NextWakeAt, b.Address = true, now().UTC(), c.SeenAt, c.NextWakeAt, c.Address
	b.Model, b.Firmware, b.Width, b.Height = "x", "1.8", 1872, 1404
	b.BatteryPercent, b.BatteryMV, b.RSSI, b.WakeReason, b.ReportedRefresh = 0, 3300, -60, "timer", 900
	check := func(why string) {
		t.Helper()
		write(t, s, func(tx *store.Tx) error {
			got, err := tx.Display(b.ID)
			if diff := cmp.Diff(b, got); diff != "" {
				t.Errorf("%s:\n%s", why, diff)
			}
			return err
		})
	}
	check("hardware id of another is left out")
	write(t, s, func(tx *store.Tx) error {
		return tx.SaveContact(store.DisplayContact{ID: b.ID, SeenAt: c.SeenAt, NextWakeAt: c.NextWakeAt, Address: c.Address, HardwareID: "M2", WakeReason: "timer", BatteryPercent: -1})
	})
	b.HardwareID = "M2"
	b.ReenrolUntil = now().UTC().Add(time.Hour)
	write(t, s, func(tx *store.Tx) error { return tx.UpdateDisplay(b) })
	check("what is not told stays")
	write(t, s, func(tx *store.Tx) error { return tx.SaveContact(store.DisplayContact{ID: "gone", BatteryPercent: -1}) })
}

func TestDropPending(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	unused, used, approved := newDisplay("a", "", "C1"), newDisplay("b", "", "C2"), newDisplay("c", "", "C3")
	used.KeySeen = true
	approved.State = store.DisplayApproved
	write(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.InsertDisplay(unused), tx.InsertDisplay(used), tx.InsertDisplay(approved))
	})
	drop := func(since time.Time, unusedOnly bool) (ids []store.DisplayID) {
		write(t, s, func(tx *store.Tx) (err error) {
			ids, err = tx.DropPending(store.ProtocolTRMNL, since, unusedOnly)
			return err
		})
		return ids
	}
	for _, c := range []struct {
		since      time.Time
		unusedOnly bool
		want       []store.DisplayID
	}{
		{now(), false, nil},
		{now().Add(time.Second), true, []store.DisplayID{unused.ID}},
		{now().Add(time.Second), false, []store.DisplayID{used.ID}},
		{now().Add(time.Hour), false, nil},
	} {
		if diff := cmp.Diff(c.want, drop(c.since, c.unusedOnly)); diff != "" {
			t.Errorf("since %v, unused only %v:\n%s", c.since, c.unusedOnly, diff)
		}
	}
}

func TestPicturesAndLog(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	d, other := newDisplay("a", "", "C1"), newDisplay("b", "", "C2")
	write(t, s, func(tx *store.Tx) error { return errors.Join(tx.InsertDisplay(d), tx.InsertDisplay(other)) })
	p := store.DisplayPicture{Display: d.ID, Hash: [32]byte{1, 2}, RenderedAt: now().UTC()}
	write(t, s, func(tx *store.Tx) error { return tx.SavePicture(p) })
	p.Hash[0] = 9
	write(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.SavePicture(p), tx.SavePicture(store.DisplayPicture{Display: "gone"}))
	})
	write(t, s, func(tx *store.Tx) error {
		got, err := tx.Pictures()
		if diff := cmp.Diff([]store.DisplayPicture{p}, got); diff != "" {
			t.Error(diff)
		}
		return err
	})

	for i := range 6 {
		lines := make([]store.DisplayLogLine, 100)
		for j := range lines {
			lines[j] = store.DisplayLogLine{At: now().UTC(), Level: "info", Message: fmt.Sprint(i*100 + j)}
		}
		write(t, s, func(tx *store.Tx) error { return tx.AppendDisplayLog(d.ID, lines) })
	}
	write(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.AppendDisplayLog(other.ID, []store.DisplayLogLine{{Message: "mine"}}),
			tx.AppendDisplayLog("gone", []store.DisplayLogLine{{Message: "x"}}))
	})
	write(t, s, func(tx *store.Tx) error {
		got, err := tx.DisplayLog(d.ID, 1000)
		if len(got) != store.DisplayLogMax || got[0].Message != "599" || got[len(got)-1].Message != "100" {
			t.Errorf("%d lines, from %v to %v", len(got), got[0], got[len(got)-1])
		}
		if mine, err := tx.DisplayLog(other.ID, 10); err != nil || len(mine) != 1 {
			t.Errorf("the other's log: %v, %v", mine, err)
		}
		return err
	})
}
