package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"lintel/app/web"
	"lintel/store"
)

// systemFacts is what the portal's page System shows. It looks at what is cheap; the databases' integrity is
// doctor's.
func (s *serving) systemFacts(ctx context.Context) (web.SystemFacts, error) {
	cfg, start := s.start.Config, s.start
	f := web.SystemFacts{Version: start.Build.Version, Go: start.Build.Go, DataDir: cfg.DataDir, StartedAt: s.startedAt}
	if err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		f.Destinations, err = tx.Destinations()
		return err
	}); err != nil {
		return f, err
	}
	for _, name := range []string{store.MainFile, store.ReadingsFile} {
		info, err := os.Stat(start.Folder.Path(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return f, fmt.Errorf("look at the databases: %w", err)
		}
		f.Bytes += info.Size()
	}
	f.Listeners = []web.Listener{
		{Address: s.portal.Addr().String(), URL: s.portalURL.String(), TLS: string(cfg.TLS.Portal.Mode)},
		{Device: true, Address: s.device.Addr().String(), URL: s.deviceURL.String(), TLS: string(cfg.TLS.Device.Mode)},
	}
	state := s.tls.State()
	if state.Root != nil {
		f.RootPEM, f.Fingerprint = state.Root.PEM, state.Root.Fingerprint
	}
	for _, j := range s.jobs.Status() {
		job := web.Job{Name: jobName(j.Name), LastRun: j.LastRun, Took: j.Took, Err: j.LastErr}
		if !j.LastRun.IsZero() {
			job.NextRun = j.LastRun.Add(j.Every)
		}
		f.Jobs = append(f.Jobs, job)
	}
	systems, err := s.knownOfSystems(ctx)
	if err != nil {
		return f, err
	}
	for _, d := range slices.Concat(doctorMachine(cfg, start.Now()), state.Findings(start.Now()), systems) {
		f.Findings = append(f.Findings, web.Finding{Level: web.Level(d.Level), Check: d.Check, Text: d.Text, Cure: d.Cure, Run: d.Run})
	}
	return f, nil
}

// certificates is what the pages warn of: what runs out, and what failed.
func (s *serving) certificates() []web.Certificate {
	var out []web.Certificate
	for _, l := range s.tls.State().Listeners {
		if l.Mode == TLSOff {
			continue
		}
		c := web.Certificate{Issuer: l.Issuer, Names: l.Names, Until: l.NotAfter, Own: l.Mode != TLSFiles}
		if l.Fault != nil {
			c.Fault = l.Fault.Text
		}
		out = append(out, c)
	}
	return out
}
