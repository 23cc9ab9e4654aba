package ews

import (
	"context"
	"slices"
	"strings"

	"lintel/connectors"
)

// Rooms lists the rooms of all room lists. Rooms that are in none, or hidden from the address book, are
// missing: FindRooms and typed addresses are for them. A list that the server can't resolve, such as one that
// was renamed a moment ago, is left out when another one has rooms. There is one page.
func (c *Conn) Rooms(ctx context.Context, _ string) ([]connectors.RoomRef, string, error) {
	const op = "list rooms"
	lists, _, err := c.roomLists(ctx, op)
	if err != nil {
		return nil, "", err
	}
	rooms := map[string]connectors.RoomRef{}
	var bad error // of the first list that can't be read
	for _, list := range lists {
		m, _, err := c.call(ctx, c.plain(op, getRooms(list.Address)))
		if err != nil && (ofAll(err) || ctx.Err() != nil) {
			return nil, "", err
		}
		if err != nil && bad == nil {
			bad = err
		}
		for _, r := range m.child("Rooms").all("Room") {
			if ref, ok := mailbox(r.child("Id")); ok {
				ref.Building = list.Name
				if _, had := rooms[ref.ID]; !had {
					rooms[ref.ID] = ref
				}
			}
		}
	}
	if len(rooms) == 0 && bad != nil {
		return nil, "", bad
	}
	return sorted(rooms), "", nil
}

// ofAll reports whether an error says something of the whole system, not of what was asked for.
func ofAll(err error) bool {
	switch connectors.KindOf(err) {
	case connectors.Forbidden, connectors.NotFound, connectors.Gone, connectors.Unsupported, connectors.Invalid:
		return false
	}
	return true
}

func sorted(rooms map[string]connectors.RoomRef) []connectors.RoomRef {
	var out []connectors.RoomRef
	for _, r := range rooms {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b connectors.RoomRef) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// plain is a request about no room.
func (c *Conn) plain(op, body string) request {
	return request{op: op, anchor: c.cfg.Account, body: body}
}

// roomLists asks for the lists; an organisation may have none.
func (c *Conn) roomLists(ctx context.Context, op string) ([]connectors.RoomRef, *reply, error) {
	m, p, err := c.call(ctx, c.plain(op, getRoomLists()))
	if err != nil {
		return nil, nil, err
	}
	var lists []connectors.RoomRef
	for _, a := range m.child("RoomLists").all("Address") {
		if ref, ok := mailbox(a); ok {
			lists = append(lists, ref)
		}
	}
	return lists, p, nil
}

// FindRooms returns the mailboxes whose name or address begins with prefix, at most a hundred: people's
// too, since Exchange does not tell them from rooms here. An address that exists finds itself.
func (c *Conn) FindRooms(ctx context.Context, prefix string) ([]connectors.RoomRef, error) {
	const op = "find rooms"
	prefix = strings.TrimSpace(prefix)
	if prefix == "" || len(prefix) > 200 {
		return nil, connectors.Fail(connectors.Invalid, op, "nothing to look for")
	}
	m, _, err := c.call(ctx, c.plain(op, resolveNames(prefix)))
	if codeIs(err, "ErrorNameResolutionNoResults") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rooms := map[string]connectors.RoomRef{}
	for _, r := range m.child("ResolutionSet").all("Resolution") {
		b := r.child("Mailbox")
		if t := b.child("MailboxType").word(); t != "" && t != "Mailbox" {
			continue
		}
		if ref, ok := mailbox(b); ok {
			rooms[ref.ID] = ref
		}
	}
	return sorted(rooms), nil
}

// mailbox reads an address with its name; false when it is no mail address.
func mailbox(n *node) (connectors.RoomRef, bool) {
	address := strings.ToLower(n.child("EmailAddress").word())
	if !isAddress(address) || n.child("RoutingType").word() == "EX" {
		return connectors.RoomRef{}, false
	}
	name := n.child("Name").word()
	if name == "" {
		name = address
	}
	return connectors.RoomRef{ID: address, Name: name, Address: address}, true
}
