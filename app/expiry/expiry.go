// Package expiry lists every secret and certificate that runs out, and warns of each in time.
package expiry

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/store"
)

// Kind is what an item belongs to.
type Kind string

// The kinds.
const (
	Portal    Kind = "portal"    // certificate that browsers are shown
	Devices   Kind = "devices"   // certificate that displays are shown
	Authority Kind = "authority" // root of the local certificate authority
	System    Kind = "system"    // what a booking system is signed in to with
	AccessKey Kind = "key"       // by which a program uses Lintel
)

// Item is one secret or certificate that runs out.
type Item struct {
	Kind   Kind
	ID     string    // of the booking system or the access key; "" for the others
	Name   string    // of the booking system or the key; the names in a certificate
	What   string    // text key of what runs out
	At     time.Time // it works before
	Renews bool      // Lintel renews it by itself in time
	Fault  string    // why that fails, in the words of whoever refused; "" when it does not
}

// key tells an item from others and from what follows it.
func (i Item) key() string {
	return strings.Join([]string{string(i.Kind), i.ID, i.What, strconv.FormatInt(i.At.Unix(), 10)}, "\x00")
}

// Level says how near an end is.
type Level int

// The levels, each from so many days before the end on.
const (
	Far    Level = iota
	Notice       // 60
	Soon         // 30
	Near         // 14
	Last         // 7
	Over         // 0
)

const day = 24 * time.Hour

// before is how long before the end each level begins.
func (l Level) before() time.Duration {
	switch l {
	case Notice:
		return 60 * day
	case Soon:
		return 30 * day
	case Near:
		return 14 * day
	case Last:
		return 7 * day
	default:
		return 0
	}
}

// Level is how near the end is at an instant. What Lintel renews by itself has no end to care about while that works.
func (i Item) Level(now time.Time) Level {
	for l := Over; l > Far; l-- {
		if l < Over && i.Renews && i.Fault == "" {
			return Far
		}
		if left := i.At.Sub(now); left <= l.before() {
			return l
		}
	}
	return Far
}

// due returns what has come nearer than the level at which it was warned of last, and what has been warned of once
// that is said. said knows items by their key.
func due(said map[string]Level, items []Item, now time.Time) (warn []Item, next map[string]Level) {
	next = map[string]Level{}
	for _, i := range items {
		level := i.Level(now)
		if level > said[i.key()] {
			warn = append(warn, i)
		}
		if level = max(level, said[i.key()]); level > Far {
			next[i.key()] = level
		}
	}
	return warn, next
}

// Source tells of some items.
type Source func(context.Context) ([]Item, error)

// Service knows them all.
type Service struct {
	st      *store.Store
	now     func() time.Time
	log     *slog.Logger
	sources []Source
}

// New returns the service of what the sources tell.
func New(st *store.Store, now func() time.Time, log *slog.Logger, sources ...Source) *Service {
	return &Service{st: st, now: now, log: log, sources: sources}
}

// List returns everything that runs out, the soonest first.
func (s *Service) List(ctx context.Context) ([]Item, error) {
	var all []Item
	for _, source := range s.sources {
		items, err := source(ctx)
		if err != nil {
			return nil, fmt.Errorf("list what runs out: %w", err)
		}
		all = append(all, items...)
	}
	slices.SortStableFunc(all, func(a, b Item) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Name, b.Name)) })
	return all, nil
}

// warnedSetting holds what has been warned of, as JSON: the level by the key of an item.
const warnedSetting = "expiry.warned"

// Warn writes a warning into the log for what has come within 60, 30, 14 or 7 days of its end, and for what is over:
// once for each. A daily job calls it; days that it missed are made up for.
func (s *Service) Warn(ctx context.Context) error {
	items, err := s.List(ctx)
	if err != nil {
		return err
	}
	var was string
	if err := s.st.View(ctx, func(tx *store.Tx) (err error) {
		was, err = tx.Setting(warnedSetting)
		return err
	}); err != nil {
		return fmt.Errorf("read what was warned of: %w", err)
	}
	said := map[string]Level{}
	if was != "" {
		if err := json.Unmarshal([]byte(was), &said); err != nil {
			return fmt.Errorf("read what was warned of: %w", err)
		}
	}
	now := s.now()
	warn, next := due(said, items, now)
	for _, i := range warn {
		s.log.WarnContext(ctx, "a secret or certificate runs out", "kind", i.Kind, "id", i.ID, "what", i.What,
			"until", i.At.UTC().Format(time.RFC3339), "days", int(i.At.Sub(now)/day))
	}
	text, err := json.Marshal(next)
	if err != nil || string(text) == was || len(next) == 0 && was == "" {
		return err
	}
	if err := s.st.Update(ctx, func(tx *store.Tx) error { return tx.SetSetting(warnedSetting, string(text)) }); err != nil {
		return fmt.Errorf("remember what was warned of: %w", err)
	}
	return nil
}
