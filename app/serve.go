package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
	_ "time/tzdata" // zones where the system has none, as in a container image

	"lintel/app/backup"
	"lintel/app/bookings"
	"lintel/app/calendars"
	"lintel/app/device"
	"lintel/app/displays"
	"lintel/app/expiry"
	"lintel/app/live"
	"lintel/app/people"
	"lintel/app/places"
	"lintel/app/privacy"
	"lintel/app/secret"
	"lintel/app/web"
	"lintel/app/when"
	"lintel/connectors/outbound"
	"lintel/render"
	"lintel/store"
)

// This file is the wiring: which service gets what, which goroutines run, in which order all of it
// starts and stops.

// newWiring puts the program together. Here and nowhere else the clock is asked.
func newWiring() wiring {
	return wiring{now: time.Now, serve: serve, demo: runDemo, open: openOperations, restore: restore}
}

// Folders of the data folder that belong to a backup.
const tlsFolder = "tls"

// house is everything that works on the store, without listeners. Whoever opens it closes it.
type house struct {
	start     Start
	store     *store.Store
	hub       *live.Hub
	contacts  *contacts
	out       *outbound.Outbound
	own       atomic.Pointer[[]netip.AddrPort] // where we listen ourselves
	pool      *workers
	people    *people.Service
	places    *places.Service
	bookings  *bookings.Service
	calendars *calendars.Service
	displays  *displays.Service
	privacy   *privacy.Service
	expiry    *expiry.Service
	startedAt time.Time

	portalURL, deviceURL *url.URL
	tls                  *TLS  // nil without listeners
	jobs                 *Jobs // nil without listeners
}

