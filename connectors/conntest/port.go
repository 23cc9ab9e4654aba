package conntest

import (
	"net"
	"strconv"
	"syscall"
	"testing"
)

// Reserve returns an address on loopback at which nobody but this test listens until it ends: a socket that is bound but does not
// listen holds the port. Whoever wants a free port gets another one, and who asks for this one gets it, also again and again and
// from another process, as Go, Python and others set SO_REUSEADDR.
func Reserve(t testing.TB) (addr string) {
	t.Helper()
	syscall.ForkLock.RLock() // so that no child inherits the socket
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	bound, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		t.Fatalf("bound to %T", name)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.Port))
}
