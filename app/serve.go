package app

import (
	"context"
	"errors"
	"io"
	"time"
)

// newWiring puts the program together.
func newWiring() wiring {
	return wiring{
		now:   time.Now,
		serve: func(context.Context, Start) error { return errors.New("serve is not wired") },
		demo:  func(context.Context, DemoStart) error { return errors.New("demo is not wired") },
		open: func(context.Context, Start) (Operations, func() error, error) {
			return Operations{}, nil, errors.New("the store is not wired")
		},
		restore: func(context.Context, Start, io.Reader) (BackupResult, error) {
			return BackupResult{}, errors.New("restore is not wired")
		},
	}
}
