package app

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// workers are goroutines that come and go while the program runs, such as those of a booking system that is
// connected in the portal. The pool as a whole is one member of the Group.
type workers struct {
	log *slog.Logger

	mu      sync.Mutex
	ctx     context.Context // of Run; nil before it
	waiting []func()        // started before Run
	done    bool
	running sync.WaitGroup
}

// workerPause is how long a worker that failed rests before it starts again.
const workerPause = 5 * time.Second

// Go starts f, with a context that ends when the pool stops. A worker that panics or fails is started again.
func (w *workers) Go(name string, f func(context.Context) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.done:
	case w.ctx == nil:
		w.waiting = append(w.waiting, func() { w.start(name, f) })
	default:
		w.start(name, f)
	}
}

// start starts f. w.mu is held.
func (w *workers) start(name string, f func(context.Context) error) {
	ctx := w.ctx
	w.running.Go(func() {
		for {
			err := recovered(ctx, name, w.log, f)
			if err == nil || ctx.Err() != nil {
				return
			}
			w.log.Error("worker failed; it starts again", "task", name, "err", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(workerPause):
			}
		}
	})
}

// Run runs the pool until ctx ends, and returns when all workers have returned.
func (w *workers) Run(ctx context.Context) error {
	w.mu.Lock()
	w.ctx = ctx
	for _, start := range w.waiting {
		start()
	}
	w.waiting = nil
	w.mu.Unlock()
	<-ctx.Done()
	w.mu.Lock()
	w.done = true
	w.mu.Unlock()
	w.running.Wait()
	return nil
}
