package calendars

import (
	"container/heap"
	"time"
)

// dueQueue is a heap of rooms by due time.
type dueQueue []*room

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q dueQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push and Pop serve container/heap only.
func (q *dueQueue) Push(x any) {
	r := x.(*room)
	r.index = len(*q)
	*q = append(*q, r)
}

// Pop removes the last element.
func (q *dueQueue) Pop() any {
	old := *q
	r := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	r.index = -1
	return r
}

// enqueue and unqueue keep a room in its system's queue, never with a time at which it may not be asked. Service.mu is held.
func (s *Service) enqueue(r *room) {
	if !r.gone && r.index < 0 {
		r.due = r.allowed(r.due)
		heap.Push(&r.sys.queue, r)
	}
}

func (s *Service) unqueue(r *room) {
	if r.index >= 0 {
		heap.Remove(&r.sys.queue, r.index)
	}
}

// Paces and limits. The numbers come from what the systems bear (reference of the calendar systems,
// sync engine).
const (
	nightEvery  = 5 * time.Minute  // outside opening hours
	hotSpan     = 15 * time.Minute // around starts, ends and touches
	safetyRead  = time.Hour        // a whole read even when every probe says "nothing new"
	calmRead    = 6 * time.Hour    // the same for rooms that the system tells us of by itself
	coalesce    = time.Second      // between a hint and the probe: several changes make one
	postponed   = 5 * time.Second  // until a room comes back that somebody was writing to
	backoffBase = 2 * time.Second
	backoffMax  = 15 * time.Minute
	roomTimeout = 2 * time.Minute // for one probe and read
	authLimit   = 2               // refused sign-ins before we stop: never lock an account
	authPause   = 5 * time.Minute // between them
)

// jitter returns d times 0.8 to 1.2.
func jitter(d time.Duration, random float64) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*random))
}

// backoff returns the full-jitter wait after n failures in a row.
func backoff(n int, random float64) time.Duration {
	d := backoffMax
	if n < 10 {
		d = min(backoffMax, backoffBase<<n)
	}
	return max(time.Second, time.Duration(float64(d)*random))
}
