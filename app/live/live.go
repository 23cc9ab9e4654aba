// Package live tells open pages and panels that something changed, by kind and id only: whoever hears it
// asks for the content itself, with its own rights.
package live

import (
	"context"
	"sync"
)

// Topic is what changed. ID is "" when it is the kind as a whole.
type Topic struct{ Kind, ID string }

// The kinds of topics.
const (
	Rooms    = "rooms"    // agenda or state of a workspace; ID is the workspace
	Displays = "displays" // a display; ID is the display
	Systems  = "systems"  // a booking system; ID is the system
	Places   = "places"   // buildings, floors, workspaces
)

// most is how many topics wait for one subscriber. A subscriber that is further behind hears of the
// kinds as a whole.
const most = 256

// Hub hands topics to its subscribers. Its zero value is ready. It starts no goroutine and Publish never
// waits for a subscriber.
type Hub struct {
	mu   sync.Mutex
	subs map[*Subscription]struct{}
}

// Subscription collects topics for one reader. A topic that is published again before it was read is
// handed over once.
type Subscription struct {
	hub     *Hub
	mu      sync.Mutex
	order   []Topic
	waiting map[Topic]struct{}
	wake    chan struct{} // holds one token while something waits
}

// Publish tells all subscribers.
func (h *Hub) Publish(topics ...Topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		s.add(topics)
	}
}

// Subscribe returns a new subscription; its reader closes it.
func (h *Hub) Subscribe() *Subscription {
	s := &Subscription{hub: h, waiting: map[Topic]struct{}{}, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[*Subscription]struct{}{}
	}
	h.subs[s] = struct{}{}
	return s
}

// Subscribers returns how many subscriptions are open.
func (h *Hub) Subscribers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs)
}

// Close ends the subscription. A second call does nothing.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.subs, s)
}

func (s *Subscription) add(topics []Topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range topics {
		if len(s.order) >= most {
			s.coarsen()
		}
		if _, known := s.waiting[Topic{Kind: t.Kind}]; known {
			continue
		}
		if _, known := s.waiting[t]; !known {
			s.waiting[t] = struct{}{}
			s.order = append(s.order, t)
		}
	}
	select {
	case s.wake <- struct{}{}:
	default: // a token is there already
	}
}

// coarsen replaces what waits by its kinds. The kinds are few and fixed, so that makes room.
func (s *Subscription) coarsen() {
	old := s.order
	s.order, s.waiting = nil, map[Topic]struct{}{}
	for _, t := range old {
		whole := Topic{Kind: t.Kind}
		if _, known := s.waiting[whole]; !known {
			s.waiting[whole] = struct{}{}
			s.order = append(s.order, whole)
		}
	}
}

// Wake has a token while something waits: select on it beside other events, then call Take.
func (s *Subscription) Wake() <-chan struct{} { return s.wake }

// Take returns what waits, oldest first, without waiting for more.
func (s *Subscription) Take() []Topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.order
	s.order, s.waiting = nil, map[Topic]struct{}{}
	return out
}

// Next waits until something was published and returns it, or returns the context's error.
func (s *Subscription) Next(ctx context.Context) ([]Topic, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.wake:
			if topics := s.Take(); len(topics) > 0 {
				return topics, nil
			}
		}
	}
}
