package sse

import "time"

// PollOnlyWhenWoken makes the streams that are opened from now on poll twice after each wakeup, and otherwise never.
func (h *Handler) PollOnlyWhenWoken() { h.hub.backoff = []time.Duration{0, 24 * time.Hour} }

// SetHeartbeatInterval changes the interval of the streams that are opened from now on.
func (h *Handler) SetHeartbeatInterval(d time.Duration) { h.heartbeatInterval = d }
