package ews

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Discovery is what Autodiscover needs.
type Discovery struct {
	Address     string // an SMTP address of the organisation, such as the service account's
	Credentials outbound.Credentials
	CA          []byte   // see Config
	Pins        []string // see Config
	// Hosts are names or URLs of servers that an administrator typed. They are asked first, and the
	// credentials may go to their domains beside the address' own.
	Hosts []string
}

// Found is where the web services are.
type Found struct {
	URL     string // for Config.URL
	Foreign bool   // its host is in another domain than the address and the typed hosts: somebody has to confirm it
}

// maxHops bounds redirections of all kinds.
const maxHops = 5

// Autodiscover asks an organisation's own servers for the address of their web services ("POX", MS-OXDSCLI).
// It is a help for setting up and never used later on. The credentials go only to hosts whose registrable
// domain is that of the address or of a typed host; a redirection elsewhere is an error with that host in
// Said. An organisation in Exchange Online is an error with its cure, as New has it.
func Autodiscover(ctx context.Context, out *outbound.Outbound, d Discovery) (Found, error) {
	const op = "find the Exchange server"
	if !isAddress(d.Address) {
		return Found{}, connectors.Fail(connectors.Invalid, op, "the address is no mail address")
	}
	s := search{out: out, d: d, asked: map[string]bool{}}
	_, domain, _ := strings.Cut(d.Address, "@")
	s.trust(domain)
	for _, h := range d.Hosts {
		u, err := endpoint(h)
		if err != nil {
			return Found{}, err
		}
		s.trust(u.Hostname())
		s.queue = append(s.queue, u.ResolveReference(&url.URL{Path: discoverPath}))
	}
	for _, host := range []string{"autodiscover." + domain, domain} {
		s.queue = append(s.queue, &url.URL{Scheme: "https", Host: host, Path: discoverPath})
	}
	var first error
	for hops := 0; len(s.queue) > 0 && hops < maxHops+len(d.Hosts)+2; hops++ {
		u := s.queue[0]
		s.queue = s.queue[1:]
		if s.asked[u.String()] {
			continue
		}
		s.asked[u.String()] = true
		found, err := s.ask(ctx, op, u)
		if err == nil && found.URL != "" {
			return found, nil
		}
		if errors.Is(err, connectors.Auth) || errors.Is(err, connectors.Trust) || codeIs(err, "Exchange Online") || ctx.Err() != nil {
			return Found{}, err
		}
		if err != nil && first == nil {
			first = err
		}
	}
	return Found{}, &connectors.Error{Kind: connectors.NotFound, Op: op, Code: "nothing found", Cure: "calendar.cure.no_autodiscover", Said: connectors.SaidOf(first), Err: first}
}

const discoverPath = "/autodiscover/autodiscover.xml"

type search struct {
	out     *outbound.Outbound
	d       Discovery
	domains []string // registrable, that the credentials may go to
	queue   []*url.URL
	asked   map[string]bool
}

func (s *search) trust(host string) { s.domains = append(s.domains, registrable(host)) }

// registrable is the domain that somebody has registered, or the whole of an address or a bare name.
func registrable(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return host
	}
	if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return d
	}
	return host
}

func (s *search) trusted(host string) bool {
	for _, d := range s.domains {
		if d == registrable(host) {
			return true
		}
	}
	return false
}

// ask asks one place and queues what the answer redirects to. The credentials are sent only when it asks
// for them: a company's web site, which is one of the places, does not.
func (s *search) ask(ctx context.Context, op string, u *url.URL) (Found, error) {
	resp, err := s.post(ctx, op, u, outbound.Credentials{})
	if err == nil && resp.Status == http.StatusUnauthorized {
		resp, err = s.post(ctx, op, u, s.d.Credentials)
	}
	if codeIs(err, "host not configured") {
		// An HTTP redirection: the path is the same everywhere.
		return Found{}, s.follow(op, &url.URL{Scheme: "https", Host: connectors.SaidOf(err), Path: discoverPath})
	}
	if err != nil {
		return Found{}, err
	}
	if err := resp.Err(); err != nil {
		return Found{}, err
	}
	root, err := decode(resp.Body)
	if err != nil || root.name != "Autodiscover" {
		return Found{}, connectors.Fail(connectors.Invalid, op, "no answer of an Exchange server")
	}
	return s.read(op, root.at("Response", "Account"))
}

func (s *search) post(ctx context.Context, op string, u *url.URL, cred outbound.Credentials) (*outbound.Response, error) {
	client, err := s.out.Client(outbound.ClientOptions{
		Purpose: "ews", Hosts: []string{u.String()}, CA: s.d.CA, Pins: s.d.Pins, Credentials: cred, MaxBody: 1 << 20, HTTP1: true,
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	body := `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">` +
		`<Request><EMailAddress>` + escape(s.d.Address) + `</EMailAddress>` +
		`<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`
	header := http.Header{"Content-Type": {"text/xml; charset=utf-8"}}
	return client.Do(ctx, outbound.Request{Op: op, Method: http.MethodPost, URL: u, Header: header, Body: []byte(body)})
}

// read takes the address of the web services, or where to ask next.
func (s *search) read(op string, account *node) (Found, error) {
	if to := account.child("RedirectUrl").word(); to != "" {
		u, err := url.Parse(to)
		if err != nil || u.Host == "" {
			return Found{}, connectors.Fail(connectors.Invalid, op, "the redirection is no URL")
		}
		return Found{}, s.follow(op, u)
	}
	if to := account.child("RedirectAddr").word(); isAddress(to) {
		_, domain, _ := strings.Cut(to, "@")
		s.d.Address = to
		return Found{}, s.follow(op, &url.URL{Scheme: "https", Host: "autodiscover." + domain, Path: discoverPath})
	}
	for _, kind := range []string{"EXCH", "EXPR"} {
		for _, p := range account.all("Protocol") {
			to := p.child("EwsUrl").word()
			if p.child("Type").word() != kind || to == "" {
				continue
			}
			u, err := endpoint(to)
			if err != nil {
				return Found{}, err
			}
			return Found{URL: u.String(), Foreign: !s.trusted(u.Hostname())}, nil
		}
	}
	return Found{}, connectors.Fail(connectors.NotFound, op, "the answer names no web services")
}

// follow queues a place to ask next, if the credentials may go there.
func (s *search) follow(op string, u *url.URL) error {
	if IsOnline(u.Hostname()) {
		_, err := endpoint(u.Host)
		return err
	}
	if u.Scheme != "https" && !loopback(u.Hostname()) || u.User != nil || !s.trusted(u.Hostname()) {
		return &connectors.Error{Kind: connectors.Trust, Op: op, Code: "redirected to another domain", Cure: "calendar.cure.autodiscover_elsewhere", Said: u.Host}
	}
	s.queue = append([]*url.URL{u}, s.queue...)
	return nil
}
