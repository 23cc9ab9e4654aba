package graph

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"lintel/connectors"
)

// place is a room of the directory.
type place struct {
	DisplayName  string `json:"displayName"`
	EmailAddress string `json:"emailAddress"`
	Building     string `json:"building"`
	FloorLabel   string `json:"floorLabel"`
	FloorNumber  *int   `json:"floorNumber"`
	Capacity     *int   `json:"capacity"`
}

const opRooms = "list rooms"

// Rooms lists the rooms of the directory, for which the application needs Place.Read.All. Without that
// right the error is Forbidden with a cure of its own: addresses may be typed instead.
func (c *Conn) Rooms(ctx context.Context, mark string) ([]connectors.RoomRef, string, error) {
	u := c.placesURL()
	if mark != "" {
		var err error
		if u, err = c.inside(opRooms, mark); err != nil {
			return nil, "", err
		}
	}
	q := request{op: opRooms, url: u}
	resp, err := c.ask(ctx, q)
	if err != nil {
		return nil, "", placesErr(err)
	}
	return c.parseRooms(resp.Body, u)
}

func (c *Conn) placesURL() *url.URL {
	return c.url([]string{"places", "microsoft.graph.room"},
		"$top", "100", "$select", "id,displayName,emailAddress,building,floorLabel,floorNumber,capacity")
}

// placesErr gives the refusal of the list its own cure.
func placesErr(err error) error {
	if e, ok := err.(*connectors.Error); ok && e.Kind == connectors.Forbidden { //nolint:errorlint // ours, not wrapped
		e.Cure = "calendar.cure.graph_places"
	}
	return err
}

func (c *Conn) parseRooms(body []byte, from *url.URL) ([]connectors.RoomRef, string, error) {
	p, err := parsePage(opRooms, body)
	if err != nil {
		return nil, "", err
	}
	var out []connectors.RoomRef
	for _, raw := range *p.Value {
		var r place
		if json.Unmarshal(raw, &r) != nil || !isMailbox(r.EmailAddress) {
			continue
		}
		ref := connectors.RoomRef{ID: r.EmailAddress, Name: r.DisplayName, Address: r.EmailAddress, Building: r.Building, Floor: r.FloorLabel}
		if ref.Floor == "" && r.FloorNumber != nil {
			ref.Floor = strconv.Itoa(*r.FloorNumber)
		}
		if r.Capacity != nil && *r.Capacity > 0 {
			ref.Capacity = *r.Capacity
		}
		out = append(out, ref)
	}
	if p.NextLink == "" {
		return out, "", nil
	}
	next, err := c.inside(opRooms, p.NextLink)
	if err != nil {
		return nil, "", err
	}
	if next.String() == from.String() {
		return nil, "", connectors.Fail(connectors.Invalid, opRooms, "the pages do not end")
	}
	return out, next.String(), nil
}
