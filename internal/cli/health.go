package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

type healthCmd struct{}

// healthTimeout is shorter than the timeout of a container's health check.
const healthTimeout = 2 * time.Second

// Run requests /readyz from the server at the configured HOST and PORT, and prints the response.
func (healthCmd) Run(ctx context.Context, c *config) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.localURL()+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s: %s", response.Status, strings.TrimSpace(string(body)))
	}
	var readiness struct{ Status string }
	if err := json.Unmarshal(body, &readiness); err != nil || readiness.Status != "ready" {
		return fmt.Errorf("unexpected response, not from labledger: %.200q", body)
	}
	fmt.Print(string(body))
	return nil
}