// openHouse opens the store and makes the services. Nothing runs yet, and nothing outside is contacted.
// The portal's address is needed for the links in pictures; nil without listeners.
func openHouse(ctx context.Context, start Start, portalURL, deviceURL *url.URL) (*house, error) {
	key, err := secret.DecodeKey(start.Key.Reveal())
	if err != nil {
		return nil, err
	}
	box, err := secret.NewBox(key)
	if err != nil {
		return nil, err
	}
	h := &house{
		start: start, hub: &live.Hub{}, contacts: &contacts{}, pool: &workers{log: start.Log}, startedAt: start.Now(),
		portalURL: portalURL, deviceURL: deviceURL,
	}
	if h.store, err = store.Open(ctx, start.Folder.Path(), store.Options{Box: box, Now: start.Now}); err != nil {
		return nil, err
	}
	if err := h.services(ctx); err != nil {
		if errors.Is(err, secret.ErrKey) {
			err = fmt.Errorf("the master key %s is not the one with which this data was sealed; put the right key there, or set key_file to where it is (%w)",
				keyPath(start.Config), err)
		}
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// keyPath is where the master key is read.
func keyPath(cfg Config) string {
	if cfg.KeyFile != "" {
		return cfg.KeyFile
	}
	return filepath.Join(cfg.DataDir, keyFolder, keyName)
}

// services makes them all and ties them together.
func (h *house) services(ctx context.Context) (err error) {
	start, cfg := h.start, h.start.Config
	if h.out, err = newOutbound(start, h); err != nil {
		return err
	}
	if h.people, err = people.New(ctx, h.store); err != nil {
		return err
	}
	h.places = places.New(h.store, start.Now, h.placesChanged)
	h.bookings = bookings.New(h.store, start.Now, h.roomChanged)
	h.places.Rederive = h.bookings.RederiveIn
	h.calendars = calendars.New(calendars.Options{
		Store: h.store, Now: start.Now, Log: start.Log, Kinds: calendars.Systems(start.Now), Out: h.out,
		Changed: h.roomChanged, Go: h.pool.Go, Hours: h.hours,
	})
	h.bookings.Remote = bookings.Remote{Book: h.bookRemotely, SetEnd: h.calendars.SetEnd, Release: h.calendars.Release}
	renderer, err := render.New(render.Options{FontDir: cfg.FontDir})
	if err != nil {
		return fmt.Errorf("load fonts: %w", err)
	}
	h.displays = displays.New(displays.Options{
		Store: h.store, Now: start.Now, Renderer: renderer, Log: start.Log,
		PortalURL: address(h.portalURL), RoomURL: h.roomURL, Confirmed: h.calendars.Confirmed, Slack: h.calendars.Slack,
		Image:   h.image,
		Changed: func(id store.DisplayID) { h.hub.Publish(live.Topic{Kind: live.Displays, ID: string(id)}) },
	})
	h.privacy = privacy.New(h.store, start.Now, start.Log, h.displays.PlacesChanged)
	h.expiry = h.newExpiry()
	return nil
}

// Close closes the store.
func (h *house) Close() error { return h.store.Close() }

func address(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.String()
}

func newOutbound(start Start, h *house) (*outbound.Outbound, error) {
	o := outbound.Options{
		Version: start.Build.Version, NoProxy: start.Config.Outbound.NoProxy, AllowLoopback: start.Config.Outbound.AllowLoopback,
		Record: h.contacts.record, Now: start.Now,
		Listeners: func() []netip.AddrPort {
			if own := h.own.Load(); own != nil {
				return *own
			}
			return nil
		},
	}
	if u := start.Config.Outbound.ProxyURL(); u != nil {
		o.Proxy = secret.New(u.String())
	}
	if file := start.Config.Outbound.CAFile; file != "" {
		roots, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read outbound.ca_file: %w", err)
		}
		o.Roots = roots
	}
	return outbound.New(o)
}

// roomChanged follows each commit that changed an agenda: the room's pictures, then whoever watches.
func (h *house) roomChanged(w store.WorkspaceID) {
	h.displays.RoomChanged(w)
	h.hub.Publish(live.Topic{Kind: live.Rooms, ID: string(w)})
}

// placesChanged follows a change of places.
func (h *house) placesChanged([]store.WorkspaceID) {
	h.displays.PlacesChanged()
	if err := h.calendars.Reload(context.Background()); err != nil {
		h.start.Log.Error("follow a change of places", "err", err)
	}
	h.hub.Publish(live.Topic{Kind: live.Places})
}

// roomURL is where people at the door find a room's page.
func (h *house) roomURL(w store.WorkspaceID) string {
	if h.portalURL == nil {
		return ""
	}
	return h.portalURL.JoinPath("rooms", string(w)).String()
}

// hours returns a day's opening hours; never nil, as nil says that nobody knows.
func (h *house) hours(ctx context.Context, b store.BuildingID, d when.Date) []when.Interval {
	open, err := h.places.OpeningHours(ctx, b, d)
	if err != nil {
		h.start.Log.Warn("read opening hours", "building", b, "err", err)
		return nil
	}
	return append([]when.Interval{}, open...)
}

func (h *house) bookRemotely(ctx context.Context, d bookings.RemoteDraft) (store.BookingID, error) {
	return h.calendars.Book(ctx, calendars.Draft{
		Workspace: d.Workspace, Token: d.Token, From: d.From, To: d.To, Subject: d.Subject,
		OrganizerName: d.OrganizerName, Private: d.Private, Source: d.Source, Creator: d.Creator,
	})
}

// image is the picture that somebody attached to a meeting.
func (h *house) image(ctx context.Context, w store.WorkspaceID, id store.BookingID) ([]byte, error) {
	data, _, err := h.calendars.Image(ctx, w, id)
	return data, err
}

// jobTable is every background job. Jobs tick; what is due by a local day they ask app/when.
func (h *house) jobTable() []Job {
	system := people.Job("upkeep")
	return []Job{
		{Name: "calendars", Every: time.Second, Limit: 5 * time.Second, Run: h.calendars.Tick},
		{Name: "state of calendars", Every: 30 * time.Second, First: 30 * time.Second, Limit: time.Minute, Run: h.calendars.Flush},
		{Name: "destinations", Every: time.Minute, First: time.Minute, Limit: time.Minute, Run: func(ctx context.Context) error {
			return h.contacts.flush(ctx, h.store)
		}},
		{Name: "ended bookings", Every: time.Minute, First: 10 * time.Second, Limit: time.Minute, Run: func(ctx context.Context) error {
			_, err := h.bookings.RanOut(ctx)
			return err
		}},
		{Name: "series", Every: 6 * time.Hour, First: time.Minute, Limit: 10 * time.Minute, Run: func(ctx context.Context) error {
			extended, err := h.bookings.ExtendSeries(ctx, system)
			if n := len(extended.Conflicts); n > 0 {
				h.start.Log.Warn("occurrences of series left out, as the rooms are taken", "count", n)
			}
			return err
		}},
		{Name: "retention", Every: 5 * time.Minute, First: 5 * time.Minute, Limit: 10 * time.Minute, Run: h.privacy.Run},
		{Name: "expiries", Every: 24 * time.Hour, First: time.Minute, Limit: time.Minute, Run: h.expiry.Warn},
		{Name: "database", Every: 12 * time.Hour, First: time.Hour, Limit: 10 * time.Minute, Run: h.store.Optimize},
	}
}

// serve is the command: it runs until ctx ends.
func serve(ctx context.Context, start Start) error {
	s, err := newServing(ctx, start)
	if err != nil {
		return err
	}
	return s.run(ctx, nil)
}

// serving is a house with its listeners.
type serving struct {
	*house
	portal, device  net.Listener
	challenges      net.Listener // plain HTTP for an ACME server's HTTP-01; nil for none
	portalServer    *http.Server
	deviceServer    *http.Server
	challengeServer *http.Server // nil for none
	control         *Control
}

// newServing opens listeners, certificates and the house, and forgets what is due before anything is served.
func newServing(ctx context.Context, start Start) (s *serving, err error) {
	cfg := start.Config
	s = &serving{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.portal, err = listen(ctx, "listen", cfg.Listen, cfg.Limits.Connections); err != nil {
		return s, err
	}
	if s.device, err = listen(ctx, "device_listen", cfg.DeviceListen, cfg.Limits.Connections); err != nil {
		return s, err
	}
	if cfg.TLS.ACME.HTTPListen != "" && (cfg.TLS.Portal.Mode == TLSACME || cfg.TLS.Device.Mode == TLSACME) {
		if s.challenges, err = listen(ctx, "tls.acme.http_listen", cfg.TLS.ACME.HTTPListen, cfg.Limits.Connections); err != nil {
			return s, err
		}
	}
	portalURL := publicURL(cfg.BaseURL, s.portal.Addr(), cfg.TLS.Portal.Mode != TLSOff)
	deviceURL := publicURL(cfg.DeviceURL, s.device.Addr(), cfg.TLS.Device.Mode != TLSOff)
	if s.house, err = openHouse(ctx, start, portalURL, deviceURL); err != nil {
		return s, err
	}
	own := []netip.AddrPort{addrPort(s.portal), addrPort(s.device)}
	s.own.Store(&own)
	s.tls, err = newTLS(ctx, tlsOptions{
		Config: cfg, Dir: start.Folder.Path(tlsFolder), Log: start.Log, Now: start.Now,
		Hostname: os.Hostname, Addrs: net.InterfaceAddrs, Contacted: s.contactedACME,
	})
	if err != nil {
		return s, err
	}
	if err := s.privacy.Run(ctx); err != nil {
		return s, fmt.Errorf("forget what is due: %w", err)
	}
	rederived, err := s.bookings.RederiveAll(ctx, people.Job("zones"))
	if err != nil {
		return s, fmt.Errorf("derive bookings by today's zone data: %w", err)
	}
	if n := len(rederived.Lost); n > 0 {
		start.Log.Warn("bookings cancelled, as new zone data left them no room", "count", n)
	}
	if err := s.displays.Load(ctx); err != nil {
		return s, fmt.Errorf("draw the pictures: %w", err)
	}
	if s.jobs, err = newJobs(start.Log, start.Now, s.jobTable()); err != nil {
		return s, err
	}
	if err := s.servers(); err != nil {
		return s, err
	}
	s.control, err = newControl(start.Folder, s.operations(), start.Log)
	return s, err
}

// servers makes both HTTP servers: each with its own mux, so that devices can't reach the portal.
func (s *serving) servers() error {
	cfg, start := s.start.Config, s.start
	portal, err := web.New(web.Options{
		People: s.people, Places: s.places, Bookings: s.bookings, Calendars: s.calendars, Displays: s.displays, Expiry: s.expiry,
		Store: s.store, Live: s.hub, BaseURL: s.portalURL, DeviceURL: s.deviceURL, TrustedProxies: cfg.TrustedProxies,
		Ready: s.store.Ping, System: s.systemFacts, Certificates: s.certificates,
		Zone: localZone(os.Getenv("TZ"), localtimeFile), HSTS: cfg.TLS.HSTS, Log: start.Log, Now: start.Now,
	})
	if err != nil {
		return err
	}
	s.portalServer = newServer(portal, s.tls.Portal(), cfg.Limits, start.Log, start.Now)
	s.portalServer.RegisterOnShutdown(portal.EndStreams)
	closing := make(chan struct{})
	devices := device.New(device.Options{
		Displays: s.displays, DeviceURL: deviceAddress(cfg, s.deviceURL), TrustedProxies: cfg.TrustedProxies,
		Build: start.Build.Version, Closing: closing, Log: start.Log, Now: start.Now,
	})
	s.deviceServer = newServer(devices, s.tls.Device(), cfg.Limits, start.Log, start.Now)
	s.deviceServer.RegisterOnShutdown(func() { close(closing) })
	if s.challenges != nil { // the mode is acme, or there would be no such listener
		s.challengeServer = newServer(s.tls.ChallengeHandler(s.portalURL), nil, cfg.Limits, start.Log, start.Now)
	}
	return nil
}

// imageWorkers is how many pictures of meetings are fetched at the same time.
const imageWorkers = 3

// run starts everything, says that it is ready, and stops in order when ctx ends: first the listeners, then
// jobs and workers, then what is still in memory is stored. extra members start last.
func (s *serving) run(ctx context.Context, extra func(*Group)) (err error) {
	defer func() { err = errors.Join(err, s.close()) }()
	start, drain := s.start, s.start.Config.Limits.StopTimeout
	if err := s.calendars.Start(ctx); err != nil {
		return err
	}
	g := newGroup(start.Log, drain+5*time.Second)
	g.Go(ctx, "certificates", s.tls.Run)
	g.Go(ctx, "calendar workers", s.pool.Run)
	g.Go(ctx, "pictures", s.displays.Run)
	for range imageWorkers {
		g.Go(ctx, "pictures of meetings", s.displays.FetchImages)
	}
	g.Go(ctx, "jobs", s.jobs.Run)
	g.Go(ctx, "control socket", s.control.Run)
	g.Go(ctx, "device listener", func(ctx context.Context) error { return serveUntil(ctx, s.deviceServer, s.device, drain) })
	g.Go(ctx, "portal listener", func(ctx context.Context) error { return serveUntil(ctx, s.portalServer, s.portal, drain) })
	if s.challenges != nil {
		g.Go(ctx, "challenge listener", func(ctx context.Context) error { return serveUntil(ctx, s.challengeServer, s.challenges, drain) })
	}
	g.Go(ctx, "hang-up", s.reloadOnHangup)
	if extra != nil {
		extra(g)
	}
	// Started last, it is stopped first: systemd hears of the stop when it begins.
	g.Go(ctx, "watchdog", func(ctx context.Context) error {
		err := start.Notify.Watchdog(ctx, s.store.Ping)
		<-ctx.Done()
		start.Log.Info("stopping")
		start.Notify.Stopping()
		return err
	})
	s.announce(ctx)
	err = g.Wait(ctx)
	start.Log.Info("stopped")
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, s.displays.Flush(flush), s.calendars.Flush(flush), s.contacts.flush(flush, s.store))
}

// announce tells the person who started the program, and systemd, where it is.
func (s *serving) announce(ctx context.Context) {
	start := s.start
	start.Log.Info("serving", "portal", s.portalURL.String(), "devices", s.deviceURL.String(), "version", start.Build.Version)
	needs, err := s.people.NeedsSetup(ctx)
	if err != nil {
		start.Log.Error("look for an administrator", "err", err)
	}
	if needs && err == nil {
		link, err := s.newSetupLink(ctx, Nothing{})
		if err != nil {
			start.Log.Error("make the link for the first set-up", "err", err)
		} else {
			fmt.Fprintf(start.Out, "Set up Lintel in a browser with this link, which works once:\n\n  %s\n\n", link.URL)
			if root := s.tls.State().Root; root != nil {
				fmt.Fprintf(start.Out, "The certificate is of this server's own authority, whose SHA-256 fingerprint is\n  %s\n", root.Fingerprint)
			}
		}
	}
	start.Notify.Ready("portal " + s.portalURL.String() + ", devices " + s.deviceURL.String())
}

// linkAddress is the portal's address of a one-time link.
func linkAddress(portal *url.URL, page string, token secret.Text) string {
	u := portal.JoinPath(page)
	u.RawQuery = url.Values{"token": {token.Reveal()}}.Encode()
	return u.String()
}

func (s *serving) reloadOnHangup(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.start.Hangup:
			s.tls.Reload()
		}
	}
}

// close closes what is open, in reverse order; nil parts were never opened.
func (s *serving) close() error {
	var errs []error
	if s.house != nil {
		if s.tls != nil {
			s.tls.Close()
		}
		errs = append(errs, s.house.Close())
	}
	for _, l := range []net.Listener{s.portal, s.device, s.challenges} {
		if l != nil {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// contactedACME notes a request to the ACME server in the list of destinations.
func (s *serving) contactedACME(host string) {
	s.contacts.record(outbound.Contact{Host: host, Port: 443, Purpose: "acme", At: s.start.Now()})
}

func addrPort(l net.Listener) netip.AddrPort {
	a, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		return netip.AddrPort{}
	}
	return a
}

// deviceAddress is the configured address for picture links; "" lets each device have the name by which it
// called.
func deviceAddress(cfg Config, found *url.URL) string {
	if cfg.DeviceURL == "" {
		return ""
	}
	return found.String()
}

// restore puts a backup into an empty data folder.
func restore(ctx context.Context, start Start, in io.Reader) (BackupResult, error) {
	m, err := backup.Restore(ctx, start.Folder.Path(), in)
	return BackupResult{CreatedAt: m.CreatedAt, Schema: m.Schema}, err
}
