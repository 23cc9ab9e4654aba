package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/graph"
	"lintel/connectors/graph/graphtest"
)

// state writes the steps of a report that are not simply ok in one line, but for the fake's lack of TLS, of which each report warns.
func state(r connectors.Report) string {
	var out []string
	for _, s := range r.Steps {
		if s.Name == "calendar.check.trust" && s.State == connectors.StepWarned && s.Cure == "calendar.cure.not_encrypted" {
			continue
		}
		if s.State != connectors.StepOK {
			out = append(out, strings.TrimPrefix(s.Name, "calendar.check.")+" "+string(s.State)+strings.Replace(s.Cure, "calendar.cure.", " ", 1))
		}
	}
	return strings.Join(out, ", ")
}

func TestCheck(t *testing.T) {
	t.Parallel()
	rest := func(from int) string {
		names := []string{"graph", "clock", "rooms", "room", "normal_mailbox", "read", "subjects", "write"}
		return strings.Join(names[from:], " skipped, ") + " skipped"
	}
	for name, tt := range map[string]struct {
		q      graphtest.Quirks
		cfg    func(*graph.Config)
		set    func(*graphtest.Server)
		want   string
		access connectors.Access
	}{
		"all well": {access: connectors.AccessWrite},
		"a normal mailbox is open": {
			q: graphtest.Quirks{OpenScope: true}, want: "normal_mailbox warned graph_scope", access: connectors.AccessWrite,
		},
		"nobody named a normal mailbox": {
			cfg: func(c *graph.Config) { c.NormalMailbox = "" }, want: "normal_mailbox warned graph_no_normal", access: connectors.AccessWrite,
		},
		"the normal mailbox does not exist": {
			cfg: func(c *graph.Config) { c.NormalMailbox = "nobody@people.example" }, want: "normal_mailbox warned graph_normal_unknown", access: connectors.AccessWrite,
		},
		"rooms can't be listed": {q: graphtest.Quirks{NoPlaces: true}, want: "rooms warned graph_places", access: connectors.AccessWrite},
		"read only":             {q: graphtest.Quirks{ReadOnly: true}, want: "write failed graph_read_only", access: connectors.AccessRead},
		"wrong secret": {
			cfg:  func(c *graph.Config) { c.Secret = secret.New("wrong") },
			want: "sign_in failed graph_secret, " + rest(0),
		},
		"wrong tenant": {
			cfg:  func(c *graph.Config) { c.Tenant = "other.example" },
			want: "sign_in failed graph_tenant, " + rest(0),
		},
		"wrong application": {
			cfg:  func(c *graph.Config) { c.ClientID = "other" },
			want: "sign_in failed graph_app, " + rest(0),
		},
		"certificate not uploaded": {
			cfg: func(c *graph.Config) {
				p := keyPair()
				c.Secret, c.Key, c.Certificate = secret.Text{}, p.key, p.certificate
			},
			want: "sign_in failed graph_certificate, " + rest(0),
		},
		"secret ends soon": {
			cfg:  func(c *graph.Config) { c.SecretExpires = time.Now().Add(13 * 24 * time.Hour) },
			want: "sign_in warned graph_expires", access: connectors.AccessWrite,
		},
		"sign-in server is away": {
			set:  func(s *graphtest.Server) { s.Break(graphtest.Fault{Path: "/oauth2/", Status: 502}) },
			want: "sign_in_server failed transient, trust skipped, sign_in skipped, " + rest(0),
		},
		"Graph is away": {
			set:  func(s *graphtest.Server) { s.Break(graphtest.Fault{Graph: true, Status: 502}) },
			want: "graph failed transient, " + rest(1),
		},
		"a proxy refuses Graph": {
			set:  func(s *graphtest.Server) { s.Break(graphtest.Fault{Graph: true, Status: 403, Body: "<html>no</html>"}) },
			want: "graph failed forbidden, " + rest(1),
		},
		"a proxy's page": {
			set: func(s *graphtest.Server) {
				s.Break(graphtest.Fault{Graph: true, Status: 200, Body: "<html>sign in</html>"})
			},
			want: "graph failed web_page, " + rest(1),
		},
		"room out of scope": {
			set: func(s *graphtest.Server) {
				s.Break(graphtest.Fault{Mailbox: room, Status: 403, Code: "ErrorAccessDenied"})
			},
			want: "room failed graph_access, " + rest(4), access: connectors.AccessNone,
		},
		"no such room": {
			set:  func(s *graphtest.Server) { s.RemoveMailbox(room) },
			want: "room failed graph_no_mailbox, " + rest(4),
		},
		"room is throttled": {
			set:  func(s *graphtest.Server) { s.Throttle(room, time.Minute) },
			want: "room failed throttled, " + rest(4),
		},
		"window can't be read": {
			set:  func(s *graphtest.Server) { s.Break(graphtest.Fault{Path: "/calendarView", Status: 500}) },
			want: "read failed transient, " + rest(6),
		},
		"clock": {
			set:  func(s *graphtest.Server) { s.SetSkew(-4 * time.Minute) },
			want: "clock warned clock", access: connectors.AccessWrite,
		},
		"subjects are replaced": {
			set: func(s *graphtest.Server) {
				for i := range 3 {
					day := time.Now().AddDate(0, 0, 1+i).Format("2006-01-02")
					s.Put(room, graphtest.Event{
						Name: fmt.Sprint(i), Subject: "Ada Example ", Organizer: "Ada Example", Address: person, Start: day + "T10:00", End: day + "T11:00",
					})
				}
			},
			want: "subjects warned graph_subjects", access: connectors.AccessWrite,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tenant(t, tt.q)
			s.Observe = validate(t)
			cfg := config(s)
			if tt.cfg != nil {
				tt.cfg(&cfg)
			}
			if tt.set != nil {
				tt.set(s)
			}
			c := connect(t, cfg)
			r := c.Check(t.Context(), connectors.CheckRequest{Room: theRoom(t), Write: true})
			if got := state(r); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if r.Access != tt.access {
				t.Errorf("access %v, want %v", r.Access, tt.access)
			}
			text := fmt.Sprintf("%+v", r)
			for _, no := range []string{graphtest.Secret, "people.example", "Bearer", ".sig-"} {
				if strings.Contains(text, no) {
					t.Errorf("%q shows in %s", no, text)
				}
			}
			for _, x := range r.Steps {
				if x.State == connectors.StepFailed && x.Said == "" {
					t.Errorf("%s says nothing", x.Name)
				}
			}
			s.Repair()
			if n := len(s.Bodies(person)); n != 0 {
				t.Errorf("%d events were written to a person", n)
			}
		})
	}
}

