package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTopicsArriveInOrderAndOnce(t *testing.T) {
	t.Parallel()
	var h Hub
	s := h.Subscribe()
	defer s.Close()
	h.Publish(Topic{Rooms, "b"}, Topic{Rooms, "a"})
	h.Publish(Topic{Rooms, "b"}, Topic{Displays, ""})
	got, err := s.Next(context.Background())
	if diff := cmp.Diff([]Topic{{Rooms, "b"}, {Rooms, "a"}, {Displays, ""}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if more := s.Take(); more != nil {
		t.Errorf("handed over twice: %v", more)
	}
}

func TestNextWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		s := h.Subscribe()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() {
			time.Sleep(time.Second)
			h.Publish(Topic{Systems, "x"})
		}()
		start := time.Now()
		if got, err := s.Next(ctx); err != nil || len(got) != 1 || time.Since(start) != time.Second {
			t.Errorf("got %v, %v after %v", got, err, time.Since(start))
		}
		if _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSlowSubscriberHearsOfTheKinds(t *testing.T) {
	t.Parallel()
	var h Hub
	s := h.Subscribe()
	for i := range 5000 {
		h.Publish(Topic{Rooms, fmt.Sprint(i)})
		h.Publish(Topic{Displays, fmt.Sprint(i % 3)})
	}
	got := s.Take()
	if len(got) > most+2 {
		t.Errorf("%d topics wait", len(got))
	}
	kinds := map[Topic]bool{}
	for _, topic := range got {
		kinds[topic] = true
	}
	if !kinds[Topic{Rooms, ""}] || !kinds[Topic{Displays, ""}] {
		t.Errorf("what was dropped is not told: %d topics", len(got))
	}
	h.Publish(Topic{Rooms, "later"})
	if diff := cmp.Diff([]Topic{{Rooms, "later"}}, s.Take()); diff != "" {
		t.Error(diff)
	}
}

func TestClosedSubscriptionIsForgotten(t *testing.T) {
	t.Parallel()
	var h Hub
	s := h.Subscribe()
	s.Close()
	s.Close()
	h.Publish(Topic{Rooms, "a"})
	if s.Take() != nil || h.Subscribers() != 0 {
		t.Error("it still listens")
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	var h Hub
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 200 {
				s := h.Subscribe()
				h.Publish(Topic{Rooms, fmt.Sprint(i)})
				if len(s.Take()) == 0 {
					t.Error("missed what was published after subscribing")
				}
				s.Close()
			}
		})
	}
	all.Wait()
	if n := h.Subscribers(); n != 0 {
		t.Errorf("%d are left", n)
	}
}
