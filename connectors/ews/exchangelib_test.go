package ews_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"lintel/connectors"
	"lintel/connectors/ews/ewstest"
)

// client is a running exchangelib, an EWS client that shares nothing with us.
type client struct {
	t   testing.TB
	in  io.Writer
	out *bufio.Scanner
	err *bytes.Buffer
}

func exchangelib(t testing.TB, s *ewstest.Server) *client {
	t.Helper()
	python := ""
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), name, "-c", "import exchangelib").Run() == nil {
			python = name
			break
		}
	}
	if python == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("exchangelib is not installed, and with CI=true nothing is skipped")
		}
		t.Skip("exchangelib is not installed: apt-get install --no-install-recommends python3-exchangelib")
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/client.py", s.URL(), ewstest.User, ewstest.Password, room1)
	cmd.WaitDelay = 5 * time.Second
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	c := &client{t: t, in: in, out: bufio.NewScanner(out), err: &bytes.Buffer{}}
	cmd.Stderr = c.err
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	c.read("ready")
	return c
}

func (c *client) read(want string) {
	c.t.Helper()
	if !c.out.Scan() {
		c.t.Fatalf("exchangelib ended:\n%s", c.err)
	}
	if got := c.out.Text(); got != want {
		c.t.Errorf("exchangelib says %q, want %q\n%s", got, want, c.err)
	}
}

// do gives a command and compares the answer.
func (c *client) do(command, want string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, command+"\n"); err != nil {
		c.t.Fatal(err)
	}
	c.read(want)
}

// An independent client works with the fake, and Lintel sees what it does, and the other way round: so the
// fake is no mirror of our own mistakes.
func TestExchangelib(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	s.AddUser("boss@rooms.test", "Boss")
	their := exchangelib(t, s)
	c := open(t, config(s))
	room := connectors.Room{ID: room1, Zone: zurich(t)}
	seen := func(want ...string) {
		t.Helper()
		snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: room, Window: day()})
		must(t, err)
		var got []string
		for _, e := range snap.Events {
			got = append(got, e.From.Format("15:04-")+e.To.Format("15:04 ")+e.Subject)
		}
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
			t.Errorf("Lintel sees %q, want %q", got, want)
		}
	}
	ch, err := c.Probe(t.Context(), room, nil)
	must(t, err)
	changed := func(want bool) {
		t.Helper()
		next, err := c.Probe(t.Context(), room, ch.Next)
		must(t, err)
		if next.Changed != want {
			t.Errorf("changed: %v", next.Changed)
		}
		ch = next
	}
	their.do("sync", "nothing")
	their.do("rooms", room1)
	their.do("names", room1)
	their.do("create", "True True")
	changed(true)
	seen("09:00-10:00 From <exchangelib> & Größe")
	their.do("sync", "create")
	their.do("extend", "done")
	changed(true)
	seen("09:00-11:00 From <exchangelib> & Größe")
	their.do("sync", "update")
	their.do("view", "23 09:00-11:00 From <exchangelib> & Größe")
	their.do("stale", "ErrorIrresolvableConflict")
	changed(false)
	// What Lintel books is there for others.
	from := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	ev, err := c.Book(t.Context(), room, connectors.Draft{Token: "token-of-ours", From: from, To: from.Add(time.Hour), Subject: "From <Lintel> & Größe", Organizer: "Ada"})
	must(t, err)
	their.do("sync", "create")
	their.do("view", "23 09:00-11:00 From <exchangelib> & Größe | 23 13:00-14:00 From <Lintel> & Größe")
	ev, err = c.SetEnd(t.Context(), room, ev, from.Add(30*time.Minute))
	must(t, err)
	their.do("sync", "update")
	must(t, c.Release(t.Context(), room, ev))
	their.do("sync", "delete")
	changed(true)
	their.do("delete", "done")
	changed(true)
	seen()
	their.do("view", "nothing")
	their.do("denied", "ErrorAccessDenied")
}
