package bookings_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/app/secret"
	"lintel/app/when"
	"lintel/store"
	"lintel/store/storetest"
)

// What the parent tells the child: the data folder, the room and the number of the life.
const (
	killDir  = "LINTEL_TEST_KILL_DIR"
	killRoom = "LINTEL_TEST_KILL_ROOM"
	killLife = "LINTEL_TEST_KILL_LIFE"
)

// Bookings are made by a process that is killed (SIGKILL) at random moments. After each death the database is
// whole and holds every booking that was acknowledged.
func TestKill(t *testing.T) {
	t.Parallel()
	want, perLife := 300, 100
	switch {
	case full():
		want, perLife = 10_000, 400
	case testing.Short():
		want = 50
	}
	dir := storetest.Dir(t)
	room := killHouse(t, dir)
	acknowledged := map[store.BookingID]bool{}
	lives := 0
	for len(acknowledged) < want {
		for _, id := range liveAndDie(t, dir, room, lives, 1+rand.IntN(perLife)) {
			acknowledged[id] = true
		}
		if lives++; lives > 20*want/perLife+100 {
			t.Fatalf("only %d bookings in %d lives", len(acknowledged), lives)
		}
		afterDeath(t, dir, room, acknowledged)
	}
	t.Logf("%d acknowledged bookings, %d kills", len(acknowledged), lives)
}

// killHouse makes a room in a closed store.
func killHouse(t *testing.T, dir string) store.WorkspaceID {
	t.Helper()
	st := openKilled(t, dir)
	h := &house{tb: t, st: st}
	_, floor := h.addBuilding("Main house", "Europe/Zurich")
	room := h.addRoom(floor, "Rigi", 8)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return room
}

func openKilled(t *testing.T, dir string) *store.Store {
	t.Helper()
	st, err := store.Open(context.Background(), dir, store.Options{Box: storetest.Box(t), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// liveAndDie starts the child, kills it some microseconds after so many acknowledgements, and returns all that it
// acknowledged, also those between the decision and the death.
func liveAndDie(t *testing.T, dir string, room store.WorkspaceID, life, after int) []store.BookingID {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir, killRoom+"="+string(room), killLife+"="+strconv.Itoa(life))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []store.BookingID
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n') // a line that was cut off is no acknowledgement
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "acknowledged "); ok {
			ids = append(ids, store.BookingID(id))
			if len(ids) == after {
				time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(ids) < after {
		t.Fatalf("the child ended by itself after %d bookings: %v", len(ids), err)
	}
	return ids
}

// afterDeath opens what the dead process left.
func afterDeath(t *testing.T, dir string, room store.WorkspaceID, acknowledged map[store.BookingID]bool) {
	t.Helper()
	ctx := context.Background()
	st := openKilled(t, dir)
	defer st.Close()
	if wrong, err := st.Integrity(ctx); err != nil || len(wrong) > 0 {
		t.Fatalf("integrity: %v, %v", wrong, err)
	}
	if err := st.View(ctx, func(tx *store.Tx) error {
		list, err := tx.Agenda(room, time.Unix(0, 0), time.Unix(1<<36, 0))
		there := map[store.BookingID]bool{}
		for i, b := range list {
			there[b.ID] = b.Subject == "Planning" // with its people, from the same transaction
			if i > 0 && b.From.Before(list[i-1].To) {
				return fmt.Errorf("%v and %v overlap", list[i-1].Span(), b.Span())
			}
		}
		for id := range acknowledged {
			if !there[id] {
				return fmt.Errorf("%s was acknowledged and is gone", id)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestMain lets the test binary be the process that gets killed.
func TestMain(m *testing.M) {
	if os.Getenv(killDir) == "" {
		os.Exit(m.Run())
	}
	if err := bookUntilKilled(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bookUntilKilled is the child: four workers book one time after the other and acknowledge each. It returns only
// with an error.
func bookUntilKilled() error {
	life, err := strconv.Atoi(os.Getenv(killLife))
	if err != nil {
		return err
	}
	box, err := secret.NewBox(make([]byte, secret.KeySize)) // nothing is sealed here
	if err != nil {
		return err
	}
	st, err := store.Open(context.Background(), os.Getenv(killDir), store.Options{Box: box, Now: time.Now})
	if err != nil {
		return err
	}
	s := bookings.New(st, time.Now, func(store.WorkspaceID) {})
	times := make(chan time.Time)
	go func() {
		at := when.Date{Year: 2027, Month: time.January, Day: 1}.Start(time.UTC).Add(time.Duration(life) * 200 * 24 * time.Hour)
		for ; ; at = at.Add(15 * time.Minute) {
			times <- at
		}
	}()
	failed := make(chan error)
	for range 4 {
		go func() {
			for at := range times {
				b, err := s.Create(context.Background(), people.Job("test"), bookings.Request{
					Workspace: store.WorkspaceID(os.Getenv(killRoom)), Times: bookings.Instants(at, at.Add(15*time.Minute)), Subject: "Planning", Source: store.FromAPI,
				})
				if err != nil {
					failed <- err
					return
				}
				fmt.Printf("acknowledged %s\n", b.ID)
			}
		}()
	}
	return <-failed
}
