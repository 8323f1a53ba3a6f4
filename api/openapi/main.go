// Command openapi generates api/openapi.json from the route table, sqlc's description of the queries and tables, and
// the comments of the Go types. `make gen` runs it in the root directory of the repository.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"labledger/api"
)

// Files, relative to the root directory.
const (
	sqlcFile     = "api/openapi/sqlc.json"     // written by sqlc, not committed: it describes all of Postgres
	queriesFile  = "api/openapi/queries.json"  // the part of sqlcFile that the generator needs
	examplesFile = "api/openapi/examples.json" // written by the test TestResponseExamples of api
	documentFile = "api/openapi.json"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run() error {
	catalog, err := readSQLC(sqlcFile)
	if err != nil {
		return err
	}
	text, err := encode(catalog)
	if err != nil {
		return err
	}
	if err := os.WriteFile(queriesFile, text, 0o644); err != nil {
		return err
	}
	if text, err = generate("."); err != nil {
		return err
	}
	return os.WriteFile(documentFile, text, 0o644)
}

// generate returns the OpenAPI document. root is the root directory of the repository.
func generate(root string) ([]byte, error) {
	src, err := readSources(root)
	if err != nil {
		return nil, err
	}
	return encode(document(src, api.Endpoints()))
}

// encode returns a value as indented JSON.
func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(value)
	return text.Bytes(), err
}

// readJSON decodes a file.
func readJSON(value any, path ...string) error {
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(path...), err)
	}
	return nil
}
