//go:build linux

package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lintel/app/people"
	"lintel/app/when"
	"lintel/connectors/conntest"
	"lintel/store"
)

// The house of the budgets of start and of memory.
const (
	startUsers = 5000
	startRooms = 500
)

// TestMain lets the test binary be the program itself, when it is called by the program's name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "lintel" {
		os.Exit(Main(context.Background(), os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// BenchmarkStart starts the program on the data of 5,000 users and of 500 rooms with their displays, and leaves it
// alone until it is idle. The budget: "s/start", to the first answer, is below 0.3, "MB/idle" below 64. The yardstick
// of the start is the shortest life that the program has: "starts/version" of it.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	fillForStart(b, dir)
	var starts, versions []time.Duration
	var resident, own []float64
	for b.Loop() {
		begin := time.Now()
		if err := lintel("version").Run(); err != nil {
			b.Fatal(err)
		}
		versions = append(versions, time.Since(begin))
		p := startProgram(b, dir)
		starts = append(starts, p.started)
		p.settle(b)
		resident, own = append(resident, p.memory(b, "VmRSS")), append(own, p.memory(b, "RssAnon"))
		p.stop(b)
	}
	start, version := median(starts), median(versions)
	b.ReportMetric(start.Seconds(), "s/start")
	b.ReportMetric(float64(start)/float64(version), "starts/version")
	b.ReportMetric(median(resident), "MB/idle")
	b.ReportMetric(median(own), "MB/anonymous") // without what lies in files and can be read again
	b.ReportMetric(0, "ns/op")                  // of all of it together: it says nothing
}

func median[T float64 | time.Duration](v []T) T {
	slices.Sort(v)
	return v[len(v)/2]
}

// lintel is a command of the program.
func lintel(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err) // Linux always knows
	}
	return &exec.Cmd{Path: self, Args: append([]string{"lintel"}, args...), Env: []string{"HOME=/nonexistent", "GOCOVERDIR=" + os.TempDir()}}
}

// process is a running server.
type process struct {
	cmd     *exec.Cmd
	said    *bytes.Buffer
	portal  string        // its address
	started time.Duration // until its first answer
}

func startProgram(b testing.TB, dir string, env ...string) *process {
	b.Helper()
	portal, device := conntest.Reserve(b), conntest.Reserve(b)
	p := &process{cmd: lintel("serve"), said: &bytes.Buffer{}, portal: portal}
	p.cmd.Env = append(append(p.cmd.Env, "LINTEL_DATA_DIR="+dir, "LINTEL_LISTEN="+portal, "LINTEL_DEVICE_LISTEN="+device), env...)
	p.cmd.Stderr = p.said
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // it is our own child
	}}
	defer client.CloseIdleConnections()
	for time.Since(begin) < 2*time.Minute {
		for _, scheme := range []string{"https", "http"} {
			resp, err := client.Get(scheme + "://" + portal + "/healthz")
			if err != nil {
				continue
			}
			p.started = time.Since(begin)
			if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
				continue
			}
			return p
		}
		time.Sleep(time.Millisecond)
	}
	p.stop(b)
	b.Fatalf("no answer within two minutes: %s", p.said)
	return nil
}

// settle waits until the program does nothing but wait: its pictures are drawn, and for three seconds it took less
// than a twentieth of a processor.
func (p *process) settle(b *testing.B) {
	b.Helper()
	for quiet, before := 0, time.Duration(0); quiet < 3; {
		time.Sleep(time.Second)
		now := p.worked(b)
		if quiet++; now-before > 50*time.Millisecond {
			quiet = 0
		}
		before = now
	}
}

// worked returns how long the process has kept processors busy.
func (p *process) worked(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	// Past the name, in brackets, the 12th and 13th field are ticks of 10 ms.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks int
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// memory returns one of the kernel's figures of the process in MB.
func (p *process) memory(b *testing.B, field string) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) * 1024 / 1e6
		}
	}
	b.Fatalf("no %s in %s", field, status)
	return 0
}

