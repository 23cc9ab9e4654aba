package outbound

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"lintel/connectors"
)

// Stream sends a request and returns its answer while it still comes in, over a connection of its own
// that is signed in like any other. ClientOptions.Timeout holds until the answer begins; from then on
// only ClientOptions.Idle, the longest silence while Read waits, and ctx. Read fails with a
// *connectors.Error, or with io.EOF at the end. The caller closes the body, which is never nil without
// an error.
//
// An answer other than a success is read at once: Response.Body has it, and so has the reader. See
// Response.Err.
func (c *Client) Stream(ctx context.Context, req Request) (io.ReadCloser, *Response, error) {
	parent := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	begin := time.AfterFunc(c.opt.Timeout, func() { cancel(errSilent) })
	l := c.newLane()
	resp, err := c.follow(ctx, call{req: req, lane: l, stream: true})
	if !begin.Stop() && err == nil {
		err = errSilent
	}
	end := func() {
		cancel(nil)
		l.rt.CloseIdleConnections()
	}
	if err != nil {
		if resp != nil && resp.stream != nil {
			_ = resp.stream.Close()
		}
		err = streamError(parent, ctx, req.Op, err)
		end()
		return nil, nil, err
	}
	if resp.stream == nil {
		end()
		return io.NopCloser(bytes.NewReader(resp.Body)), resp, nil
	}
	s := &stream{body: resp.stream, parent: parent, ctx: ctx, end: end, op: req.Op, idle: c.opt.Idle}
	s.watch = time.AfterFunc(s.idle, func() { cancel(errSilent) })
	s.watch.Stop()
	resp.stream = nil
	return s, resp, nil
}

// errSilent is a server that says nothing for too long.
var errSilent = errors.New("silence")

// stream is the body of an answer that still comes in.
type stream struct {
	body        io.ReadCloser
	parent, ctx context.Context
	end         func()
	op          string
	idle        time.Duration
	watch       *time.Timer
}

// Read waits at most the idle time for the next bytes.
func (s *stream) Read(p []byte) (int, error) {
	s.watch.Reset(s.idle)
	n, err := s.body.Read(p)
	s.watch.Stop()
	if err != nil && err != io.EOF {
		err = streamError(s.parent, s.ctx, s.op, err)
	}
	return n, err
}

// Close closes the connection.
func (s *stream) Close() error {
	s.watch.Stop()
	err := s.body.Close()
	s.end()
	return err
}

func streamError(parent, ctx context.Context, op string, err error) error {
	if parent.Err() == nil && errors.Is(context.Cause(ctx), errSilent) {
		return &connectors.Error{Kind: connectors.Transient, Op: op, Code: "time-out"}
	}
	return netError(parent, ctx, op, err)
}