func TestCheckWithoutRoom(t *testing.T) {
	t.Parallel()
	s, cfg := inviting(t, graphtest.Quirks{})
	c := connect(t, cfg)
	r := c.Check(t.Context(), connectors.CheckRequest{Write: true})
	if !r.OK() || state(r) != "" || len(r.Steps) != 8 {
		t.Errorf("%+v", r)
	}
	if !slices.ContainsFunc(r.Steps, func(s connectors.Step) bool { return s.Cure == "calendar.cure.not_encrypted" }) {
		t.Error("a secret that goes in the clear is not warned of")
	}
	if calls := of(s.Calls(), "POST", "/events"); len(calls) != 0 {
		t.Error("something was written")
	}
	s.Break(graphtest.Fault{Mailbox: account, Status: 404, Code: "ErrorInvalidUser"})
	if got := state(c.Check(t.Context(), connectors.CheckRequest{})); got != "account failed graph_no_mailbox, normal_mailbox skipped" {
		t.Error(got)
	}
	// A check by invitation writes by invitation.
	s.Repair()
	s.Calls()
	if r := c.Check(t.Context(), connectors.CheckRequest{Room: theRoom(t), Write: true}); !r.OK() {
		t.Error(state(r))
	}
	if calls := of(s.Calls(), "POST", account); len(calls) != 1 || !strings.Contains(calls[0].Body, `"resource"`) {
		t.Errorf("%+v", calls)
	}
}
