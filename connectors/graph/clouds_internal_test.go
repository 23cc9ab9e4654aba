package graph

import (
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors/outbound"
)

func TestClouds(t *testing.T) {
	t.Parallel()
	out, err := outbound.New(outbound.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for cloud, want := range map[Cloud][2]string{
		"":     {"https://login.microsoftonline.com/t.example/oauth2/v2.0/token", "https://graph.microsoft.com"},
		Global: {"https://login.microsoftonline.com/t.example/oauth2/v2.0/token", "https://graph.microsoft.com"},
		USGov:  {"https://login.microsoftonline.us/t.example/oauth2/v2.0/token", "https://graph.microsoft.us"},
		DoD:    {"https://login.microsoftonline.us/t.example/oauth2/v2.0/token", "https://dod-graph.microsoft.us"},
		China:  {"https://login.chinacloudapi.cn/t.example/oauth2/v2.0/token", "https://microsoftgraph.chinacloudapi.cn"},
	} {
		c, err := New(out, Config{Tenant: " t.example ", ClientID: "id", Secret: secret.New("x"), Cloud: cloud, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if c.tokens.url.String() != want[0] || c.base.String() != want[1]+"/v1.0" || c.tokens.scope != want[1]+"/.default" {
			t.Errorf("%q: %s, %s, %s", cloud, c.tokens.url, c.base, c.tokens.scope)
		}
		u, err := c.mailboxURL("op", "o'neill+x#1@rooms.example", []string{"events", "AAMk=/+"}, "$select", "a b")
		if err != nil || u.String() != want[1]+"/v1.0/users/o%27neill+x%231@rooms.example/events/AAMk=%2F+?$select=a%20b" {
			t.Errorf("%s, %v", u, err)
		}
		_ = c.Close()
	}
}
