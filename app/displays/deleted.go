package displays

import (
	"context"
	"slices"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/store"
)

// Deleted is a display that was deleted and that Undelete still brings back.
type Deleted struct {
	View
	Until time.Time
	By    audit.Who
}

// until is when a deleted display can't be brought back any more.
func until(gone time.Time) time.Time { return gone.AddDate(0, 0, store.UndoDays) }

// Deleted lists the displays that the actor may bring back, the newest deletion first.
func (s *Service) Deleted(ctx context.Context, by people.Actor) (out []Deleted, err error) {
	err = s.o.Store.View(ctx, func(tx *store.Tx) error {
		gone, err := tx.DeletedDisplays()
		if err != nil {
			return err
		}
		gone = slices.DeleteFunc(gone, func(d store.Display) bool { return !tx.Now().Before(until(d.DeletedAt)) })
		for _, d := range gone {
			if err := mayManageRow(tx, by, d); problem.Of(err) != nil {
				continue
			} else if err != nil {
				return err
			}
			who, err := audit.LastBy(tx, store.AuditObject{Kind: "display", ID: string(d.ID)}, "display.delete")
			if err != nil {
				return err
			}
			d.KeyHash, d.ClaimCode = nil, ""
			out = append(out, Deleted{View: View{Display: d}, Until: until(d.DeletedAt), By: who})
		}
		return nil
	})
	if err != nil {
		return nil, named("read deleted displays", err)
	}
	return out, nil
}
