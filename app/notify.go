package app

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Notifier tells systemd how the service is (sd_notify(3)). Its methods do nothing where nobody
// listens; a message that can't be sent is lost, as systemd's own timeouts then act.
type Notifier struct {
	socket   string        // empty: nobody listens
	watchdog time.Duration // zero: no watchdog
}

// newNotifier reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
func newNotifier(env map[string]string) *Notifier {
	n := &Notifier{socket: env["NOTIFY_SOCKET"]}
	if rest, ok := strings.CutPrefix(n.socket, "@"); ok {
		n.socket = "\x00" + rest // a socket of Linux's abstract namespace
	}
	usec, err := strconv.ParseInt(env["WATCHDOG_USEC"], 10, 64)
	pid := env["WATCHDOG_PID"]
	if err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

func (n *Notifier) send(state string) {
	if n.socket == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

// Ready says that the service answers; status is shown by systemctl.
func (n *Notifier) Ready(status string) { n.send("READY=1\nSTATUS=" + oneLine(status)) }

// Stopping says that the service has begun to stop.
func (n *Notifier) Stopping() { n.send("STOPPING=1\nSTATUS=stopping") }

// Watchdog tells systemd twice per watchdog period that the service is alive, for as long as
// healthy says so, until ctx ends. A service that is stuck is then restarted.
func (n *Notifier) Watchdog(ctx context.Context, healthy func(context.Context) error) error {
	if n.socket == "" || n.watchdog <= 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(n.watchdog / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		check, cancel := context.WithTimeout(ctx, n.watchdog/2)
		err := healthy(check)
		cancel()
		if err != nil {
			n.send(fmt.Sprintf("STATUS=not healthy: %s", oneLine(err.Error())))
			continue
		}
		n.send("WATCHDOG=1")
	}
}

// oneLine makes control characters spaces.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
