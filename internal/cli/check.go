package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"labledger/internal/postgres"
)

// This file looks at a configuration before it is used, and at a server that uses one.

// sampleWord stands in every secret of the sample files.
const sampleWord = "change-me"

// A setting is a value and the name by which people know it.
type setting struct{ name, value string }

func (c *config) server() setting { return setting{"DATABASE_URL", c.DatabaseURL} }

// owner is the database for commands that may need more rights than the server has.
func (c *config) owner() setting {
	if c.OwnerURL != "" {
		return setting{"OWNER_DATABASE_URL", c.OwnerURL}
	}
	return c.server()
}

// sample refuses a secret that stands in a public file.
func (s setting) sample() error {
	if strings.Contains(s.value, sampleWord) {
		return fmt.Errorf("%s is still the one of the sample, which everybody can read. Put a secret of your own in place of %s…: openssl rand -hex 24", s.name, sampleWord)
	}
	return nil
}

type checkCmd struct{}

// Run tells everything that is wrong at once.
func (checkCmd) Run(c *config) error {
	container := setting{"POSTGRES_PASSWORD", os.Getenv("POSTGRES_PASSWORD")}
	replica := setting{"READ_DATABASE_URL", c.ReadDatabaseURL}
	_, err := c.access()
	faults := []error{err, c.server().sample(), replica.sample(), container.sample()}
	if c.OwnerURL != "" {
		faults = append(faults, c.owner().sample())
	}
	if _, password := postgres.WithoutPassword(c.OwnerURL); container.value != "" && c.OwnerURL != "" && password != container.value {
		faults = append(faults, errors.New("OWNER_DATABASE_URL has another password than POSTGRES_PASSWORD: they are one"))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	fmt.Println("the configuration is fit to run with")
	return nil
}

type healthCmd struct{}

// healthTime is less than a container's health check waits.
const healthTime = 2 * time.Second

// Run asks /readyz of a server with the same HOST and PORT, and says what it answered.
func (healthCmd) Run(ctx context.Context, c *config) error {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
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
