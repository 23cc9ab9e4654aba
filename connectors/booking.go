package connectors

import (
	"context"
	"errors"
	"time"

	"lintel/app/when"
)

// Verdict is how a verified write ended.
type Verdict int

// The verdicts.
const (
	// Done: the write stands, and no other booking has a better claim.
	Done Verdict = iota + 1
	// Taken: somebody else has the time; nothing of ours was left behind.
	Taken
	// Tie: somebody else wrote within the same tick of the server's clock (or its clock is unknown).
	// Ours was undone; wait a random one to three seconds and call again with the same draft.
	Tie
)

// Outcome is what BookVerified and SetEndVerified report.
type Outcome struct {
	Verdict Verdict
	Event   Event   // ours as read back, when Done
	Others  []Event // who was in the way when Taken or Tie; personal parts included, so disclose with care
	State   []byte  // the newest State of the room, to be stored even with an error; nil when no read succeeded
	// Left is set with an error only: what we wrote is perhaps there, and was neither verified nor undone. Call again
	// with the same draft, or Settle, to end it. Of a booking that was never confirmed it holds token and times alone.
	Left *Event
}

// undoTime bounds an undo, which runs even when the caller has given up.
const undoTime = 20 * time.Second

// BookVerified writes d under the one rule for all systems: read → check → write with token → read
// back. If another booking overlaps by then, ours stays only when the server's clock says that it was
// written strictly earlier; otherwise it is undone. The caller serialises writes per room.
//
// After a timeout call it again with the same token: it finds what the first call wrote. State is the
// room's stored State or nil.
func BookVerified(ctx context.Context, c ReadWriter, room Room, d Draft, state []byte) (Outcome, error) {
	span := when.Interval{From: d.From, To: d.To}
	out := Outcome{State: state}
	ours, others, err := out.look(ctx, c, room, span, func(e Event) bool { return e.Token == d.Token })
	if err != nil {
		return out, err
	}
	if ours == nil {
		if len(others) > 0 {
			out.Verdict, out.Others = Taken, others
			return out, nil
		}
		e, err := c.Book(ctx, room, d)
		if err != nil {
			if Unsure(err) {
				out.Left = &Event{Token: d.Token, From: d.From, To: d.To}
			}
			return out.refused(ctx, c, room, span, func(e Event) bool { return e.Token == d.Token }, err)
		}
		ours = &e
	}
	out.Left = ours
	undo := func(ctx context.Context, e Event) error { return c.Release(ctx, room, e) }
	return out.verify(ctx, c, room, span, func(e Event) bool { return e.Token == d.Token }, undo)
}

// Settle ends a booking that BookVerified has Left: it stands or is undone by the same rule, and is never made again.
// NotFound says that nothing in span carries the token.
func Settle(ctx context.Context, c ReadWriter, room Room, token string, span when.Interval, state []byte) (Outcome, error) {
	out := Outcome{State: state}
	ours, others, err := out.look(ctx, c, room, span, func(e Event) bool { return e.Token == token })
	if err != nil {
		return out, err
	}
	if ours == nil {
		return out, Fail(NotFound, "settle a booking", "nothing carries its token")
	}
	out.Left = ours
	return out.judge(ctx, *ours, others, func(ctx context.Context, e Event) error { return c.Release(ctx, room, e) })
}

// Unsure reports whether a write that failed with err was perhaps carried out all the same: no answer came, or one that
// says neither.
func Unsure(err error) bool {
	switch KindOf(err) {
	case Transient, Invalid, "":
		return err != nil
	}
	return false
}

