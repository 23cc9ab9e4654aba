package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// runJobs runs a table for d of a bubble's time. Work takes a moment, as it does outside of a bubble: the scheduler may run a job
// twice in the very nanosecond of its tick if the work has ended in it.
func runJobs(t *testing.T, d time.Duration, table ...Job) *Jobs {
	t.Helper()
	for i, job := range table {
		table[i].Run = func(ctx context.Context) error {
			time.Sleep(time.Millisecond)
			return job.Run(ctx)
		}
	}
	jobs, err := newJobs(quiet(), time.Now, table)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := jobs.Run(ctx); err != nil {
		t.Fatalf("run: %v", err)
	}
	return jobs
}

func TestJobsTick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		jobs := runJobs(t, 30*time.Minute, Job{
			Name: "tick", Every: 10 * time.Minute, First: time.Minute, Limit: time.Minute,
			Run: func(context.Context) error { at = append(at, time.Since(start).Truncate(time.Second)); return nil },
		})
		if got := fmt.Sprint(at); got != "[1m0s 11m0s 21m0s]" {
			t.Errorf("ran at %s", got)
		}
		s := jobs.Status()[0]
		if s.Runs != 3 || s.Failures != 0 || s.LastErr != "" || s.LastGood.Sub(start) != 21*time.Minute || s.Running {
			t.Errorf("status = %+v", s)
		}
	})
}

func TestJobsSurvivePanicErrorAndSlowness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var panics, errs, slow, overlap atomic.Int32
		jobs := runJobs(t, 10*time.Minute+time.Second,
			Job{Name: "panics", Every: time.Minute, Limit: time.Minute, Run: func(context.Context) error {
				panics.Add(1)
				panic("ouch")
			}},
			Job{Name: "fails", Every: time.Minute, Limit: time.Minute, Run: func(context.Context) error {
				if errs.Add(1) > 5 {
					return nil
				}
				return errors.New("no network")
			}},
			Job{Name: "slow", Every: time.Minute, Limit: 150 * time.Second, Run: func(ctx context.Context) error {
				if overlap.Add(1) > 1 {
					t.Error("two runs of one job at once")
				}
				defer overlap.Add(-1)
				slow.Add(1)
				<-ctx.Done()
				return ctx.Err()
			}},
		)
		status := map[string]JobStatus{}
		for _, s := range jobs.Status() {
			status[s.Name] = s
		}
		if s := status["panics"]; s.Failures != 11 || !strings.Contains(s.LastErr, "ouch") {
			t.Errorf("panics: %+v", s)
		}
		if s := status["fails"]; s.Runs != 11 || s.Failures != 5 || s.LastErr != "" {
			t.Errorf("fails: %+v", s)
		}
		// A run of 150 s lets the ticks at 1 and 2 minutes fall out.
		if s := status["slow"]; s.Runs != 4 || s.Took > 150*time.Second || s.Failures != 3 {
			t.Errorf("slow: %+v", s)
		}
	})
}

func TestJobsRefuseAWrongTable(t *testing.T) {
	t.Parallel()
	run := func(context.Context) error { return nil }
	for name, table := range map[string][]Job{
		"no limit":  {{Name: "a", Every: 1, Run: run}},
		"no period": {{Name: "a", Limit: 1, Run: run}},
		"no work":   {{Name: "a", Every: 1, Limit: 1}},
		"twice":     {{Name: "a", Every: 1, Limit: 1, Run: run}, {Name: "a", Every: 1, Limit: 1, Run: run}},
	} {
		if _, err := newJobs(quiet(), time.Now, table); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
