package calendars

import (
	"time"

	"lintel/connectors"
	"lintel/connectors/google"
	"lintel/connectors/outbound"
	"lintel/store"
)

// googleWorkspace is Google Calendar. Its pace is slower than that of others: all requests of a service account count
// as one user's, of whom Google bears 600 a minute.
func googleWorkspace(now func() time.Time) Kind {
	return Kind{
		Every: 90 * time.Second, Hot: 30 * time.Second, Parallel: 4,
		Fields: []Field{
			{Name: "key", Type: SecretFile},
			{Name: "subject", Type: Mailbox, Optional: true},
			{Name: "calendars_as", Type: Choice, Options: []string{"service", "subject"}, More: true},
			{Name: "booking", Type: Choice, Options: []string{direct, invite}},
			{Name: "inviter", Type: Mailbox, Only: "booking", Values: []string{invite}},
			caField(),
		},
		Open: func(out *outbound.Outbound, y store.System, _ []store.Resource) (connectors.Connector, error) {
			return opened(google.New(out, google.Config{
				Key: y.Secrets["key"], Subject: y.Settings["subject"], AsSubject: y.Settings["calendars_as"] == "subject",
				Invite: y.Settings["booking"] == invite, Inviter: y.Settings["inviter"], CA: []byte(y.CAPEM), Now: now,
			}))
		},
	}
}
