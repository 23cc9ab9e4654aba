package caldav

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"lintel/connectors"
)

const collectionProps = `<D:resourcetype/><D:displayname/><D:current-user-privilege-set/><C:supported-calendar-component-set/>`

const discoveryProps = collectionProps + `<D:current-user-principal/><C:calendar-home-set/>`

// Rooms lists the calendars that hold events: the configured collection itself, or all in the homes that
// the server names (RFC 6764 6, RFC 4791 6.2.1). There is one page.
func (c *Connector) Rooms(ctx context.Context, _ string) ([]connectors.RoomRef, string, error) {
	const op = "list rooms"
	start, err := c.entry(ctx, op)
	if err != nil {
		return nil, "", err
	}
	if r := start.self(); r != nil && r.isCalendar() {
		return []connectors.RoomRef{c.roomRef(start.url, *r)}, "", nil
	}
	homes, err := c.homes(ctx, op, start)
	if err != nil {
		return nil, "", err
	}
	var rooms []connectors.RoomRef
	for _, home := range homes {
		ms, err := c.propfind(ctx, op, slash(home), "1", collectionProps)
		if err != nil {
			return nil, "", err
		}
		for _, r := range ms.responses {
			if u, err := ms.url.Parse(r.href); err == nil && r.isCalendar() {
				rooms = append(rooms, c.roomRef(sameServer(ms.url, u), r))
			}
		}
	}
	slices.SortFunc(rooms, func(a, b connectors.RoomRef) int { return strings.Compare(a.ID, b.ID) })
	return slices.CompactFunc(rooms, func(a, b connectors.RoomRef) bool { return a.ID == b.ID }), "", nil
}

// self returns the entry of the resource that was asked for.
func (a *answer) self() *response {
	for i, r := range a.responses {
		if u, err := a.url.Parse(r.href); err == nil && strings.TrimSuffix(u.Path, "/") == strings.TrimSuffix(a.url.Path, "/") {
			return &a.responses[i]
		}
	}
	if len(a.responses) == 1 {
		return &a.responses[0]
	}
	return nil
}

// isCalendar reports a collection for events. A server that does not say which components it takes
// takes all.
func (r response) isCalendar() bool {
	t := r.props.ResourceType
	if !t.has("calendar") || t.has("schedule-inbox") || t.has("schedule-outbox") {
		return false
	}
	if r.props.Components == nil {
		return true
	}
	for _, comp := range r.props.Components.Comps {
		if strings.EqualFold(comp.Name, "VEVENT") {
			return true
		}
	}
	return false
}

// access reads the privileges (RFC 3744 3). Booking needs new objects, changes and deletions.
func (r response) access() connectors.Access {
	if r.props.Privileges == nil {
		return connectors.AccessUnknown
	}
	var read, write, content, bind, unbind bool
	for _, p := range r.props.Privileges.List {
		read = read || p.has("read") || p.has("all")
		write = write || p.has("write") || p.has("all")
		content, bind, unbind = content || p.has("write-content"), bind || p.has("bind"), unbind || p.has("unbind")
	}
	switch {
	case write || content && bind && unbind:
		return connectors.AccessWrite
	case read:
		return connectors.AccessRead
	}
	return connectors.AccessNone
}

func (c *Connector) roomRef(u *url.URL, r response) connectors.RoomRef {
	u = slash(u)
	name := strings.TrimSpace(r.props.DisplayName)
	if name == "" {
		parts := strings.Split(strings.Trim(u.Path, "/"), "/")
		name = parts[len(parts)-1]
	}
	return connectors.RoomRef{ID: c.roomID(u), Name: name, Access: r.access()}
}

// sameServer returns u on the server that named it when both have one host name: behind a proxy that
// ends TLS, servers write http or another port. Another host stays as it is, and is refused unless
// somebody configured it.
func sameServer(server, u *url.URL) *url.URL {
	if !strings.EqualFold(server.Hostname(), u.Hostname()) {
		return u
	}
	v := *u
	v.Scheme, v.Host = server.Scheme, server.Host
	return &v
}

// entry asks the configured address, and where that knows nothing the well-known one (RFC 6764 5).
func (c *Connector) entry(ctx context.Context, op string) (*answer, error) {
	first, err := c.propfind(ctx, op, c.base, "0", discoveryProps)
	if err == nil && first.leads() {
		return first, nil
	}
	if errors.Is(err, connectors.Auth) || errors.Is(err, connectors.Trust) || errors.Is(err, connectors.Transient) || errors.Is(err, connectors.Throttled) {
		return nil, err
	}
	known, err2 := c.propfind(ctx, op, c.base.ResolveReference(&url.URL{Path: "/.well-known/caldav"}), "0", discoveryProps)
	if err2 == nil && known.leads() {
		return known, nil
	}
	if err == nil {
		return first, nil // perhaps a home itself
	}
	if errors.Is(err, connectors.NotFound) || errors.Is(err, connectors.Unsupported) || errors.Is(err, connectors.Invalid) {
		if errors.Is(err2, connectors.Auth) {
			return nil, err2
		}
		return nil, &connectors.Error{Kind: connectors.Unsupported, Op: op, Code: "no CalDAV there", Cure: "calendar.cure.no_caldav", Said: connectors.SaidOf(err)}
	}
	return nil, err
}

// leads reports whether the answer is a calendar or names a principal or a home.
func (a *answer) leads() bool {
	r := a.self()
	return r != nil && (r.isCalendar() || r.props.Principal.Href != "" || len(r.props.HomeSet.Hrefs) > 0)
}

// homes returns the collections in which the user's calendars lie.
func (c *Connector) homes(ctx context.Context, op string, start *answer) ([]*url.URL, error) {
	r := start.self()
	if r == nil {
		return nil, &connectors.Error{Kind: connectors.Unsupported, Op: op, Code: "no CalDAV there", Cure: "calendar.cure.no_caldav"}
	}
	from := start
	if len(r.props.HomeSet.Hrefs) == 0 && r.props.Principal.Href != "" {
		u, err := start.url.Parse(strings.TrimSpace(r.props.Principal.Href))
		if err != nil {
			return nil, connectors.Fail(connectors.Invalid, op, "the principal's address is no URL")
		}
		if from, err = c.propfind(ctx, op, sameServer(start.url, u), "0", discoveryProps); err != nil {
			return nil, err
		}
		r = from.self()
	}
	if r == nil || len(r.props.HomeSet.Hrefs) == 0 {
		return []*url.URL{start.url}, nil // no home named: look right there
	}
	var homes []*url.URL
	for _, h := range r.props.HomeSet.Hrefs {
		if u, err := from.url.Parse(strings.TrimSpace(h)); err == nil {
			homes = append(homes, sameServer(from.url, u))
		}
	}
	return homes, nil
}
