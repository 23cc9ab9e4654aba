package calendars

import (
	"time"

	"lintel/app/people"
	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/caldav"
	"lintel/connectors/ics"
	"lintel/connectors/outbound"
	"lintel/connectors/roomz"
	"lintel/store"
)

// Names of secrets that Lintel makes itself: PEM of a private key and its certificate.
const (
	ownCertificate  = "certificate"
	nextCertificate = "next_certificate"
)

// Fields that several kinds have.
func urlField() Field      { return Field{Name: "url", Type: Address, Goes: true} }
func userField() Field     { return Field{Name: "username", Type: Text} }
func passwordField() Field { return Field{Name: "password", Type: Secret} }
func caField() Field       { return Field{Name: "ca", Type: Lines, Optional: true, More: true} }

func optional(f Field) Field {
	f.Optional = true
	return f
}

// signIn returns the credentials of a user with a password, nobody's when no user was typed.
func signIn(y store.System) outbound.Credentials {
	if y.Username == "" {
		return outbound.Credentials{}
	}
	return outbound.Credentials{Scheme: outbound.Auto, User: y.Username, Password: y.Secrets["password"]}
}

// opened keeps a connector that could not be made from looking like one.
func opened[C connectors.Connector](c C, err error) (connectors.Connector, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Systems returns every kind of booking system that this program speaks, each with its pace: what
// such servers bear, and for feeds what their publishers refresh.
func Systems(now func() time.Time) map[string]Kind {
	return map[string]Kind{
		"ews":    exchange(now),
		"graph":  microsoft365(now),
		"google": googleWorkspace(now),
		"connector": {
			Every: time.Minute, Hot: 15 * time.Second, Parallel: 4,
			Fields: []Field{urlField(), userField(), passwordField(), {Name: "image_hosts", Type: Text, Optional: true, More: true}, caField()},
			Open: func(out *outbound.Outbound, y store.System, _ []store.Resource) (connectors.Connector, error) {
				return opened(roomz.New(out, roomz.Config{
					URL: y.URL, User: y.Username, Password: y.Secrets["password"], ImageHosts: words(y.Settings["image_hosts"]), CA: []byte(y.CAPEM), Now: now,
				}))
			},
		},
		"caldav": {
			Every: time.Minute, Hot: 15 * time.Second, Parallel: 4,
			Fields: []Field{urlField(), optional(userField()), optional(passwordField()), caField()},
			Open: func(out *outbound.Outbound, y store.System, _ []store.Resource) (connectors.Connector, error) {
				return opened(caldav.New(out, caldav.Config{URL: y.URL, Credentials: signIn(y), CA: []byte(y.CAPEM), Now: now}))
			},
		},
		"ics": {
			Every: 5 * time.Minute, Hot: time.Minute, Parallel: 2, Feeds: true,
			Fields: []Field{optional(userField()), optional(passwordField()), caField()},
			Open: func(out *outbound.Outbound, y store.System, rooms []store.Resource) (connectors.Connector, error) {
				c := ics.Config{Feeds: map[string]secret.Text{}, Credentials: signIn(y), CA: []byte(y.CAPEM), Now: now}
				for _, r := range rooms {
					c.Feeds[string(r.ID)] = secret.New(r.Address)
				}
				return opened(ics.New(out, c))
			},
		},
		people.PushedKind: {Pushed: true, Every: 15 * time.Minute},
	}
}
