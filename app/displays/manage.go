package displays

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
)

// buildingOf returns where a room is; "" for none. A room that does not stand is a problem.
func buildingOf(tx *store.Tx, ws store.WorkspaceID) (store.BuildingID, error) {
	if ws == "" {
		return "", nil
	}
	p, err := tx.Workspace(ws)
	if errors.Is(err, store.ErrNotFound) || err == nil && !p.Workspace.DeletedAt.IsZero() {
		return "", problem.Field("workspace", "display.no_room")
	}
	return p.Building.ID, err
}

// mayManage asks for the right to manage displays in a building; for those without one, anywhere.
func mayManage(by people.Actor, b store.BuildingID) error {
	if b == "" && by.CanAnywhere(people.ManageDisplays) {
		return nil
	}
	return by.Need(people.ManageDisplays, b)
}

// mayManageRow asks for the right to manage a display where it is now. A room that was deleted counts as none.
func mayManageRow(tx *store.Tx, by people.Actor, d store.Display) error {
	b, err := buildingOf(tx, d.Workspace)
	if problem.Of(err) != nil {
		b, err = "", nil
	}
	if err != nil {
		return err
	}
	return mayManage(by, b)
}

// Approval is what an administrator types to let a display in.
type Approval struct {
	Code      string            // as it stands on the glass; case, blanks and dashes do not matter
	Workspace store.WorkspaceID // "" = none yet
	Name      string            // "" = as its workspace, if it has one
	Language  string            // "" = the building's
	Template  store.DisplayTemplate
}

// Approve lets the pending display in whose glass shows the code.
func (s *Service) Approve(ctx context.Context, by people.Actor, a Approval) (store.DisplayID, error) {
	code := readClaim(a.Code)
	return s.change(ctx, "approve display", func(tx *store.Tx) (store.Display, error) {
		b, err := buildingOf(tx, a.Workspace)
		if err != nil {
			return store.Display{}, err
		}
		if err := mayManage(by, b); err != nil {
			return store.Display{}, err
		}
		d, err := tx.DisplayByClaim(code)
		if errors.Is(err, store.ErrNotFound) {
			return d, problem.Field("code", "display.no_code")
		}
		if err != nil {
			return d, err
		}
		c := SettingsOf(d)
		c.Name, c.Workspace, c.Language, c.Template = strings.TrimSpace(a.Name), a.Workspace, a.Language, cmp.Or(a.Template, store.TemplateDay)
		if c.Name == "" && a.Workspace != "" {
			p, err := tx.Workspace(a.Workspace)
			if err != nil {
				return d, err
			}
			c.Name = clean(p.Workspace.Name, maxName)
		}
		if err := c.check(); err != nil {
			return d, err
		}
		c.into(&d)
		d.State, d.ClaimCode, d.ClaimStarted, d.ApprovedAt = store.DisplayApproved, "", time.Time{}, tx.Now()
		if err := tx.UpdateDisplay(d); err != nil {
			return d, err
		}
		return d, audit.Record(tx, by, "display.approve", "display", string(d.ID), "workspace", string(a.Workspace))
	})
}

// Refuse shuts a pending display out: its key and its hardware get no answer until it is deleted.
func (s *Service) Refuse(ctx context.Context, by people.Actor, id store.DisplayID) error {
	_, err := s.change(ctx, "refuse display", func(tx *store.Tx) (store.Display, error) {
		d, err := s.find(tx, by, id)
		if err != nil {
			return d, err
		}
		if d.State != store.DisplayPending {
			return d, problem.New(problem.Conflict, "display.not_pending")
		}
		d.State, d.ClaimCode, d.ClaimStarted = store.DisplayRefused, "", time.Time{}
		if err := tx.UpdateDisplay(d); err != nil {
			return d, err
		}
		return d, audit.Record(tx, by, "display.refuse", "display", string(id))
	})
	return err
}

// Add makes a display for a client that never calls setup, and returns its key: once, as only a hash is stored. Protocol is
// trmnl, native or url. hardware is the device's MAC where it tells one, "" where it is not known.
func (s *Service) Add(ctx context.Context, by people.Actor, p store.Protocol, hardware string, c Settings) (store.DisplayID, secret.Text, error) {
	key, hash := newKey()
	id, err := s.change(ctx, "add display", func(tx *store.Tx) (store.Display, error) {
		c.Name = strings.TrimSpace(c.Name)
		d := store.Display{
			ID: store.NewID[store.DisplayID](), Protocol: p, State: store.DisplayApproved, KeyHash: hash, ApprovedAt: tx.Now(),
			CreatedAt: tx.Now(), BatteryPercent: -1, HardwareID: strings.ToUpper(clean(hardware, maxHardwareID)),
		}
		c.into(&d)
		if p != store.ProtocolTRMNL && p != store.ProtocolNative && p != store.ProtocolURL {
			return d, problem.Field("protocol", "display.setting_wrong")
		}
		if err := c.check(); err != nil {
			return d, err
		}
		b, err := buildingOf(tx, c.Workspace)
		if err != nil {
			return d, err
		}
		if err := mayManage(by, b); err != nil {
			return d, err
		}
		if err := tx.InsertDisplay(d); errors.Is(err, store.ErrDuplicate) {
			return d, problem.Field("hardware_id", "display.hardware_known")
		} else if err != nil {
			return d, err
		}
		return d, audit.Record(tx, by, "display.add", "display", string(d.ID), "protocol", string(p), "workspace", string(c.Workspace))
	})
	if err != nil {
		return "", secret.Text{}, err
	}
	return id, key, nil
}

