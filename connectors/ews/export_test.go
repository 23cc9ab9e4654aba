package ews

import "time"

// Hurry makes a Conn wait milliseconds and seconds where it waits seconds and minutes.
func Hurry(c *Conn) {
	c.wait, c.maxWait = 10*time.Millisecond, 2*time.Second
	c.pause = func(int) time.Duration { return 20 * time.Millisecond }
}

// URL is where a Conn sends its requests.
func URL(c *Conn) string { return c.url.String() }
