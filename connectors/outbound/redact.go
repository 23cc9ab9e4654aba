package outbound

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// class is a kind of value that may be shown where it is expected, if it has that shape.
type class int

const (
	secretValue class = iota // never shown
	when                     // an instant, a day, a duration
	yesNo
	number
	word       // one of words()
	code       // an error code of a system
	fields     // names of fields, as we ask for them
	pathValue  // an address within the system, masked by segment
	namespace  // of XML
	guid       // a random identifier of a request
	zone       // a name of a time zone
	headerWord // of a header: software, options
	mediaType
)

// redact returns v when it is of the class, else what it looks like.
func (c class) redact(v string) string {
	v = strings.TrimSpace(v)
	switch {
	case v == "":
		return ""
	case c == pathValue:
		if u, err := url.Parse(v); err == nil && u.Opaque == "" && u.User == nil {
			return redactURL(&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery})
		}
	case c.fits(v):
		return v
	}
	return mask(v)
}

func (c class) fits(v string) bool {
	switch c {
	case word:
		return words()[v]
	case namespace:
		return namespaces(v)
	case code:
		if words()[v] {
			return true
		}
	}
	p := shapes()[c]
	return p != nil && len(v) <= 120 && p.MatchString(v)
}

var shapes = sync.OnceValue(func() map[class]*regexp.Regexp {
	return map[class]*regexp.Regexp{
		when: regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})(T[0-9]{2}:?[0-9]{2}(:?[0-9]{2}(\.[0-9]{1,9})?)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$` +
			`|^[+-]?P([0-9]{1,4}[YMWD])*(T([0-9]{1,6}(\.[0-9]{1,9})?[HMS])*)?$|^[+-][0-9]{4}$`),
		yesNo:      regexp.MustCompile(`^(?i:true|false|yes|no|0|1)$`),
		number:     regexp.MustCompile(`^-?[0-9]{1,9}$|^[0-9]{1,4}(\.[0-9]{1,5}){1,3}$`),
		code:       regexp.MustCompile(`^([a-z]{1,10}:)?[A-Za-z]+([A-Z_.][A-Za-z]*)+$|^[0-9]{3}$|^HTTP/1\.[01] [0-9]{3} [A-Za-z -]{2,40}$`),
		fields:     regexp.MustCompile(`^[A-Za-z]+([,/()*: ][A-Za-z]*)*$`),
		guid:       regexp.MustCompile(`^\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?$`),
		zone:       regexp.MustCompile(`^[A-Z][A-Za-z]{2,15}(/[A-Z][A-Za-z_-]{2,20}){1,2}$|^UTC$|^[A-Z][A-Za-z.]{0,12}( [A-Z][A-Za-z]{1,12}){0,2} Standard Time$`),
		headerWord: regexp.MustCompile(`^[A-Za-z][A-Za-z_.-]{0,40}(/[0-9.]{1,12})?$|^[0-9]$|^[a-z]{2,5}[_-]?[0-9]{1,5}(-[0-9])?$|^[a-z.-]{3,20}=[0-9a-z]{1,8}$`),
		mediaType:  regexp.MustCompile(`^[a-z]{4,11}/[a-z.+-]{2,40}[0-9]?$`),
	}
})

// mask says what a value looks like and how long it is, in characters.
func mask(v string) string {
	v = strings.TrimSpace(v)
	n := len([]rune(v))
	look := "text"
	switch {
	case n == 0:
		return ""
	case strings.Contains(v, "://"):
		look = "url"
	case strings.Contains(v, "@"):
		look = "address"
	case strings.Trim(v, "0123456789+- ") == "":
		look = "number"
	case n >= 16 && !strings.ContainsAny(v, " \t\r\n"):
		look = "token"
	}
	return fmt.Sprintf("[%s %d]", look, n)
}

// identifier reports whether a JSON key or parameter is a name that programmers gave, as opposed to
// data: Google's answers have addresses as keys.
func identifier(s string) bool {
	s = strings.TrimPrefix(s, "$")
	if i := strings.Index(s, "@odata."); i >= 0 {
		s = s[:i] + s[i+len("@odata."):]
	}
	if s == "" || len(s) > 48 {
		return false
	}
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_' && i > 0:
		default:
			return false
		}
	}
	return true
}

// classOf returns the class of the values that stand under a name: of an element, attribute, JSON key or
// parameter. Names mean the same in all systems, whatever their case.
func classOf(name string) class {
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return classes()[strings.ToLower(strings.TrimPrefix(name, "$"))]
}

var classes = sync.OnceValue(func() map[string]class {
	m := map[string]class{}
	for c, names := range classNames() {
		for n := range strings.FieldsSeq(names) {
			m[strings.ToLower(n)] = c
		}
	}
	return m
})

// classNames lists the names of each class; no name is in two.
func classNames() map[class]string {
	return map[class]string{
		when: `Start End StartDate EndDate StartTime EndTime StartWallClock EndWallClock RecurrenceId DateTimeCreated DateTimeReceived
			DateTimeSent LastModifiedTime AppointmentReplyTime dateTime date created updated createdDateTime lastModifiedDateTime
			startDateTime endDateTime timeMin timeMax updatedMin expiration getlastmodified creationdate originalStartTime DateTimeStamp
			Duration time since until Timestamp`,
		yesNo: `IncludesLastItemInRange IsAllDayEvent IsCancelled IsMeeting IsRecurring IsResponseRequested MeetingRequestWasSent HasAttachments
			IsOnlineMeeting IncludesLastFolderInRange MoreEvents isAllDay isOrganizer responseRequested allDay singleEvents showDeleted
			primary ReadOnly IsAssociated ReturnFullContactData IsInline IsDraft IsFromMe IsResend IsUnmodified IsSubmitted self optional`,
		number: `TotalItemsInView MaxEntriesReturned MaxChangesReturned MaxItemsReturned IndexedPagingOffset BackOffMilliseconds ConnectionTimeout
			MajorVersion MinorVersion MajorBuildNumber MinorBuildNumber expires_in ext_expires_in maxResults top skip Timeout Size capacity
			sequence Bias MergedFreeBusyIntervalInMinutes TotalCount ChildFolderCount UnreadCount AppointmentSequenceNumber AppointmentState`,
		word: `LegacyFreeBusyStatus Sensitivity CalendarItemType MyResponseType ResponseType Importance ResponseClass BaseShape Traversal
			ConflictResolution MessageDisposition SendMeetingInvitations SendMeetingInvitationsOrCancellations SendMeetingCancellations
			DeleteType FieldURI DistinguishedPropertySetId PropertyType Version SearchScope MailboxType RoutingType BusyType FreeBusyViewType
			RequestedView ConnectionStatus EventType showAs type responseStatus response transparency visibility kind accessRole orderBy
			method grant_type token_type BodyType ItemClass scopeType role AttendeeType availabilityView`,
		code:      `ResponseCode ErrorCode faultcode code reason error status domain Result`,
		fields:    `select expand fields`,
		pathValue: `href url nextLink deltaLink @odata.nextLink @odata.deltaLink ExternalEwsUrl InternalEwsUrl EwsUrl selfLink`,
		guid:      `request-id client-request-id RequestId`,
		zone:      `TimeZone originalStartTimeZone originalEndTimeZone`,
	}
}

// words are the values of enumerations, of all systems.
var words = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`Free Tentative Busy OOF NoData WorkingElsewhere free tentative busy oof unknown workingElsewhere
		Normal Personal Private Confidential normal personal private confidential public default PUBLIC PRIVATE CONFIDENTIAL
		Single Occurrence Exception RecurringMaster singleInstance occurrence exception seriesMaster
		Unknown Organizer Accept Decline NoResponseReceived none organizer tentativelyAccepted accepted declined notResponded needsAction
		Low High low high Success Warning Error IdOnly Default AllProperties Shallow Deep SoftDeleted Associated
		NeverOverwrite AutoResolve AlwaysOverwrite SaveOnly SendOnly SendAndSaveCopy SendToNone SendOnlyToAll SendToAllAndSaveCopy
		SendOnlyToChanged SendToChangedAndSaveCopy HardDelete SoftDelete MoveToDeletedItems PublicStrings Appointment Meeting String
		Exchange2007 Exchange2007_SP1 Exchange2010 Exchange2010_SP1 Exchange2010_SP2 Exchange2013 Exchange2013_SP1 Exchange2016 V2_0_5
		ActiveDirectory ActiveDirectoryContacts Contacts ContactsActiveDirectory Mailbox PublicDL PrivateDL Contact PublicFolder OneOff
		GroupMailbox Unspecified Required Optional Resource Room required resource SMTP EX OK Closed CreatedEvent DeletedEvent ModifiedEvent
		NewMailEvent MovedEvent CopiedEvent StatusEvent FreeBusyChangedEvent FreeBusy FreeBusyMerged Detailed DetailedMerged MergedOnly None
		HTML Text IPM.Appointment IPM.Schedule.Meeting.Request calendar inbox root msgfolderroot BackOffMilliseconds
		opaque transparent confirmed cancelled startTime updated reader writer owner freeBusyReader
		GET POST PUT PATCH DELETE client_credentials Bearer bearer urn:ietf:params:oauth:grant-type:jwt-bearer
		item:Subject item:Sensitivity item:Attachments item:DateTimeCreated item:LastModifiedTime item:HasAttachments item:ItemId item:Body
		item:ItemClass item:Categories calendar:Start calendar:End calendar:UID calendar:RecurrenceId calendar:Organizer calendar:IsCancelled
		calendar:IsMeeting calendar:IsAllDayEvent calendar:LegacyFreeBusyStatus calendar:MyResponseType calendar:CalendarItemType
		calendar:Location calendar:IsOnlineMeeting calendar:RequiredAttendees calendar:OptionalAttendees calendar:Resources
		calendar:AppointmentSequenceNumber folder:DisplayName folder:EffectiveRights
		BEGIN END VEVENT VCALENDAR VTIMEZONE STANDARD DAYLIGHT VALARM VFREEBUSY VTODO VJOURNAL VAVAILABILITY VPOLL GREGORIAN REQUEST PUBLISH REPLY CANCEL COUNTER
		CONFIRMED TENTATIVE CANCELLED OPAQUE TRANSPARENT NEEDS-ACTION ACCEPTED DECLINED DELEGATED CHAIR REQ-PARTICIPANT OPT-PARTICIPANT
		NON-PARTICIPANT INDIVIDUAL GROUP RESOURCE ROOM UNKNOWN TRUE FALSE DATE DATE-TIME PERIOD BUSY BUSY-TENTATIVE BUSY-UNAVAILABLE FREE
		2.0 calendar#event calendar#events calendar#freeBusy calendar#acl calendar#aclRule calendar#setting calendar#calendarListEntry`) {
		m[w] = true
	}
	return m
})

