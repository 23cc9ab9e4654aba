package app

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestGroupStopsInReverseOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		member := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second) // whoever was started before must wait for this
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
				return nil
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		g := newGroup(quiet(), time.Minute)
		for _, name := range []string{"store", "jobs", "listener"} {
			g.Go(ctx, name, member(name))
		}
		g.Go(ctx, "done at once", func(context.Context) error { return nil })
		time.AfterFunc(time.Hour, cancel)
		if err := g.Wait(ctx); err != nil {
			t.Error(err)
		}
		if got := strings.Join(order, " "); got != "listener jobs store" {
			t.Errorf("stopped in the order %s", got)
		}
	})
}

func TestGroupStopsWhenOneFails(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errors.New("port lost") },
		"panic": func(context.Context) error { panic("port lost") },
	} {
		synctest.Test(t, func(t *testing.T) {
			stopped := false
			g := newGroup(quiet(), time.Minute)
			g.Go(t.Context(), "other", func(ctx context.Context) error { <-ctx.Done(); stopped = true; return ctx.Err() })
			g.Go(t.Context(), "listener", func(ctx context.Context) error { time.Sleep(time.Minute); return fails(ctx) })
			err := g.Wait(t.Context())
			if err == nil || !strings.Contains(err.Error(), "listener: ") || !strings.Contains(err.Error(), "port lost") || strings.Contains(err.Error(), "other") {
				t.Errorf("%s: %v", name, err)
			}
			if !stopped {
				t.Errorf("%s: the other goroutine was not stopped", name)
			}
		})
	}
}

func TestGroupNamesWhatDoesNotStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		g := newGroup(quiet(), 5*time.Second)
		release := make(chan struct{})
		g.Go(ctx, "stubborn", func(context.Context) error { <-release; return nil })
		begin := time.Now()
		err := g.Wait(ctx)
		if err == nil || err.Error() != "stubborn: it did not stop within 5s" || time.Since(begin) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		close(release)
	})
}
