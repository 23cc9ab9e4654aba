package calendars

import (
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/caldav"
	"lintel/connectors/ics"
	"lintel/connectors/outbound"
	"lintel/store"
)

// Systems returns every kind of booking system that this program speaks, each with its pace: what
// such servers bear, and for feeds what their publishers refresh.
func Systems(out *outbound.Outbound, now func() time.Time) map[string]Kind {
	return map[string]Kind{
		"caldav": {
			Every: time.Minute, Hot: 15 * time.Second, Parallel: 4,
			Open: func(y store.System, _ []store.Resource) (connectors.Connector, error) {
				c := caldav.Config{URL: y.URL, CA: []byte(y.CAPEM), Now: now}
				if y.Username != "" {
					c.Credentials = outbound.Credentials{Scheme: outbound.Auto, User: y.Username, Password: y.Password}
				}
				return caldav.New(out, c)
			},
		},
		"ics": {
			Every: 5 * time.Minute, Hot: time.Minute, Parallel: 2, Feeds: true,
			Open: func(y store.System, rooms []store.Resource) (connectors.Connector, error) {
				c := ics.Config{Feeds: map[string]secret.Text{}, CA: []byte(y.CAPEM), Now: now}
				for _, r := range rooms {
					c.Feeds[string(r.ID)] = secret.New(r.Address)
				}
				if y.Username != "" {
					c.Credentials = outbound.Credentials{Scheme: outbound.Auto, User: y.Username, Password: y.Password}
				}
				return ics.New(out, c)
			},
		},
	}
}
