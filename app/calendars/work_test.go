package calendars

import (
	"context"
	"testing"
	"time"

	"lintel/connectors"
)

// A calendar over which a connector panics is a failure of that room alone, also when it is the first that is tried.
func TestPanicOverOneRoom(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 4)
	sys := b.systems[b.id]
	attend := func(conn connectors.Connector, rooms []*room) {
		t.Helper()
		sys.conn = conn
		defer func() {
			if recover() == nil {
				t.Error("whoever owns the worker hears nothing")
			}
		}()
		batcher, _ := conn.(connectors.Batcher)
		b.attend(t.Context(), batcher, rooms)
	}
	bad := b.take(sys, 1)
	attend(&gated{script: &m.script, probe: func(context.Context) { panic("odd calendar") }}, bad)
	sys.proven = true
	attend(&gatedMany{many: m, read: func(id string) { panic("odd calendar") }}, b.take(sys, 3))
	sys.conn = m
	if sys.inFlight != 0 || len(sys.queue) != 4 || bad[0].r.ErrorKind != string(connectors.Invalid) {
		t.Fatalf("%d rooms are in hand, %d wait, the first says %q", sys.inFlight, len(sys.queue), bad[0].r.ErrorKind)
	}
	if b.pass(m, backoffMax+time.Minute); m.reads != 4 {
		t.Errorf("%d rooms were read afterwards", m.reads)
	}
}

// A stop in the middle says nothing about what is stored: it is read again, and the log holds no alarm.
func TestStopBeforeTheMarksAreRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	b.now = b.now.Add(2 * time.Minute)
	b.log.Reset()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	b.syncRoom(ctx, b.take(b.systems[b.id], 1)[0])
	if b.log.Len() > 0 || b.sys.probes != 1 {
		t.Errorf("%d probes, the log: %s", b.sys.probes, b.log)
	}
}
