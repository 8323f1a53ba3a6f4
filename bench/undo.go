package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// undoneRows are the sizes of the imports that benchUndo undoes.
var undoneRows = []int{1_000, 10_000, 100_000}

// benchUndo measures the undo of imports and of a cascading deletion, and pages of change sets.
func benchUndo(ctx context.Context, env environment) error {
	if _, err := env.pool.Exec(ctx, "INSERT INTO site (id, name) VALUES (1, 'Bench')"); err != nil {
		return err
	}
	addr, err := startHTTP(newAPI(env, slog.LevelError))
	if err != nil {
		return err
	}
	fmt.Printf("\nUndo, relative to the import of the rows: median of %d rounds (min to max)\n", rounds)
	fmt.Printf("%-44s %10s %24s %14s\n", "", "import, ms", "ratio", "memory, MiB")
	for i, rows := range undoneRows {
		times := rounds
		if rows == 100_000 {
			times = 1
		}
		if err := printUndo(addr, 10+i, rows, times); err != nil {
			return err
		}
	}
	printTimes("page of 100 change sets / page of 100 changes", addr,
		[]string{"/api/v1/changesets?sort=-at&limit=100"}, []string{"/api/v1/changes?sort=-id&limit=100"})
	return nil
}

// printUndo imports containers into a new freezer, undoes the import, undoes that, deletes the freezer with them, and
// undoes the deletion.
func printUndo(addr string, freezer, rows, times int) error {
	deletion := fmt.Sprintf("/api/v1/freezers/%d?cascade=true", freezer)
	type step struct{ name, method, path, body string }
	steps := []step{
		{"undo of the import", "POST", "/api/v1/changesets/%d/undo", ""},
		{"undo of that", "POST", "/api/v1/changesets/%d/undo", ""},
		{"deletion of the freezer", "DELETE", deletion, ""},
		{"undo of the deletion", "POST", "/api/v1/changesets/%d/undo", ""},
	}
	if rows > 10_000 { // a deletion has less time
		steps = steps[:2]
	}
	var imports []float64
	ratios, peaks := make([][]float64, len(steps)), make([]float64, len(steps))
	for range times {
		body := fmt.Sprintf(`{"name": "Bench %d", "site_id": 1, "capacity": null}`, freezer)
		if _, _, _, err := timeRequest(addr, "PUT", fmt.Sprintf("/api/v1/freezers/%d", freezer), body); err != nil {
			return err
		}
		containers := make([]string, rows)
		for n := range containers {
			containers[n] = fmt.Sprintf(`{"description": "Mouse serum %d", "freezer_id": %d, "kind": "tube"}`, n, freezer)
		}
		imported, _, _, err := timeRequest(addr, "POST", "/api/v1/containers", "["+strings.Join(containers, ",")+"]")
		if err != nil {
			return err
		}
		imports = append(imports, milliseconds(imported))
		for i, s := range steps {
			id, err := newestChangeset(addr)
			if err != nil {
				return err
			}
			path := s.path
			if strings.Contains(path, "%d") {
				path = fmt.Sprintf(path, id)
			}
			took, peak, _, err := timeRequest(addr, s.method, path, s.body)
			if err != nil {
				return fmt.Errorf("%s of %d: %w", s.name, rows, err)
			}
			ratios[i] = append(ratios[i], ratio(took, imported))
			peaks[i] = max(peaks[i], peak)
		}
		if times == 1 {
			break
		}
		if _, _, _, err := timeRequest(addr, "DELETE", deletion, ""); err != nil {
			return err
		}
	}
	slices.Sort(imports)
	for i, s := range steps {
		slices.Sort(ratios[i])
		fmt.Printf("%-44s %10.0f %24s %14.0f\n", fmt.Sprintf("%s, %d rows", s.name, rows), median(imports),
			fmt.Sprintf("%.2f (%.2f to %.2f)", median(ratios[i]), ratios[i][0], ratios[i][len(ratios[i])-1]), peaks[i])
	}
	return nil
}

func newestChangeset(addr string) (int64, error) {
	_, _, body, err := timeRequest(addr, "GET", "/api/v1/changesets?sort=-id&limit=1&fields=id", "")
	if err != nil {
		return 0, err
	}
	var sets []struct{ ID int64 }
	if err := json.Unmarshal(body, &sets); err != nil || len(sets) == 0 {
		return 0, errors.Join(err, errors.New("no change set"))
	}
	return sets[0].ID, nil
}
