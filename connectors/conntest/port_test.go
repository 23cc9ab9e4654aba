package conntest

import (
	"net"
	"testing"
)

// A reserved address is free for the test, more than once.
func TestReserve(t *testing.T) {
	t.Parallel()
	addr := Reserve(t)
	for range 2 {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			t.Error("somebody else listens at a reserved address")
		}
	}
}
