package app

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func TestNotify(t *testing.T) {
	t.Parallel()
	for _, abstract := range []bool{false, true} {
		name := filepath.Join(t.TempDir(), "notify")
		env := map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "40000"}
		if abstract {
			unique := "lintel-test-" + strconv.FormatInt(time.Now().UnixNano(), 36)
			name, env["NOTIFY_SOCKET"] = "\x00"+unique, "@"+unique
		}
		socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		received := func() string {
			if err := socket.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 512)
			n, err := socket.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			return string(buf[:n])
		}
		n := newNotifier(env)
		n.Ready("on http://a\nREADY=0")
		if got := received(); got != "READY=1\nSTATUS=on http://a READY=0" {
			t.Errorf("ready: %q", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		sick := make(chan error, 1)
		sick <- errors.New("no database")
		done := make(chan error, 1)
		go func() {
			done <- n.Watchdog(ctx, func(context.Context) error {
				select {
				case err := <-sick:
					return err
				default:
					return nil
				}
			})
		}()
		if got := received(); got != "STATUS=not healthy: no database" {
			t.Errorf("sick: %q", got)
		}
		if got := received(); got != "WATCHDOG=1" {
			t.Errorf("well: %q", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		n.Stopping()
		for got := received(); got != "STOPPING=1\nSTATUS=stopping"; got = received() {
			if got != "WATCHDOG=1" {
				t.Errorf("stopping: %q", got)
			}
		}
	}
}

func TestNotifyWithoutSystemd(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{{}, {"NOTIFY_SOCKET": "/does/not/exist"}, {"NOTIFY_SOCKET": "/does/not/exist", "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}} {
		n := newNotifier(env)
		n.Ready("x")
		n.Stopping()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := n.Watchdog(ctx, func(context.Context) error { t.Error("asked though nobody listens"); return nil }); err != nil {
			t.Error(err)
		}
	}
}
