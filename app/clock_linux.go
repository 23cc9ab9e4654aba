package app

import "syscall"

// clockIsSynchronised asks the kernel whether NTP keeps the clock right (adjtimex(2)).
func clockIsSynchronised() (known, yes bool) {
	const unsynchronised = 0x40 // STA_UNSYNC
	var t syscall.Timex
	if _, err := syscall.Adjtimex(&t); err != nil {
		return false, false
	}
	return true, t.Status&unsynchronised == 0
}
