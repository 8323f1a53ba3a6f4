// Package history seals the history and verifies it by its seals. A seal has the Merkle root of a range of changes, and
// a hash that chains it to the seal before. The database computes both when it seals; this package computes them again.
package history

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// sealTimeout bounds a call in milliseconds, instead of a statement timeout in the URL: 100,000 changes take some seconds.
const sealTimeout = "600000"

// Seal seals pending changes, at most 100,000, and returns the seal. Otherwise it makes the changes without a seal
// pending, unless the newest seal is younger than minAge, and returns nil: a later call seals them when all
// transactions have ended that may add changes among them.
func Seal(ctx context.Context, pool *pgxpool.Pool, minAge time.Duration) (seal *db.HistorySeal, err error) {
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	err = pgx.BeginTxFunc(ctx, pool, options, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := q.SetStatementTimeout(ctx, db.SetStatementTimeoutParams{Milliseconds: sealTimeout}); err != nil {
			return err
		}
		id, err := q.SealHistory(ctx, db.SealHistoryParams{MinSeconds: int32(minAge.Seconds())})
		if err != nil || id == 0 {
			return err
		}
		row, err := q.GetSeal(ctx, db.GetSealParams{ID: id})
		seal = &row
		return err
	})
	if err != nil {
		return nil, err
	}
	return seal, nil
}

// Newest returns the newest seal, or nil if there is none.
func Newest(ctx context.Context, q *db.Queries) (*db.HistorySeal, error) {
	seal, err := q.GetNewestSeal(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &seal, nil
}

// An Expectation is the ID and the chain of a seal, kept outside of the database.
type Expectation struct {
	SealID int64
	Chain  [sha256.Size]byte
}

// ExpectationOf returns what to keep of a seal.
func ExpectationOf(seal db.HistorySeal) Expectation {
	e := Expectation{SealID: seal.ID}
	copy(e.Chain[:], seal.Chain)
	return e
}

// ParseExpectation parses ID:CHAIN, with the chain in hexadecimal digits.
func ParseExpectation(text string) (e Expectation, err error) {
	id, chain, _ := strings.Cut(text, ":")
	e.SealID, err = strconv.ParseInt(id, 10, 64)
	if err != nil || e.SealID < 1 || len(chain) != hex.EncodedLen(len(e.Chain)) {
		return Expectation{}, fmt.Errorf("must be the ID of a seal, a colon and 64 hexadecimal digits, got %q", text)
	}
	if _, err := hex.Decode(e.Chain[:], []byte(chain)); err != nil {
		return Expectation{}, fmt.Errorf("must have 64 hexadecimal digits after the colon, got %q", text)
	}
	return e, nil
}

func (e Expectation) String() string { return fmt.Sprintf("%d:%x", e.SealID, e.Chain) }

// chainOf computes the chain of a seal from the one of the seal before, which is all zero before the first seal.
func chainOf(previous []byte, seal db.HistorySeal) [sha256.Size]byte {
	buf := append([]byte(nil), previous...)
	for _, n := range []int64{seal.ID, seal.SealedAt.UnixMicro(), seal.FirstID, seal.LastID, seal.Changes} {
		buf = binary.BigEndian.AppendUint64(buf, uint64(n))
	}
	return sha256.Sum256(append(buf, seal.Root...))
}

// appendChange appends the content of a change as a leaf of the Merkle tree, as change_leaf in the schema hashes it.
func appendChange(buf []byte, c db.ListSealedChangesRow) []byte {
	buf = binary.BigEndian.AppendUint64(buf, uint64(c.ID))
	buf = binary.BigEndian.AppendUint64(buf, uint64(c.At))
	buf = appendText(buf, &c.Actor)
	buf = appendText(buf, c.RequestID)
	buf = appendText(buf, c.Message)
	buf = appendText(buf, &c.TableName)
	buf = appendText(buf, &c.RowKey)
	buf = appendText(buf, &c.Action)
	buf = appendJSON(buf, c.Before)
	buf = appendJSON(buf, c.After)
	buf = binary.BigEndian.AppendUint64(buf, uint64(c.ChangesetID))
	return binary.BigEndian.AppendUint64(buf, uint64(c.UndoesID))
}

// appendText appends the length of a text and the text, or -1 for nil.
func appendText(buf []byte, text *string) []byte {
	if text == nil {
		return binary.BigEndian.AppendUint32(buf, noText)
	}
	return append(binary.BigEndian.AppendUint32(buf, uint32(len(*text))), *text...)
}

func appendJSON(buf, text []byte) []byte {
	if text == nil {
		return binary.BigEndian.AppendUint32(buf, noText)
	}
	return append(binary.BigEndian.AppendUint32(buf, uint32(len(text))), text...)
}

// noText is the length of null, -1.
const noText = 1<<32 - 1
