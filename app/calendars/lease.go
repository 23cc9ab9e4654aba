package calendars

import "context"

// lease lets one at a time read or write a room. It outlives the room's state in the engine, so that an edited connection
// does not let two in at once.
type lease chan struct{}

func newLease() lease { return make(lease, 1) }

// tryLock reports whether the lease was free; then it is the caller's, who unlocks it.
func (l lease) tryLock() bool {
	select {
	case l <- struct{}{}:
		return true
	default:
		return false
	}
}

// lock waits for its turn as long as ctx.
func (l lease) lock(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l lease) unlock() { <-l }
