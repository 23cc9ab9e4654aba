package connectors

import (
	"context"
	"time"
)

// firstPause is the first pause of Patient; each further one is twice the one before.
const firstPause = 250 * time.Millisecond

// looks is how often something that was written is looked for: over 7.75 seconds.
const looks = 6

// Patient calls try until it is done or fails, at most so many times with growing pauses (4 times are 1.75 seconds in
// all), and reports whether it was done. It is for systems that answer from a copy that lags: what they have taken a moment
// ago is not there yet.
func Patient(ctx context.Context, op string, times int, try func(context.Context) (done bool, err error)) (bool, error) {
	for n, pause := 1, firstPause; ; n, pause = n+1, 2*pause {
		if done, err := try(ctx); done || err != nil || n >= times {
			return done, err
		}
		select {
		case <-ctx.Done():
			return false, &Error{Kind: Transient, Op: op, Code: "stopped", Err: ctx.Err()}
		case <-time.After(pause):
		}
	}
}
