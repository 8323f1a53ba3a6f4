package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

type healthCmd struct{}

// healthTimeout is less than a container's health check waits.
const healthTimeout = 2 * time.Second

// Run asks /readyz of a server with the same HOST and PORT, and says what it answered.
func (healthCmd) Run(ctx context.Context, c *config) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	host := c.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, c.Port)+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready, %s: %s", answer.Status, strings.TrimSpace(string(text)))
	}
	var ready struct{ Status string }
	if err := json.Unmarshal(text, &ready); err != nil || ready.Status != "ready" {
		return fmt.Errorf("what answers there is no labledger: %.200q", text)
	}
	fmt.Print(string(text))
	return nil
}
