package outbound

import (
	"context"
	"sync"
)

// signing is what a client knows of its sign-ins, to connections and by password.
type signing struct {
	turn chan struct{} // holds one: sign-ins happen one after the other until one has worked

	mu       sync.Mutex
	proven   bool // the last sign-in worked
	refusals int
	refusal  *Response // the last one of a password, without its body
	bound    boundState
	lost     map[string]int // by host:port: how often in a row a connection's sign-in was forgotten
}

// boundState is what a server's refusals taught about channel binding.
type boundState int

const (
	boundUnknown boundState = iota
	boundWorks
	boundRefused // works without
	boundTried   // refused with and without
)

func (s *signing) refusalsSoFar() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusals
}

// enter waits for the turn to sign in, so that a wrong password is not tried by several requests at
// once. It returns nil when the server has refused a sign-in since the request began, with so many
// refusals at that time.
func (s *signing) enter(ctx context.Context, began int) (leave func(), err error) {
	if s.settled() {
		return func() {}, nil
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave = sync.OnceFunc(func() { <-s.turn })
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.proven:
		leave()
		return func() {}, nil
	case s.refusals != began:
		leave()
		return nil, nil
	}
	return leave, nil
}

func (s *signing) settled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proven
}

// bind reports whether the next sign-in is bound, and whether a refusal is worth one try without.
func (s *signing) bind(mode Binding) (bind, fallback bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch mode {
	case BindingNever:
		return false, false
	case BindingAlways:
		return true, false
	}
	return s.bound != boundRefused, s.bound == boundUnknown
}

func (s *signing) accepted(bind, fell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proven = true
	switch {
	case bind:
		s.bound = boundWorks
	case fell:
		s.bound = boundRefused
	}
}

func (s *signing) refused(both bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proven = false
	s.refusals++
	if both {
		s.bound = boundTried
	}
}

func (s *signing) unbound() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bound == boundRefused
}

// forgetful is how often in a row a host forgets a sign-in before it is asked with each request at once. Once
// may be a server's restart.
const forgetful = 2

// eachTime reports whether a host wants a sign-in with each request, and the last one worked.
func (s *signing) eachTime(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proven && s.lost[host] >= forgetful
}

// forgets notes a connection that was signed in and is asked again.
func (s *signing) forgets(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost == nil {
		s.lost = map[string]int{}
	}
	s.lost[host]++
}

// kept notes a connection that stayed signed in.
func (s *signing) kept(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lost, host)
}