// namespaces reports whether v is a public name of a vocabulary.
func namespaces(v string) bool {
	for _, p := range []string{
		"http://schemas.microsoft.com/", "http://schemas.xmlsoap.org/", "http://www.w3.org/", "http://calendarserver.org/ns/",
		"urn:ietf:params:xml:ns:", "DAV:",
	} {
		if rest, ok := strings.CutPrefix(v, p); ok {
			return len(rest) <= 80 && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:.-_#") == ""
		}
	}
	return false
}

// pathWord reports whether a segment of a path belongs to a system's interface.
func pathWord(s string) bool { return pathWords()[strings.ToLower(s)] }

var pathWords = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`ews exchange.asmx autodiscover autodiscover.xml autodiscover.svc owa rpc
		v1.0 beta v2.0 v3 v4 users me calendar calendars calendarview delta events instances $batch $count oauth2 token places
		microsoft.graph.room microsoft.graph.roomlist microsoft.graph.findrooms findrooms findroomlists getschedule getmemberobjects organization
		attachments $value cancel decline accept mailboxsettings
		freebusy acl settings watch stop primary import move quickadd admin directory customer my_customer resources buildings features
		.well-known caldav carddav dav caldav.php remote.php sogo principals principal user user.php inbox outbox public api rest connector
		rooms room status healthz`) {
		m[w] = true
	}
	return m
})