func (p *process) stop(b testing.TB) {
	b.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Error(err)
	}
	if err := p.cmd.Wait(); err != nil {
		b.Errorf("stop: %v: %s", err, p.said)
	}
}

// fillForStart makes the data folder of a house that has been used.
func fillForStart(b *testing.B, dir string) {
	b.Helper()
	folder, err := openFolder(dir)
	if err != nil {
		b.Fatal(err)
	}
	key, err := folderKey(folder)
	if err != nil {
		b.Fatal(err)
	}
	h, err := openHouse(context.Background(), Start{Folder: folder, Key: key, Log: slog.New(slog.DiscardHandler), Out: io.Discard, Now: time.Now}, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	building, floor := store.NewID[store.BuildingID](), store.NewID[store.FloorID]()
	steps := []func(*store.Tx) error{func(tx *store.Tx) error {
		if err := tx.SetOrganisation(store.Organisation{Name: "House", Language: "en"}); err != nil {
			return err
		}
		if err := tx.InsertBuilding(store.Building{
			ID: building, Name: "Main", Zone: "Europe/Zurich", Language: "en", WorkingDays: store.MondayToFriday, HostedRetention: store.RetainMidnight,
		}); err != nil {
			return err
		}
		return tx.InsertFloor(store.Floor{ID: floor, BuildingID: building, Name: "Ground"})
	}}
	var persons []store.PersonID
	for i := range startUsers {
		steps = append(steps, func(tx *store.Tx) error {
			person, err := tx.FindOrCreatePerson(fmt.Sprintf("Person %d", i), fmt.Sprintf("person%d@example.org", i))
			persons = append(persons, person)
			if err != nil {
				return err
			}
			role := people.User
			if i == 0 {
				role = people.Administrator
			}
			return tx.CreateAccount(store.Account{
				ID: store.NewID[store.AccountID](), Person: person, Login: fmt.Sprintf("person%d", i), Grants: []store.RoleGrant{{Role: string(role)}},
			}, "$argon2id$never")
		})
	}
	zone, err := when.LoadZone("Europe/Zurich")
	if err != nil {
		b.Fatal(err)
	}
	today := when.DayOf(time.Now(), zone)
	for i := range startRooms {
		steps = append(steps, func(tx *store.Tx) error {
			w := store.Workspace{ID: store.NewID[store.WorkspaceID](), FloorID: floor, Kind: store.Room, Name: fmt.Sprintf("Room %03d", i), Seats: 6, ShowSubject: true, ShowOrganizer: true, Bookable: true}
			if err := tx.InsertWorkspace(w); err != nil {
				return err
			}
			if err := tx.InsertDisplay(store.Display{
				ID: store.NewID[store.DisplayID](), Protocol: store.ProtocolTRMNL, State: store.DisplayApproved, Workspace: w.ID, Width: 800, Height: 480,
				Palette: store.PaletteBW, Encoding: store.EncodingPNG, Template: store.TemplateDay, KeyHash: fmt.Appendf(nil, "%032d", i), BatteryPercent: -1,
			}); err != nil {
				return err
			}
			for n := range 24 {
				from := when.Wall{Date: today.Add(n / 4), Minute: (9 + n%4*2) * 60}
				to := from
				to.Minute += 60
				if err := tx.InsertBooking(store.Booking{
					ID: store.NewID[store.BookingID](), Workspace: w.ID, Hosted: true, From: from.In(zone), To: to.In(zone), FromWall: from, ToWall: to,
					Zone: zone.String(), Source: store.FromPortal, Subject: "Planning", Organizer: persons[(i*7+n)%len(persons)],
				}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for part := range slices.Chunk(steps, 500) {
		if err := h.store.Update(context.Background(), func(tx *store.Tx) error {
			for _, step := range part {
				if err := step(tx); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		b.Fatal(err)
	}
	if err := folder.Close(); err != nil {
		b.Fatal(err)
	}
}
