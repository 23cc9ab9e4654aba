package ewstest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func (s *Server) getRoomLists() string {
	var b strings.Builder
	for _, l := range s.lists {
		b.WriteString(`<t:Address>` + tag("t:Name", l.name) + tag("t:EmailAddress", l.address) + `<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>PublicDL</t:MailboxType></t:Address>`)
	}
	return `<m:GetRoomListsResponse ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:RoomLists>` + b.String() + `</m:RoomLists></m:GetRoomListsResponse>`
}

func (s *Server) getRooms(q asked) string {
	address := q.body.get("RoomList", "EmailAddress").word()
	i := slices.IndexFunc(s.lists, func(l roomList) bool { return strings.EqualFold(l.address, address) })
	if i < 0 {
		return failed("GetRooms", failure{code: "ErrorInvalidSmtpAddress", text: "No results were found."})
	}
	var b strings.Builder
	for _, r := range s.lists[i].rooms {
		name := r
		if box := s.boxes[strings.ToLower(r)]; box != nil {
			name = box.name
		}
		b.WriteString(`<t:Room><t:Id>` + tag("t:Name", name) + tag("t:EmailAddress", r) + `<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType></t:Id></t:Room>`)
	}
	return `<m:GetRoomsResponse ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Rooms>` + b.String() + `</m:Rooms></m:GetRoomsResponse>`
}

func (s *Server) resolveNames(q asked) string {
	prefix := strings.ToLower(q.body.get("UnresolvedEntry").word())
	var found []*mailbox
	for _, b := range s.boxes {
		if strings.HasPrefix(strings.ToLower(b.name), prefix) || strings.HasPrefix(strings.ToLower(b.address), prefix) {
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		return responses("ResolveNames", message("ResolveNames", &failure{code: "ErrorNameResolutionNoResults", text: "No results were found."}, ""))
	}
	slices.SortFunc(found, func(x, y *mailbox) int { return strings.Compare(x.address, y.address) })
	whole := len(found) <= 100
	var b strings.Builder
	for _, x := range found[:min(len(found), 100)] {
		b.WriteString(`<t:Resolution>` + strings.Replace(person{x.name, x.address}.xml(), "</t:Mailbox>", "<t:MailboxType>Mailbox</t:MailboxType></t:Mailbox>", 1) + `</t:Resolution>`)
	}
	return responses("ResolveNames", message("ResolveNames", nil, fmt.Sprintf(`<m:ResolutionSet TotalItemsInView="%d" IncludesLastItemInRange="%t">%s</m:ResolutionSet>`, len(found), whole, b.String())))
}

// getUserAvailability needs no right: everybody may see free and busy times.
func (s *Server) getUserAvailability(q asked) string {
	w := q.body.get("FreeBusyViewOptions", "TimeWindow")
	from, ok1 := instant(w.get("StartTime").word())
	to, ok2 := instant(w.get("EndTime").word())
	if !ok1 || !ok2 || to.Sub(from) > 42*24*time.Hour {
		return failed(q.op, failure{code: "ErrorTimeIntervalTooBig", text: "The time window is too long."})
	}
	view := q.body.get("FreeBusyViewOptions", "RequestedView").word()
	var out strings.Builder
	for i := range q.body.get("MailboxDataArray").Kids {
		address := q.body.get("MailboxDataArray").Kids[i].get("Email", "Address").word()
		b := s.boxes[strings.ToLower(address)]
		if b == nil {
			out.WriteString(`<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Error"><m:MessageText>Unable to resolve e-mail address.</m:MessageText>` +
				`<m:ResponseCode>ErrorMailRecipientNotFound</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey></m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></m:FreeBusyView></m:FreeBusyResponse>`)
			continue
		}
		out.WriteString(`<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><m:FreeBusyView>` +
			tag("t:FreeBusyViewType", view) + `<t:CalendarEventArray>` + s.busyTimes(b, from, to) + `</t:CalendarEventArray></m:FreeBusyView></m:FreeBusyResponse>`)
	}
	return `<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>` + out.String() + `</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>`
}

func (s *Server) busyTimes(b *mailbox, from, to time.Time) string {
	const layout = "2006-01-02T15:04:05" // in the zone that the request names, which is UTC
	var out strings.Builder
	for _, it := range s.sortedItems(b) {
		for _, o := range it.within(from, to, false) {
			if o.f.cancelled {
				continue
			}
			out.WriteString(`<t:CalendarEvent>` + tag("t:StartTime", o.start.UTC().Format(layout)) + tag("t:EndTime", o.end.UTC().Format(layout)) + tag("t:BusyType", o.f.busy) + `</t:CalendarEvent>`)
		}
	}
	return out.String()
}
