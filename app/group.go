package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"
)

// Group runs the program's long-lived goroutines: each with a name, a context of its own, and a
// recover. Wait stops them one after the other, the last started first, so that whoever uses
// something stops before it does. Go and Wait are called from one goroutine.
type Group struct {
	log     *slog.Logger
	limit   time.Duration // for each at a stop
	members []*member
	ended   chan *member
}

type member struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	err    error // valid after done is closed
}

// newGroup returns an empty group. At a stop each goroutine gets limit to return.
func newGroup(log *slog.Logger, limit time.Duration) *Group {
	return &Group{log: log, limit: limit, ended: make(chan *member)}
}

// Go starts run. Its context has ctx's values but not its end: Wait ends it when its turn comes.
// When run returns an error or panics, the whole group stops; when it returns nil, the others go on.
func (g *Group) Go(ctx context.Context, name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m := &member{name: name, cancel: cancel, done: make(chan struct{})}
	g.members = append(g.members, m)
	go func() {
		m.err = recovered(ctx, name, g.log, run)
		close(m.done)
		if m.err != nil && ctx.Err() == nil {
			select {
			case g.ended <- m:
			case <-ctx.Done(): // Wait is stopping anyway
			}
		}
	}()
}

// recovered runs run and turns a panic into an error. The stack goes to the log.
func recovered(ctx context.Context, name string, log *slog.Logger, run func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.ErrorContext(ctx, "goroutine panicked", "task", name, "err", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return run(ctx)
}

// Wait returns when ctx has ended, or one goroutine has failed, and all have been stopped. The
// error joins what each of them returned, and names those that did not stop in time.
func (g *Group) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case m := <-g.ended:
		g.log.Error("task failed; the program stops", "task", m.name, "err", m.err)
	}
	var errs []error
	for _, m := range slices.Backward(g.members) {
		m.cancel()
		timeout := time.NewTimer(g.limit)
		select {
		case <-m.done:
			timeout.Stop()
			if m.err != nil && !errors.Is(m.err, context.Canceled) {
				errs = append(errs, fmt.Errorf("%s: %w", m.name, m.err))
			}
		case <-timeout.C:
			g.log.Error("task did not stop in time", "task", m.name)
			errs = append(errs, fmt.Errorf("%s: it did not stop within %s", m.name, g.limit))
		}
	}
	return errors.Join(errs...)
}
