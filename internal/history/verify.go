package history

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"time"

	"labledger/db"
	"labledger/internal/history/merkle"
)

// A Finding is a difference between the history and its seals, or between the seals and an expectation.
type Finding struct {
	Subject    string // such as a seal with its range
	What       string
	Recorded   string
	Recomputed string
	Remedy     string // what to do
}

// A Summary counts what Verify has read.
type Summary struct {
	Seals    int64
	Changes  int64           // with a seal
	Unsealed int64           // changes after the newest seal
	Newest   *db.HistorySeal // nil if there is no seal
	Findings int64
}

// Remedies of the kinds of findings.
const (
	remedyRows = "Compare the changes of this range with those of a backup from before: " +
		"the root does not show which row it is."
	remedySeals = "The seals were changed, which the server cannot do: " +
		"verify again with --expect and a seal from the log or from a backup, and ask who used the owner's role."
	remedyTail = "Changes were removed, or files of the database were lost: " +
		"restore the last backup beside this database and compare both."
	remedyExpected = "The seals were cut or written again after the expected one was recorded, " +
		"or the database was restored to an earlier time: restore the backup with this seal and compare both."
)

// Numbers of rows in one read.
const (
	sealPage   = 1000
	changePage = 1000
)

// Verify computes all seals again from the changes, and compares the seals with expected ones. It calls progress with
// the number of changes read, and report with each finding. It needs memory for some thousand changes, and can run
// beside the server: sealed changes never change.
func Verify(
	ctx context.Context, q *db.Queries, expected []Expectation, progress func(changes int64), report func(Finding),
) (Summary, error) {
	newest, err := Newest(ctx, q)
	if err != nil {
		return Summary{}, err
	}
	v := verification{
		q: q, expected: slices.Clone(expected), progress: progress, report: report, summary: Summary{Newest: newest},
		previous: db.HistorySeal{Chain: make([]byte, sha256.Size)},
	}
	if newest != nil {
		if err := v.verifySeals(ctx, *newest); err != nil {
			return v.summary, err
		}
	}
	for _, e := range v.expected {
		v.find(Finding{
			Subject:    fmt.Sprintf("seal %d", e.SealID),
			What:       "the expected seal is missing",
			Recorded:   fmt.Sprintf("%d seals", v.summary.Seals),
			Recomputed: "seal " + e.String(),
			Remedy:     remedyExpected,
		})
	}
	v.summary.Unsealed, err = q.CountChangesAfter(ctx, db.CountChangesAfterParams{AfterID: v.previous.LastID})
	return v.summary, err
}

// verification is the state of Verify.
type verification struct {
	q        *db.Queries
	expected []Expectation // not found yet
	progress func(changes int64)
	report   func(Finding)
	summary  Summary
	previous db.HistorySeal // the last seal that was verified; before the first one, a chain of zeros
	changes  changeReader
	cut      cutTail
	buf      []byte
}

// cutTail describes the seals whose changes are missing because the history ends before them.
type cutTail struct {
	first, last db.HistorySeal
	lastID      int64 // of the last change that exists
	missing     int64
	isTruncated bool
}

func (v *verification) find(f Finding) {
	v.summary.Findings++
	v.report(f)
}

func (v *verification) verifySeals(ctx context.Context, newest db.HistorySeal) error {
	v.changes = changeReader{q: v.q, afterID: math.MinInt64, lastID: newest.LastID}
	for {
		seals, err := v.q.ListSeals(ctx, db.ListSealsParams{AfterID: v.previous.ID, LastID: newest.ID, Limit: sealPage})
		if err != nil {
			return err
		}
		for _, seal := range seals {
			v.verifyChain(seal)
			if err := v.verifyRange(ctx, seal); err != nil {
				return err
			}
			v.summary.Seals++
			v.previous = seal
		}
		if len(seals) == 0 {
			break
		}
	}
	if v.cut.isTruncated {
		seals := subject(v.cut.first)
		if v.cut.last.ID != v.cut.first.ID {
			seals += " to " + subject(v.cut.last)
		}
		v.find(Finding{
			Subject:    seals,
			What:       "the history is truncated",
			Recorded:   fmt.Sprintf("changes up to %d", v.cut.last.LastID),
			Recomputed: fmt.Sprintf("changes up to %d; %d are missing", v.cut.lastID, v.cut.missing),
			Remedy:     remedyTail,
		})
	}
	return nil
}

