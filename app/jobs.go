package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/google/uuid"
)

// Job is one line of the table of background jobs in serve.go. A job is a tick and knows no
// calendar: what is due by a local day it asks app/when, so that a missed midnight, a restart or a
// change of clocks is caught up.
type Job struct {
	Name  string        // unique, for logs and the System page
	Every time.Duration // from start to start; a run that is still going on when the next is due lets it fall out
	First time.Duration // from the program's start to the first run
	Limit time.Duration // then the run's context ends
	Run   func(context.Context) error
}

// JobStatus is what the System page shows of a job.
type JobStatus struct {
	Name     string
	Every    time.Duration
	Running  bool
	LastRun  time.Time // start of the last run; zero: none yet
	Took     time.Duration
	LastErr  string // empty: the last run was well
	LastGood time.Time
	Runs     int
	Failures int
}

// Jobs runs the table.
type Jobs struct {
	jobs []Job
	log  *slog.Logger
	now  func() time.Time

	mu     sync.Mutex
	status map[string]*JobStatus
}

// newJobs refuses a table with a name that stands twice or a job without period, limit or work.
func newJobs(log *slog.Logger, now func() time.Time, jobs []Job) (*Jobs, error) {
	j := &Jobs{jobs: jobs, log: log, now: now, status: make(map[string]*JobStatus, len(jobs))}
	for _, job := range jobs {
		if job.Name == "" || job.Every <= 0 || job.Limit <= 0 || job.First < 0 || job.Run == nil {
			return nil, fmt.Errorf("make job %q: name, period, limit and work are needed", job.Name)
		}
		if j.status[job.Name] != nil {
			return nil, fmt.Errorf("make job %q: the name stands twice", job.Name)
		}
		j.status[job.Name] = &JobStatus{Name: job.Name, Every: job.Every}
	}
	return j, nil
}

// Run runs the jobs until ctx ends; then it ends their contexts and waits for them for ten seconds.
func (j *Jobs) Run(ctx context.Context) error {
	scheduler, err := gocron.NewScheduler(
		gocron.WithLocation(time.UTC),
		gocron.WithLogger(jobLogger{j.log}),
		gocron.WithStopTimeout(jobStopTime),
		gocron.WithGlobalJobOptions(
			gocron.WithSingletonMode(gocron.LimitModeReschedule),
			// Without a listener gocron lets a panic end the process. run recovers by itself; this
			// is for whatever happens outside of it.
			gocron.WithEventListeners(gocron.AfterJobRunsWithPanic(func(_ uuid.UUID, name string, what any) {
				j.log.Error("job panicked", "job", name, "err", fmt.Sprint(what))
			})),
		),
	)
	if err != nil {
		return fmt.Errorf("make scheduler: %w", err)
	}
	stop := func() error {
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), jobStopTime)
		defer cancel()
		return scheduler.ShutdownWithContext(wait)
	}
	for _, job := range j.jobs {
		first := gocron.WithStartImmediately()
		if job.First > 0 {
			first = gocron.WithStartDateTime(j.now().Add(job.First))
		}
		_, err := scheduler.NewJob(gocron.DurationJob(job.Every), gocron.NewTask(func(ctx context.Context) { j.run(ctx, job) }),
			gocron.WithName(job.Name), gocron.WithStartAt(first), gocron.WithContext(ctx))
		if err != nil {
			_ = stop() // nothing has started
			return fmt.Errorf("schedule job %s: %w", job.Name, err)
		}
	}
	scheduler.Start()
	<-ctx.Done()
	if err := stop(); err != nil {
		return fmt.Errorf("stop jobs: %w", err)
	}
	return nil
}

const jobStopTime = 10 * time.Second

// run runs a job once and remembers how it went.
func (j *Jobs) run(ctx context.Context, job Job) {
	stopped := ctx.Err // a run that a stop of the program cut off has not failed
	ctx, cancel := context.WithTimeout(ctx, job.Limit)
	defer cancel()
	started := j.now()
	j.mu.Lock()
	j.status[job.Name].Running = true
	j.status[job.Name].LastRun = started
	j.mu.Unlock()

	err := recovered(ctx, job.Name, j.log, job.Run)
	took := j.now().Sub(started)

	j.mu.Lock()
	s := j.status[job.Name]
	s.Running, s.Took, s.LastErr = false, took, ""
	s.Runs++
	if err == nil {
		s.LastGood = started
	} else if stopped() == nil {
		s.Failures++
		s.LastErr = err.Error()
	}
	failed := s.LastErr != ""
	j.mu.Unlock()

	switch {
	case failed:
		j.log.WarnContext(ctx, "job failed", "job", job.Name, "took", took, "err", err)
	default:
		j.log.DebugContext(ctx, "job ran", "job", job.Name, "took", took)
	}
}

// Status returns how the jobs are, in the order of the table.
func (j *Jobs) Status() []JobStatus {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]JobStatus, 0, len(j.jobs))
	for _, job := range j.jobs {
		out = append(out, *j.status[job.Name])
	}
	return out
}

// jobLogger gives gocron's own lines to slog.
type jobLogger struct{ log *slog.Logger }

func (l jobLogger) Debug(msg string, args ...any) { l.log.Debug("scheduler", "event", msg) }
func (l jobLogger) Info(msg string, args ...any)  { l.log.Debug("scheduler", "event", msg) }
func (l jobLogger) Warn(msg string, args ...any)  { l.log.Warn("scheduler", "event", msg) }
func (l jobLogger) Error(msg string, args ...any) { l.log.Error("scheduler", "event", msg) }
