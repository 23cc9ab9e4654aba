package connectors

import "context"

// maxPasses is how often a list of several pages is walked through until two passes agree.
const maxPasses = 5

// Settled walks through a list that a system answers in parts. Where a page starts is a count of entries (Graph's
// $skip, say), so an entry that somebody deletes meanwhile moves the others forward, and one of them is on no page that
// was asked for; and what is moved from a part that is to come into one that has come is in neither. A list of one part is
// taken as it is; one of several is walked through again until two passes in a row bring the same entries. Transient when
// they never do.
//
// pass walks once and returns the entries and the number of parts; id names an entry.
func Settled[T any](ctx context.Context, op string, pass func(ctx context.Context, first bool) ([]T, int, error), id func(*T) string) ([]T, error) {
	var before map[string]bool
	for n := range maxPasses {
		entries, pages, err := pass(ctx, n == 0)
		if err != nil || n == 0 && pages <= 1 {
			return entries, err
		}
		now := make(map[string]bool, len(entries))
		same := true
		for i := range entries {
			name := id(&entries[i])
			now[name] = true
			same = same && before[name]
		}
		if n > 0 && same && len(now) == len(before) {
			return entries, nil
		}
		before = now
	}
	return nil, Fail(Transient, op, "the calendar changes faster than its pages can be read")
}