// verifyChain compares a seal with the one before and with the expectations.
func (v *verification) verifyChain(seal db.HistorySeal) {
	switch chain := chainOf(v.previous.Chain, seal); {
	case seal.ID != v.previous.ID+1:
		v.find(Finding{
			Subject:    fmt.Sprintf("seals %d to %d", v.previous.ID+1, seal.ID-1),
			What:       "seals are missing",
			Recorded:   fmt.Sprintf("seal %d follows seal %d", seal.ID, v.previous.ID),
			Recomputed: fmt.Sprintf("seal %d follows", v.previous.ID+1),
			Remedy:     remedySeals,
		})
	case !bytes.Equal(chain[:], seal.Chain):
		v.find(Finding{
			Subject:    subject(seal),
			What:       "the chain is broken: this seal was changed, or the one before",
			Recorded:   fmt.Sprintf("chain %x", seal.Chain),
			Recomputed: fmt.Sprintf("chain %x", chain),
			Remedy:     remedySeals,
		})
	case seal.FirstID != v.previous.LastID+1:
		v.find(Finding{
			Subject:    subject(seal),
			What:       "the ranges of the seals leave a gap or overlap",
			Recorded:   fmt.Sprintf("first change %d", seal.FirstID),
			Recomputed: fmt.Sprintf("first change %d", v.previous.LastID+1),
			Remedy:     remedySeals,
		})
	}
	v.expected = slices.DeleteFunc(v.expected, func(e Expectation) bool {
		if e.SealID == seal.ID && !bytes.Equal(e.Chain[:], seal.Chain) {
			v.find(Finding{
				Subject:    subject(seal),
				What:       "the seal is not the expected one",
				Recorded:   fmt.Sprintf("chain %x", seal.Chain),
				Recomputed: fmt.Sprintf("chain %x", e.Chain),
				Remedy:     remedyExpected,
			})
		}
		return e.SealID == seal.ID
	})
}

// verifyRange compares a seal with the changes of its range.
func (v *verification) verifyRange(ctx context.Context, seal db.HistorySeal) error {
	if err := v.skipBefore(ctx, seal.FirstID); err != nil {
		return err
	}
	var tree merkle.Tree
	for {
		change, err := v.changes.peek(ctx)
		if err != nil {
			return err
		}
		if change == nil || change.ID > seal.LastID {
			break
		}
		v.buf = appendChange(v.buf[:0], *change)
		tree.Add(v.buf)
		v.changes.skip()
	}
	v.summary.Changes += tree.Len()
	v.progress(v.summary.Changes)
	missing, root := seal.Changes-tree.Len(), tree.Root()
	switch {
	case missing > 0 && v.changes.isAtEnd() && v.changes.lastRead < seal.LastID:
		if !v.cut.isTruncated {
			v.cut = cutTail{first: seal, lastID: v.changes.lastRead, isTruncated: true}
		}
		v.cut.last = seal
		v.cut.missing += missing
	case missing != 0:
		what := fmt.Sprintf("rows of the history are missing: %d", missing)
		if missing < 0 {
			what = fmt.Sprintf("rows were added to the history: %d", -missing)
		}
		v.find(Finding{
			Subject:    subject(seal),
			What:       what,
			Recorded:   fmt.Sprintf("%d changes", seal.Changes),
			Recomputed: fmt.Sprintf("%d changes", tree.Len()),
			Remedy:     remedyRows,
		})
	case !bytes.Equal(root[:], seal.Root):
		v.find(Finding{
			Subject:    subject(seal),
			What:       "a row of the history was changed",
			Recorded:   fmt.Sprintf("root %x", seal.Root),
			Recomputed: fmt.Sprintf("root %x", root),
			Remedy:     remedyRows,
		})
	}
	return nil
}

// skipBefore reads the changes before a range. There are none unless seals are missing or rows were added.
func (v *verification) skipBefore(ctx context.Context, firstID int64) error {
	var skipped, first, last int64
	for {
		change, err := v.changes.peek(ctx)
		if err != nil {
			return err
		}
		if change == nil || change.ID >= firstID {
			break
		}
		if skipped == 0 {
			first = change.ID
		}
		last = change.ID
		skipped++
		v.changes.skip()
	}
	if skipped > 0 {
		v.find(Finding{
			Subject:    fmt.Sprintf("changes %d to %d", first, last),
			What:       "no seal covers these rows of the history, but a later one exists",
			Recorded:   "no seal",
			Recomputed: fmt.Sprintf("%d changes", skipped),
			Remedy:     remedySeals,
		})
	}
	return nil
}

func subject(seal db.HistorySeal) string {
	return fmt.Sprintf("seal %d, changes %d to %d, sealed at %s",
		seal.ID, seal.FirstID, seal.LastID, formatTime(seal.SealedAt))
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// A changeReader reads changes in the order of their IDs, page by page.
type changeReader struct {
	q        *db.Queries
	afterID  int64 // the last change that was fetched
	lastID   int64
	page     []db.ListSealedChangesRow // not read yet
	lastRead int64
	atEnd    bool
}

// peek returns the next change, or nil at the end.
func (r *changeReader) peek(ctx context.Context) (*db.ListSealedChangesRow, error) {
	if len(r.page) == 0 && !r.atEnd {
		page, err := r.q.ListSealedChanges(ctx,
			db.ListSealedChangesParams{AfterID: r.afterID, LastID: r.lastID, Limit: changePage})
		if err != nil {
			return nil, err
		}
		r.page, r.atEnd = page, len(page) < changePage
		if len(page) > 0 {
			r.afterID = page[len(page)-1].ID
		}
	}
	if len(r.page) == 0 {
		return nil, nil
	}
	return &r.page[0], nil
}

// skip moves behind the change that peek returned.
func (r *changeReader) skip() {
	r.lastRead = r.page[0].ID
	r.page = r.page[1:]
}

// isAtEnd reports whether peek has returned nil.
func (r *changeReader) isAtEnd() bool { return r.atEnd && len(r.page) == 0 }