// SetEndVerified moves the end of ev. An earlier end needs no more than the write; a later one follows
// the rule of BookVerified for the time that is added, and undoing means to restore the old end.
func SetEndVerified(ctx context.Context, c ReadWriter, room Room, ev Event, to time.Time, state []byte) (Outcome, error) {
	out := Outcome{State: state}
	if !to.After(ev.To) {
		e, err := c.SetEnd(ctx, room, ev, to)
		switch {
		case err == nil:
			out.Verdict, out.Event = Done, e
		case Unsure(err):
			out.Left = &ev
		}
		return out, err
	}
	added := when.Interval{From: ev.To, To: to}
	mine := func(e Event) bool { return e.Identity() == ev.Identity() }
	_, others, err := out.look(ctx, c, room, added, mine)
	if err != nil {
		return out, err
	}
	if len(others) > 0 {
		out.Verdict, out.Others = Taken, others
		return out, nil
	}
	e, err := c.SetEnd(ctx, room, ev, to)
	if err != nil {
		if Unsure(err) {
			out.Left = &ev
		}
		return out.refused(ctx, c, room, added, mine, err)
	}
	out.Left = &e
	undo := func(ctx context.Context, e Event) error {
		_, err := c.SetEnd(ctx, room, e, ev.To)
		return err
	}
	return out.verify(ctx, c, room, added, mine, undo)
}

// refused explains a write that failed. Where the system itself refused it, because somebody was faster, the
// time is Taken by whoever is there now; everything else is the error as it came.
func (o Outcome) refused(ctx context.Context, c Connector, room Room, span when.Interval, mine func(Event) bool, err error) (Outcome, error) {
	if !errors.Is(err, Conflict) {
		return o, err
	}
	ours, others, again := o.look(ctx, c, room, span, mine)
	if again != nil || ours != nil || len(others) == 0 {
		return o, err
	}
	o.Verdict, o.Others = Taken, others
	return o, nil
}

// look reads span afresh and returns our event (nil when it is not there) and all others that occupy it.
func (o *Outcome) look(ctx context.Context, c Connector, room Room, span when.Interval, mine func(Event) bool) (*Event, []Event, error) {
	snap, err := c.Read(ctx, ReadRequest{Room: room, Window: span, State: o.State})
	if err != nil {
		return nil, nil, err
	}
	o.State = snap.State
	if !snap.Complete {
		return nil, nil, Fail(Transient, "check for conflicts", "the answer is not complete")
	}
	var ours *Event
	var others []Event
	for _, e := range snap.Events {
		switch {
		case mine(e):
			ours = &e
		case e.Occupies(span):
			others = append(others, e)
		}
	}
	return ours, others, nil
}

// verify reads back what was written, o.Left, and lets it stand or undoes it.
func (o Outcome) verify(ctx context.Context, c Connector, room Room, span when.Interval, mine func(Event) bool,
	undo func(context.Context, Event) error,
) (Outcome, error) {
	ours, others, err := o.look(ctx, c, room, span, mine)
	if err != nil {
		return o, err
	}
	if ours == nil {
		o.Left = nil
		return o, Fail(Conflict, "read back", "what was written is not there any more")
	}
	return o.judge(ctx, *ours, others, undo)
}

// judge lets ours stand beside others or undoes it.
func (o Outcome) judge(ctx context.Context, ours Event, others []Event, undo func(context.Context, Event) error) (Outcome, error) {
	verdict := claim(ours, others)
	if verdict == Done {
		o.Verdict, o.Event, o.Left = Done, ours, nil
		return o, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	if err := undo(ctx, ours); err != nil && !errors.Is(err, NotFound) {
		return o, err
	}
	o.Verdict, o.Others, o.Left = verdict, others, nil
	return o, nil
}

// claim compares the server's stamps: Done when ours is strictly earlier than every other, Taken when
// some other is strictly earlier than ours, else Tie.
func claim(ours Event, others []Event) Verdict {
	v := Done
	for _, e := range others {
		switch {
		case ours.Written.IsZero() || e.Written.IsZero() || e.Written.Equal(ours.Written):
			if v == Done {
				v = Tie
			}
		case e.Written.Before(ours.Written):
			v = Taken
		}
	}
	return v
}
