package cli

import (
	"errors"
	"fmt"
	"os"

	"labledger/internal/postgres"
)

// This file looks at a configuration before it is used, and at a server that uses one.

// placeholderMarker stands in every secret of the sample files.
const placeholderMarker = "change-me"

type checkCmd struct{}

// Run tells everything that is wrong at once.
func (checkCmd) Run(c *config) error {
	container := envValue{"POSTGRES_PASSWORD", os.Getenv("POSTGRES_PASSWORD")}
	replica := envValue{"READ_DATABASE_URL", c.ReadDatabaseURL}
	_, err := c.apiAccess()
	faults := []error{err, c.serverURL().rejectPlaceholder(), replica.rejectPlaceholder(), container.rejectPlaceholder()}
	if c.OwnerURL != "" {
		faults = append(faults, c.ownerURL().rejectPlaceholder())
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
