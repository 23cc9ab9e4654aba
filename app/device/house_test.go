package device

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"lintel/app/displays"
	"lintel/app/people"
	"lintel/app/when"
	"lintel/render"
	"lintel/store"
	"lintel/store/storetest"
)

// house is a building with two rooms, its displays and a device listener over loopback. The house's clock is the test's; the
// listener's is the real one.
type house struct {
	testing.TB
	dir   string
	st    *store.Store
	svc   *displays.Service
	opts  Options
	srv   *httptest.Server
	rooms []store.WorkspaceID
	admin people.Actor

	mu       sync.Mutex
	t        time.Time
	requests []string // paths, in order
}

var renderer = sync.OnceValues(func() (*render.Renderer, error) { return render.New(render.Options{}) })

// newHouse opens on a Monday at 08:30 in Zurich.
func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{TB: t, dir: storetest.Dir(t), admin: people.Setup("test"), t: at(t, "2026-11-23T08:30")}
	h.open()
	t.Cleanup(func() {
		if err := h.st.Close(); err != nil {
			t.Error(err)
		}
	})
	building, floor := store.NewID[store.BuildingID](), store.NewID[store.FloorID]()
	h.update(func(tx *store.Tx) error {
		if err := tx.SetOrganisation(store.Organisation{Name: "House", Language: "en"}); err != nil {
			return err
		}
		if err := tx.InsertBuilding(store.Building{
			ID: building, Name: "Main", Zone: "Europe/Zurich", Language: "en", WorkingDays: store.MondayToFriday, HostedRetention: store.RetainMidnight,
		}); err != nil {
			return err
		}
		if err := tx.InsertFloor(store.Floor{ID: floor, BuildingID: building, Name: "Ground"}); err != nil {
			return err
		}
		for _, name := range []string{"Säntis", "Rigi"} {
			id := store.NewID[store.WorkspaceID]()
			h.rooms = append(h.rooms, id)
			if err := tx.InsertWorkspace(store.Workspace{ID: id, FloorID: floor, Kind: store.Room, Name: name, ShowSubject: true, ShowOrganizer: true, Bookable: true}); err != nil {
				return err
			}
		}
		return nil
	})
	h.load()
	h.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.requests = append(h.requests, r.URL.Path)
		handler := New(h.opts)
		h.mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(h.srv.Close)
	return h
}

func at(t testing.TB, wall string) time.Time {
	t.Helper()
	z, err := when.LoadZone("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	w, err := when.ParseWall(wall)
	if err != nil {
		t.Fatal(err)
	}
	return w.In(z)
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.t
}

// pass lets time pass and does what is due then.
func (h *house) pass(d time.Duration) {
	h.Helper()
	h.mu.Lock()
	h.t = h.t.Add(d)
	h.mu.Unlock()
	h.tick()
}

func (h *house) tick() {
	h.Helper()
	if err := h.svc.Tick(context.Background()); err != nil {
		h.Fatal(err)
	}
}

func (h *house) open() {
	h.Helper()
	st, err := store.Open(h.Context(), h.dir, store.Options{Box: storetest.Box(h), Now: h.now})
	if err != nil {
		h.Fatal(err)
	}
	h.st = st
}

func (h *house) load() {
	h.Helper()
	r, err := renderer()
	if err != nil {
		h.Fatal(err)
	}
	svc := displays.New(displays.Options{Store: h.st, Now: h.now, Renderer: r, PortalURL: "https://rooms.example.com"})
	if err := svc.Load(h.Context()); err != nil {
		h.Fatal(err)
	}
	h.mu.Lock()
	h.svc = svc
	h.opts.Displays, h.opts.Now, h.opts.Build = svc, time.Now, "build-1"
	h.mu.Unlock()
}

// restart stops the program and starts it again; the listener's address stays.
func (h *house) restart() {
	h.Helper()
	if err := h.svc.Flush(context.Background()); err != nil {
		h.Fatal(err)
	}
	if err := h.st.Close(); err != nil {
		h.Fatal(err)
	}
	h.open()
	h.load()
}

func (h *house) update(f func(*store.Tx) error) {
	h.Helper()
	if err := h.st.Update(context.Background(), f); err != nil {
		h.Fatal(err)
	}
}

// book books a room on that Monday.
func (h *house) book(ws store.WorkspaceID, from, to, subject string) {
	h.Helper()
	b := store.Booking{
		ID: store.NewID[store.BookingID](), Workspace: ws, Hosted: true, Zone: "Europe/Zurich", Source: store.FromPortal, Subject: subject,
		From: at(h, "2026-11-23T"+from), To: at(h, "2026-11-23T"+to),
	}
	h.update(func(tx *store.Tx) error { return tx.InsertBooking(b) })
	h.svc.RoomChanged(ws)
	h.tick()
}

// add makes a display for the first room and returns its key.
func (h *house) add(p store.Protocol, change func(*displays.Settings)) (store.DisplayID, string) {
	h.Helper()
	c := displays.Settings{Workspace: h.rooms[0], Template: store.TemplateDay, Width: 800, Height: 480, Palette: store.PaletteBW, Encoding: store.EncodingPNG}
	if change != nil {
		change(&c)
	}
	id, key, err := h.svc.Add(context.Background(), h.admin, p, "", c)
	if err != nil {
		h.Fatal(err)
	}
	return id, key.Reveal()
}

func (h *house) approve(code string) store.DisplayID {
	h.Helper()
	id, err := h.svc.Approve(context.Background(), h.admin, displays.Approval{Code: code, Workspace: h.rooms[0], Name: "Door"})
	if err != nil {
		h.Fatal(err)
	}
	return id
}

// downloads counts the pictures that were fetched so far.
func (h *house) downloads() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.requests {
		if strings.HasPrefix(p, "/img/") {
			n++
		}
	}
	return n
}

// reply is an answer as a device sees it.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request as a device does: no compression, no redirects followed. Headers come in pairs.
func (h *house) ask(method, url, body string, headers ...string) reply {
	h.Helper()
	if strings.HasPrefix(url, "/") {
		url = h.srv.URL + url
	}
	req, err := http.NewRequestWithContext(h.Context(), method, url, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "ESP32HTTPClient")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header[headers[i]] = []string{headers[i+1]} // as written: HTTP does not care for case
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		h.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.Fatal(err)
	}
	if method != "HEAD" && res.StatusCode != http.StatusNoContent && res.StatusCode != http.StatusNotModified {
		if res.ContentLength != int64(len(b)) || len(res.TransferEncoding) > 0 {
			h.Errorf("%s %s: %d bytes, Content-Length %d, transfer %v", method, url, len(b), res.ContentLength, res.TransferEncoding)
		}
	}
	if res.Header.Get("Content-Encoding") != "" {
		h.Errorf("%s %s is compressed", method, url)
	}
	return reply{res.StatusCode, res.Header, b}
}
