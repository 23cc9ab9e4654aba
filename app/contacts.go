package app

import (
	"context"
	"sync"
	"time"

	"lintel/connectors/outbound"
	"lintel/store"
)

// contacts counts requests to the outside until they are stored: the list of every destination that
// was ever contacted costs a request nothing.
type contacts struct {
	mu   sync.Mutex
	seen map[contactKey]*contactCount
}

type contactKey struct {
	host    string
	port    int
	purpose string
}

type contactCount struct {
	last  time.Time
	count int
}

// record notes one request.
func (c *contacts) record(o outbound.Contact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[contactKey]*contactCount{}
	}
	k := contactKey{o.Host, o.Port, o.Purpose}
	if c.seen[k] == nil {
		c.seen[k] = &contactCount{}
	}
	c.seen[k].last = o.At
	c.seen[k].count++
}

// flush stores what was counted; what can't be stored is kept for the next time.
func (c *contacts) flush(ctx context.Context, st *store.Store) error {
	c.mu.Lock()
	seen := c.seen
	c.seen = nil
	c.mu.Unlock()
	if len(seen) == 0 {
		return nil
	}
	err := st.Update(ctx, func(tx *store.Tx) error {
		for k, n := range seen {
			if err := tx.RecordDestination(k.host, k.port, k.purpose, n.last, n.count); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, n := range c.seen {
		if seen[k] == nil {
			seen[k] = n
			continue
		}
		seen[k].count += n.count
		seen[k].last = n.last
	}
	c.seen = seen
	return err
}
