package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"lintel/app/demo"
	"lintel/app/displays"
	"lintel/app/people"
	"lintel/app/when"
)

// demoFill is how often the sample agenda is topped up.
const demoFill = 30 * time.Second

// runDemo runs the server on a temporary folder with a sample building, until ctx ends. It contacts nobody
// but its own device listener, and leaves nothing behind.
func runDemo(ctx context.Context, ds DemoStart) (err error) {
	dir, err := os.MkdirTemp("", "lintel-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	folder, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	key, err := folderKey(folder)
	if err != nil {
		return err
	}
	ds.Config.DataDir = dir
	start := Start{
		Config: ds.Config, Folder: folder, Key: key, Log: ds.Log, Out: ds.Out, Now: ds.Now, Notify: newNotifier(nil), Build: ds.Build,
	}
	s, err := newServing(ctx, start)
	if err != nil {
		return err
	}
	building, link, err := s.furnish(ctx)
	if err != nil {
		return errors.Join(err, s.close())
	}
	return s.run(ctx, func(g *Group) {
		client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		for _, d := range building.Displays() {
			d.URL, d.HTTP, d.Log, d.Claim = s.deviceURL.String(), client, ds.Log, s.claimSample
			g.Go(ctx, "virtual display "+d.Name, d.Run)
		}
		g.Go(ctx, "sample agenda", func(ctx context.Context) error { return s.fillSamples(ctx, building) })
		fmt.Fprintf(ds.Out, "A sample building with %d rooms, whose displays turn over as you watch. Open\n\n  %s\n\n"+
			"in a browser: the link signs you in once, as its administrator. Ctrl-C ends the demo and removes it.\n", len(building.Rooms), link)
	})
}

// furnish fills the empty house and returns a link that signs an administrator in.
func (s *serving) furnish(ctx context.Context) (demo.Building, string, error) {
	zone, err := when.LoadZone(cmp.Or(localZone(os.Getenv("TZ"), localtimeFile), "UTC")) // the sample building lives by the viewer's clock
	if err != nil {
		return demo.Building{}, "", err
	}
	building, err := demo.Build(ctx, s.store, zone)
	if err != nil {
		return building, "", err
	}
	if _, err := building.Fill(ctx, s.store); err != nil {
		return building, "", err
	}
	s.displays.PlacesChanged()
	account, err := s.people.Create(ctx, byCommand, people.NewAccount{
		Name: "Anna Keller", Login: "anna", Password: people.NewPassword(), Grants: []people.Grant{{Role: people.Administrator}},
	})
	if err != nil {
		return building, "", err
	}
	token, err := s.people.SignInLink(ctx, byCommand, account.ID)
	if err != nil {
		return building, "", err
	}
	return building, linkAddress(s.portalURL, "sign-in/link", token), nil
}

// claimSample approves a virtual display by the code on its glass. The one without a room is left to the
// person who watches.
func (s *serving) claimSample(ctx context.Context, code string, d demo.Display) error {
	if d.Room == "" {
		fmt.Fprintf(s.start.Out, "One display waits for your approval under Displays. The code on its glass is %s.\n", code)
		return nil
	}
	_, err := s.displays.Approve(ctx, byCommand, displays.Approval{Code: code, Workspace: d.Room, Name: d.Name})
	return err
}

func (s *serving) fillSamples(ctx context.Context, b demo.Building) error {
	tick := time.NewTicker(demoFill)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		changed, err := b.Fill(ctx, s.store)
		if err != nil && ctx.Err() == nil {
			s.start.Log.Error("fill the sample agenda", "err", err)
		}
		for _, w := range changed {
			s.roomChanged(w)
		}
	}
}
