package web

import (
	"context"
	"errors"
	"time"

	"lintel/app/calendars"
	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
)

// fakeKinds are booking systems that answer without a network: caldav lists two calendars, or fails its
// check when its name is Broken.
func fakeKinds() map[string]calendars.Kind {
	open := func(_ *outbound.Outbound, y store.System, _ []store.Resource) (connectors.Connector, error) {
		if y.Kind == "ews" {
			return &fakeImager{fakeSystem{y}}, nil
		}
		return &fakeSystem{y}, nil
	}
	kinds := map[string]calendars.Kind{}
	for name, k := range calendars.Systems(start) {
		every := time.Minute
		if k.Pushed {
			every = k.Every
		}
		kinds[name] = calendars.Kind{Open: open, Every: every, Hot: time.Minute, Parallel: 1, Fields: k.Fields, Pushed: k.Pushed, Feeds: k.Feeds, Prepare: k.Prepare, Make: k.Make}
	}
	return kinds
}

type fakeSystem struct{ y store.System }

func (f *fakeSystem) Caps() connectors.Caps {
	return connectors.CapRead | connectors.CapListRooms | connectors.CapBook
}

// fakeImager has pictures of meetings too.
type fakeImager struct{ fakeSystem }

func (f *fakeImager) Caps() connectors.Caps { return f.fakeSystem.Caps() | connectors.CapImage }

func (f *fakeImager) Image(context.Context, connectors.Room, connectors.Event, int64) ([]byte, string, error) {
	return nil, "", errors.New("not asked for in these tests")
}

func (f *fakeSystem) Check(_ context.Context, asked connectors.CheckRequest) connectors.Report {
	c := connectors.Checker{Now: start}
	c.Step("calendar.check.reach", func() (string, error) { return "cloud.example.com answers", nil })
	c.Step("calendar.check.sign_in", func() (string, error) {
		if f.y.Name == "Broken" {
			return "", &connectors.Error{Kind: connectors.Auth, Said: "HTTP 401"}
		}
		return "", nil
	})
	c.Step("calendar.check.read", func() (string, error) { return "", nil })
	if asked.Write {
		c.Step("calendar.check.write", func() (string, error) { return "a test booking was asked for in " + asked.Room.ID, nil })
	}
	return c.Report
}

func (f *fakeSystem) Probe(context.Context, connectors.Room, connectors.Cursor) (connectors.Change, error) {
	return connectors.Change{}, errors.New("not asked for in these tests")
}

func (f *fakeSystem) Read(context.Context, connectors.ReadRequest) (connectors.Snapshot, error) {
	return connectors.Snapshot{}, errors.New("not asked for in these tests")
}

func (f *fakeSystem) Rooms(context.Context, string) ([]connectors.RoomRef, string, error) {
	if f.y.Name == "Broken" {
		return nil, "", &connectors.Error{Kind: connectors.Auth, Said: "HTTP 401"}
	}
	return []connectors.RoomRef{
		{ID: "/cal/rigi/", Name: "Rigi", Access: connectors.AccessWrite},
		{ID: "/cal/saentis/", Name: "Säntis", Access: connectors.AccessRead},
	}, "", nil
}

func (f *fakeSystem) Close() error { return nil }
