package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"labledger/internal/postgres"
)

// placeholderMarker is part of every secret in the sample files.
const placeholderMarker = "change-me"

// rejectPlaceholder returns an error if the value is a secret from the sample files, which are public.
func (v envValue) rejectPlaceholder() error {
	if strings.Contains(v.value, placeholderMarker) {
		return fmt.Errorf("%s still contains the sample value %s; generate a secret: openssl rand -hex 24",
			v.name, placeholderMarker)
	}
	return nil
}

type checkCmd struct{}

// Run validates the configuration and reports all errors at once.
func (checkCmd) Run(c *config) error {
	c.envFile.print()
	adminPassword := envValue{postgresPassword, os.Getenv(postgresPassword)}
	replica := envValue{"READ_DATABASE_URL", c.ReadDatabaseURL}
	_, err := c.apiAccess()
	errs := []error{
		err, c.parseBasePath(),
		c.serverURL().rejectPlaceholder(), replica.rejectPlaceholder(), adminPassword.rejectPlaceholder(),
	}
	if c.OwnerURL != "" {
		errs = append(errs, c.ownerURL().rejectPlaceholder())
	}
	_, ownerPassword, _ := postgres.ForLibpq(c.OwnerURL)
	if adminPassword.value != "" && c.OwnerURL != "" && ownerPassword != adminPassword.value {
		errs = append(errs, errors.New("OWNER_DATABASE_URL and POSTGRES_PASSWORD have different passwords; use the same one"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Println("configuration OK")
	return nil
}

// print reports the effect of the file, without values.
func (f envFile) print() {
	for _, line := range []struct {
		text  string
		names []string
	}{
		{"sets %s", f.set},
		{"has %s, which the environment overrides", f.overridden},
		{"has %s, which labledger does not use", f.unknown},
	} {
		if len(line.names) > 0 {
			fmt.Printf("%s "+line.text+"\n", f.path, printable(strings.Join(line.names, ", ")))
		}
	}
}
