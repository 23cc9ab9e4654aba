package google

import "time"

// SetPause shortens the wait between two looks for a room's answer.
func (c *Conn) SetPause(d time.Duration) { c.pause = d }
