package cli

import (
	"errors"
	"fmt"
	"os"

	"labledger/internal/postgres"
)

// This file looks at a configuration before it is used, and at a server that uses one.

// sampleWord stands in every secret of the sample files.
const sampleWord = "change-me"

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
