package sse

import "time"

// SetHeartbeatInterval changes the interval of the streams that are opened from now on.
func (h *Handler) SetHeartbeatInterval(d time.Duration) { h.heartbeatInterval = d }