// RenewKey gives a display a new key and returns it once. The old one is refused from now on.
func (s *Service) RenewKey(ctx context.Context, by people.Actor, id store.DisplayID) (secret.Text, error) {
	key, hash := newKey()
	_, err := s.change(ctx, "renew key of display", func(tx *store.Tx) (store.Display, error) {
		d, err := s.findApproved(tx, by, id)
		if err != nil {
			return d, err
		}
		if d.Protocol == store.ProtocolPanel {
			return d, problem.New(problem.Conflict, "display.panel_no_key")
		}
		d.KeyHash, d.KeySeen, d.ReenrolUntil = hash, false, time.Time{}
		if err := tx.UpdateDisplay(d); err != nil {
			return d, err
		}
		return d, audit.Record(tx, by, "display.renew_key", "display", string(id))
	})
	if err != nil {
		return secret.Text{}, err
	}
	return key, nil
}

// AllowReenrol lets a known device ask for a new key by itself, once within the next hour, for example after a reset.
func (s *Service) AllowReenrol(ctx context.Context, by people.Actor, id store.DisplayID) error {
	_, err := s.change(ctx, "allow display to enrol again", func(tx *store.Tx) (store.Display, error) {
		d, err := s.findApproved(tx, by, id)
		if err != nil {
			return d, err
		}
		if d.Protocol == store.ProtocolPanel || d.Protocol == store.ProtocolURL || d.HardwareID == "" {
			return d, problem.New(problem.Conflict, "display.key_own")
		}
		d.ReenrolUntil = tx.Now().Add(reenrolFor)
		if err := tx.UpdateDisplay(d); err != nil {
			return d, err
		}
		return d, audit.Record(tx, by, "display.allow_reenrol", "display", string(id))
	})
	return err
}

// Update changes the settings of an approved display. The actor needs the right where the display is and where it goes.
func (s *Service) Update(ctx context.Context, by people.Actor, id store.DisplayID, c Settings) error {
	_, err := s.change(ctx, "change display", func(tx *store.Tx) (store.Display, error) {
		d, err := s.findApproved(tx, by, id)
		if err != nil {
			return d, err
		}
		c.Name = strings.TrimSpace(c.Name)
		if err := c.check(); err != nil {
			return d, err
		}
		b, err := buildingOf(tx, c.Workspace)
		if err != nil {
			return d, err
		}
		if err := mayManage(by, b); err != nil {
			return d, err
		}
		had := d.Encoding
		c.into(&d)
		if d.Encoding == store.EncodingBMP && had != d.Encoding && !TakesBMP(d) {
			return d, problem.Field("encoding", "display.no_bmp")
		}
		if err := tx.UpdateDisplay(d); err != nil {
			return d, err
		}
		return d, audit.Record(tx, by, "display.update", "display", string(id), "workspace", string(c.Workspace))
	})
	return err
}

// Delete deletes a display in any state. Its key is refused from now on; Undelete brings it back.
func (s *Service) Delete(ctx context.Context, by people.Actor, id store.DisplayID) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := s.Flush(ctx); err != nil {
		return err
	}
	err := s.o.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := s.find(tx, by, id); err != nil {
			return err
		}
		if err := tx.DeleteDisplay(id); err != nil {
			return err
		}
		return audit.Record(tx, by, "display.delete", "display", string(id))
	})
	if err != nil {
		return named("delete display", err)
	}
	s.mu.Lock()
	s.drop(id)
	s.watchRooms()
	s.mu.Unlock()
	s.o.Changed(id)
	return nil
}

// Undelete brings a display back that was deleted less than UndoDays ago, with its key.
func (s *Service) Undelete(ctx context.Context, by people.Actor, id store.DisplayID) error {
	_, err := s.change(ctx, "undelete display", func(tx *store.Tx) (store.Display, error) {
		d, err := tx.Display(id)
		if errors.Is(err, store.ErrNotFound) || err == nil && !tx.Now().Before(until(d.DeletedAt)) {
			return d, problem.New(problem.NotFound, "display.none")
		}
		if err != nil {
			return d, err
		}
		if err := mayManageRow(tx, by, d); err != nil {
			return d, err
		}
		if err := tx.UndeleteDisplay(id); errors.Is(err, store.ErrDuplicate) {
			return d, problem.New(problem.Conflict, "display.enrolled_again").Because(err)
		} else if err != nil {
			return d, err
		}
		d.DeletedAt = time.Time{}
		return d, audit.Record(tx, by, "display.undelete", "display", string(id))
	})
	return err
}

// find reads a display that is not deleted and that the actor may manage.
func (s *Service) find(tx *store.Tx, by people.Actor, id store.DisplayID) (store.Display, error) {
	d, err := tx.Display(id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !d.DeletedAt.IsZero() {
		return d, problem.New(problem.NotFound, "display.none")
	}
	if err != nil {
		return d, err
	}
	return d, mayManageRow(tx, by, d)
}

func (s *Service) findApproved(tx *store.Tx, by people.Actor, id store.DisplayID) (store.Display, error) {
	d, err := s.find(tx, by, id)
	if err == nil && d.State != store.DisplayApproved {
		return d, problem.New(problem.Conflict, "display.not_approved")
	}
	return d, err
}

// change stores what f changes of a display, and shows it. What devices told goes to the disk before, so that f reads it.
func (s *Service) change(ctx context.Context, what string, f func(*store.Tx) (store.Display, error)) (store.DisplayID, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := s.Flush(ctx); err != nil {
		return "", err
	}
	var row store.Display
	err := s.o.Store.Update(ctx, func(tx *store.Tx) (err error) {
		row, err = f(tx)
		return err
	})
	if err != nil {
		return "", named(what, err)
	}
	s.install(ctx, row)
	return row.ID, nil
}

// named wraps an error with the action that failed; a problem for a person stays as it is.
func named(what string, err error) error {
	if problem.Of(err) != nil {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
