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
// What is read back counts only when it shows what was written: a system may answer from a copy that lags, and where it
// shows ours it shows all that was written before.
//
// After a timeout call it again with the same token: it finds what the first call wrote. State is the
// room's stored State or nil.
func BookVerified(ctx context.Context, c ReadWriter, room Room, d Draft, state []byte) (Outcome, error) {
	w := writing{
		c: c, room: room, span: when.Interval{From: d.From, To: d.To}, want: when.Interval{From: d.From, To: d.To},
		mine: func(e Event) bool { return e.Token == d.Token },
		undo: func(ctx context.Context, e Event) error { return c.Release(ctx, room, e) },
	}
	out := Outcome{State: state}
	ours, others, err := out.look(ctx, w)
	if err == nil && ours != nil {
		ours, err = out.stands(ctx, w, *ours)
	}
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
			return out.refused(ctx, w, err)
		}
		ours = &e
	}
	out.Left = ours
	return out.verify(ctx, w)
}

// writing is one verified write.
type writing struct {
	c    ReadWriter
	room Room
	span when.Interval                      // that it takes
	want when.Interval                      // the times of our event when it is done
	mine func(Event) bool                   // which event is ours
	undo func(context.Context, Event) error // takes it back
}

// Settle ends a booking that BookVerified has Left: it stands or is undone by the same rule, and is never made again.
// NotFound says that nothing in span carries the token.
func Settle(ctx context.Context, c ReadWriter, room Room, token string, span when.Interval, state []byte) (Outcome, error) {
	w := writing{
		c: c, room: room, span: span, want: span,
		mine: func(e Event) bool { return e.Token == token },
		undo: func(ctx context.Context, e Event) error { return c.Release(ctx, room, e) },
	}
	out := Outcome{State: state}
	ours, others, err := out.look(ctx, w)
	if err == nil && ours != nil {
		ours, err = out.stands(ctx, w, *ours)
	}
	if err != nil {
		return out, err
	}
	if ours == nil {
		return out, Fail(NotFound, "settle a booking", "nothing carries its token")
	}
	out.Left = ours
	return out.judge(ctx, w, *ours, others)
}

// Unsure reports whether a write that failed with err was perhaps carried out all the same: no answer came, or one that
// says neither, or what failed came after it.
func Unsure(err error) bool {
	var e *Error
	if errors.As(err, &e) && e.Stands {
		return true
	}
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
	w := extending(c, room, ev, to)
	ours, others, err := out.look(ctx, w)
	if err != nil {
		return out, err
	}
	if ours == nil || !sameSpan(ours.Span(), w.want) { // else an earlier call has moved it, and nobody has judged that
		if len(others) > 0 {
			out.Verdict, out.Others = Taken, others
			return out, nil
		}
		e, err := c.SetEnd(ctx, room, ev, to)
		if err != nil {
			if Unsure(err) {
				out.Left = &ev
			}
			return out.refused(ctx, w, err)
		}
		ours = &e
	}
	out.Left = ours
	return out.verify(ctx, w)
}

// SettleEnd ends a later end that SetEndVerified has Left: it stands or the old end is restored by the same rule. Of ev it
// needs identity and times. NotFound says that the occurrence does not end at to.
func SettleEnd(ctx context.Context, c ReadWriter, room Room, ev Event, to time.Time, state []byte) (Outcome, error) {
	out, w := Outcome{State: state}, extending(c, room, ev, to)
	ours, others, err := out.look(ctx, w)
	if err != nil {
		return out, err
	}
	if ours == nil || !sameSpan(ours.Span(), w.want) {
		return out, Fail(NotFound, "settle an end", "the event does not end then")
	}
	out.Left = ours
	return out.judge(ctx, w, *ours, others)
}

// extending is the writing that moves the end of ev to a later one.
func extending(c ReadWriter, room Room, ev Event, to time.Time) writing {
	return writing{
		c: c, room: room, span: when.Interval{From: ev.To, To: to}, want: when.Interval{From: ev.From, To: to},
		mine: func(e Event) bool { return e.Identity() == ev.Identity() },
		undo: func(ctx context.Context, e Event) error {
			_, err := c.SetEnd(ctx, room, e, ev.To)
			return err
		},
	}
}

func sameSpan(a, b when.Interval) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) }

// refused explains a write that failed. Where the system itself refused it, because somebody was faster, the
// time is Taken by whoever is there now; where it was we, in an earlier call, that one is judged. Everything else is the
// error as it came.
func (o Outcome) refused(ctx context.Context, w writing, err error) (Outcome, error) {
	if !errors.Is(err, Conflict) {
		return o, err
	}
	ours, others, again := o.look(ctx, w)
	switch {
	case again != nil:
	case ours != nil && sameSpan(ours.Span(), w.want):
		o.Left = ours
		return o.judge(ctx, w, *ours, others)
	case ours == nil && len(others) > 0:
		o.Verdict, o.Others = Taken, others
		return o, nil
	}
	return o, err
}

// look reads w.span afresh and returns our event (nil when it is not there) and all others that occupy it.
func (o *Outcome) look(ctx context.Context, w writing) (*Event, []Event, error) {
	snap, err := w.c.Read(ctx, ReadRequest{Room: w.room, Window: w.span, State: o.State})
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
		case w.mine(e):
			ours = &e
		case e.Occupies(w.span):
			others = append(others, e)
		}
	}
	return ours, others, nil
}

// stands returns a booking of ours that a list shows, nil when it was undone and the list lags: the event itself is asked,
// by a change that changes nothing.
func (o *Outcome) stands(ctx context.Context, w writing, ours Event) (*Event, error) {
	_, err := w.c.SetEnd(ctx, w.room, ours, ours.To)
	switch {
	case errors.Is(err, NotFound):
		return nil, nil
	case err != nil:
		o.Left = &ours
		return nil, err
	}
	return &ours, nil
}

// verify reads back what was written, o.Left, and lets it stand or undoes it.
func (o Outcome) verify(ctx context.Context, w writing) (Outcome, error) {
	const op = "read back"
	var ours *Event
	var others []Event
	shown, err := Patient(ctx, op, looks, func(ctx context.Context) (_ bool, err error) {
		ours, others, err = o.look(ctx, w)
		return ours != nil && ours.Identity() == o.Left.Identity() && sameSpan(ours.Span(), o.Left.Span()), err
	})
	if err != nil {
		return o, err
	}
	if !shown {
		return o, Fail(Transient, op, "the system does not show what it has taken")
	}
	return o.judge(ctx, w, *ours, others)
}

// judge lets ours stand beside others or undoes it.
func (o Outcome) judge(ctx context.Context, w writing, ours Event, others []Event) (Outcome, error) {
	verdict := claim(ours, others)
	if verdict == Done {
		o.Verdict, o.Event, o.Left = Done, ours, nil
		return o, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	var lost error
	undone, err := Patient(ctx, "undo", looks, func(ctx context.Context) (bool, error) {
		err := w.undo(ctx, ours)
		switch {
		case err == nil, errors.Is(err, NotFound):
			return true, nil
		case errors.Is(err, Transient): // once more: an extension that stays beside another booking nobody else ends
			lost = err
			return false, nil
		}
		return false, err
	})
	switch {
	case err != nil:
		return o, err
	case !undone:
		return o, lost
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
