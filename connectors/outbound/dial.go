package outbound

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"lintel/connectors"
)

// Dial connects to a host that an administrator typed, for protocols other than HTTP: under the same
// rules for addresses, and recorded like a request. A proxy is not used. The error is a
// *connectors.Error.
func (o *Outbound) Dial(ctx context.Context, purpose, op, host string, port uint16) (net.Conn, error) {
	refuse := &connectors.Error{Kind: connectors.Trust, Op: op, Code: "address refused", Cure: "calendar.cure.address", Said: host}
	if a, err := netip.ParseAddr(host); err == nil && o.guard.check(netip.AddrPortFrom(a, port)) != nil {
		return nil, refuse
	}
	if rec := o.opt.Record; rec != nil {
		rec(Contact{Host: strings.ToLower(host), Port: int(port), Purpose: purpose, At: o.opt.Now()})
	}
	conn, err := (&net.Dialer{ControlContext: o.guard.control}).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(port))))
	if err != nil {
		return nil, netError(ctx, ctx, op, err)
	}
	return conn, nil
}
