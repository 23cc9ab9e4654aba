package app

import (
	"context"

	"lintel/app/expiry"
	"lintel/app/people"
)

// newExpiry knows everything that runs out: what booking systems are signed in to with, access keys, our own
// certificates.
func (h *house) newExpiry() *expiry.Service {
	return expiry.New(h.store, h.start.Now, h.start.Log, h.systemExpiries, h.keyExpiries, h.certificateExpiries)
}

func (h *house) systemExpiries(context.Context) ([]expiry.Item, error) {
	var out []expiry.Item
	for _, x := range h.calendars.Expiries() {
		out = append(out, expiry.Item{Kind: expiry.System, ID: string(x.System), Name: x.Name, What: x.What, At: x.At})
	}
	return out, nil
}

func (h *house) keyExpiries(ctx context.Context) ([]expiry.Item, error) {
	keys, err := h.people.Keys(ctx, people.Job("expiries"))
	if err != nil {
		return nil, err
	}
	var out []expiry.Item
	for _, k := range keys {
		if !k.EndsAt.IsZero() {
			out = append(out, expiry.Item{Kind: expiry.AccessKey, ID: string(k.ID), Name: k.Name, What: "expiry.what_key", At: k.EndsAt})
		}
	}
	return out, nil
}

func (h *house) certificateExpiries(context.Context) ([]expiry.Item, error) {
	if h.tls == nil {
		return nil, nil
	}
	var out []expiry.Item
	state := h.tls.State()
	for _, l := range state.Listeners {
		if l.Mode == TLSOff || l.NotAfter.IsZero() {
			continue
		}
		i := expiry.Item{Kind: expiry.Portal, What: "expiry.what_portal", At: l.NotAfter, Renews: l.Mode != TLSFiles}
		if l.Listener == "device" {
			i.Kind, i.What = expiry.Devices, "expiry.what_devices"
		}
		if len(l.Names) > 0 {
			i.Name = l.Names[0]
		}
		if l.Fault != nil {
			i.Fault = l.Fault.Text
		}
		out = append(out, i)
	}
	if state.Root != nil {
		out = append(out, expiry.Item{Kind: expiry.Authority, Name: state.Root.Name, What: "expiry.what_root", At: state.Root.NotAfter})
	}
	return out, nil
}
