package connectors

import (
	"context"
	"time"
)

// The pauses of Patient: each is twice the one before, 7.75 seconds in all.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 4 * time.Second
)

// Patient calls try until it is done or fails, a few times over some seconds, and reports whether it was done. It is for
// systems that answer from a copy that lags: what they have taken a moment ago is not there yet.
func Patient(ctx context.Context, op string, try func(context.Context) (done bool, err error)) (bool, error) {
	for pause := firstPause; ; pause *= 2 {
		if done, err := try(ctx); done || err != nil || pause > lastPause {
			return done, err
		}
		select {
		case <-ctx.Done():
			return false, &Error{Kind: Transient, Op: op, Code: "stopped", Err: ctx.Err()}
		case <-time.After(pause):
		}
	}
}
