package dbtx

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A Sharer runs short reads. A read is sent at once while a round trip is free. Otherwise it waits, and those that wait
// at the same moment share the next round trip, in which equal reads run once.
//
// A read sees all that was committed before it began, because its round trip begins later. It is a transaction of its
// own: if it fails, or is cancelled, this has no effect on the others.
type Sharer struct {
	acquire func(context.Context) (*pgxpool.Conn, error)
	timeout time.Duration // of a round trip that reads share

	mu      sync.Mutex
	free    []*trip
	waiting []*sharedRead
}

// maxShared is how many reads share a round trip at most.
const maxShared = 64

// NewSharer returns a Sharer. trips is how many round trips may be under way at the same time, each on a connection of
// its own. timeout is that of a round trip that reads share; that of a single read ends with its context.
func NewSharer(
	acquire func(context.Context) (*pgxpool.Conn, error), trips int, timeout time.Duration,
) *Sharer {
	s := &Sharer{acquire: acquire, timeout: timeout}
	for range trips {
		s.free = append(s.free, new(trip))
	}
	return s
}

// A Statement is SQL with its arguments. It becomes a prepared statement of the connection, so a program must have few.
type Statement struct {
	SQL  string
	Args []any
	Rows int // about how many it returns; 0 for at most one
}

// A sharedRead is a call of Read.
type sharedRead struct {
	ctx        context.Context
	statements []Statement
	prepared   []*pgconn.StatementDescription
	results    []*Result
	done       chan struct{} // closed at the end; nil if nobody waits for it
	ended      bool
	err        error
}

func (r *sharedRead) end(err error) {
	r.err, r.ended = err, true
	if r.done != nil {
		close(r.done)
	}
}

// Read runs statements in one transaction. If one fails, Postgres skips the others, and their results have the error of
// the first. The error that Read returns is that of the connection, of preparing a statement, or of ctx.
func (s *Sharer) Read(ctx context.Context, statements ...Statement) ([]*Result, error) {
	read := &sharedRead{ctx: ctx, statements: statements}
	t := s.begin(read)
	if t == nil {
		select {
		case <-read.done:
			return read.results, read.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	t.send(ctx, s, read)
	if reads := s.next(t); reads != nil {
		go s.continueWith(t, reads)
	}
	return read.results, read.err
}

// begin returns a free round trip. Without one, the read waits for another.
func (s *Sharer) begin(read *sharedRead) *trip {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.free) - 1; last >= 0 {
		t := s.free[last]
		s.free = s.free[:last]
		return t
	}
	read.done = make(chan struct{})
	s.waiting = append(s.waiting, read)
	return nil
}

// next returns the reads that share the next round trip. If none waits, the round trip becomes free.
func (s *Sharer) next(t *trip) []*sharedRead {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(read *sharedRead) bool { return read.ctx.Err() != nil }) // gone
	n := min(len(s.waiting), maxShared)
	if n == 0 {
		s.free = append(s.free, t)
		return nil
	}
	reads := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	return reads
}

func (s *Sharer) continueWith(t *trip, reads []*sharedRead) {
	for ; reads != nil; reads = s.next(t) {
		ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
		t.send(ctx, s, reads...)
		cancel()
	}
}

// Waiting returns how many reads wait for a round trip.
func (s *Sharer) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// A trip is a round trip, with memory that the next one uses again.
type trip struct {
	builds []*pgx.ExtendedQueryBuilder // by statement of a read
	key    []byte
	sent   []sentRead
	equal  map[string]int // indexes of sent reads
}

// A sentRead is what equal reads have in common.
type sentRead struct {
	results []*Result
	reads   []*sharedRead
}

// send makes a round trip for reads.
func (t *trip) send(ctx context.Context, s *Sharer, reads ...*sharedRead) {
	err := t.exchange(ctx, s, reads)
	for _, read := range reads {
		if !read.ended {
			read.end(err)
		}
	}
	clear(t.sent)
	clear(t.equal)
	t.sent = t.sent[:0]
}

// exchange sends the statements of reads, and receives the results. The error is that of the connection.
func (t *trip) exchange(ctx context.Context, s *Sharer, reads []*sharedRead) error {
	pooled, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer pooled.Release()
	conn := pooled.Conn()
	for _, read := range reads {
		read.prepare(ctx, conn)
	}
	pipeline := conn.PgConn().StartPipeline(ctx)
	for _, read := range reads {
		if !read.ended {
			t.sendRead(conn.TypeMap(), pipeline, read)
		}
	}
	err = pipeline.Flush()
	haveChanged := false // the columns of a prepared statement
	for i := 0; i < len(t.sent) && err == nil; i++ {
		failure, connErr := t.sent[i].receive(pipeline)
		haveChanged = haveChanged || failure != nil && failure.Code == pgerrcode.FeatureNotSupported
		err = connErr
	}
	_ = pipeline.Close() // has the same error, or that of a statement
	if err == nil && haveChanged {
		err = conn.DeallocateAll(ctx)
	}
	return err
}

// prepare prepares the statements, unless the connection has them.
func (r *sharedRead) prepare(ctx context.Context, conn *pgx.Conn) {
	for _, statement := range r.statements {
		description, err := conn.Prepare(ctx, statement.SQL, statement.SQL)
		if err != nil {
			r.end(err)
			return
		}
		r.prepared = append(r.prepared, description)
	}
}

// sendRead sends the statements of a read, unless those of an equal one have been sent.
func (t *trip) sendRead(types *pgtype.Map, pipeline *pgconn.Pipeline, read *sharedRead) {
	t.key = t.key[:0]
	for i, statement := range read.statements {
		if i == len(t.builds) {
			t.builds = append(t.builds, new(pgx.ExtendedQueryBuilder))
		}
		if err := t.builds[i].Build(types, read.prepared[i], statement.Args); err != nil {
			read.end(err)
			return
		}
		t.key = appendKey(t.key, read.prepared[i].Name, t.builds[i].ParamValues)
	}
	index, found := t.equal[string(t.key)]
	if !found {
		if t.equal == nil {
			t.equal = map[string]int{}
		}
		index = len(t.sent)
		t.equal[string(t.key)] = index
		t.sent = append(t.sent, sentRead{})
		for i, prepared := range read.prepared {
			result := &Result{fields: prepared.Fields, expected: read.statements[i].Rows}
			t.sent[index].results = append(t.sent[index].results, result)
			b := t.builds[i]
			pipeline.SendQueryStatement(prepared, b.ParamValues, b.ParamFormats, b.ResultFormats)
		}
		pipeline.SendPipelineSync()
	}
	sent := &t.sent[index]
	sent.reads = append(sent.reads, read)
	read.results = sent.results
}

// appendKey appends what equal statements have in common: the name, and the values of the parameters.
func appendKey(key []byte, name string, values [][]byte) []byte {
	key = append(key, name...)
	for _, value := range values {
		length := len(value)
		if value == nil {
			length = -1
		}
		key = append(binary.AppendVarint(key, int64(length)), value...)
	}
	return key
}

// receive reads the rows of the statements, and ends the reads. failure is the error of a statement, err that of the
// connection.
func (s *sentRead) receive(pipeline *pgconn.Pipeline) (failure *pgconn.PgError, err error) {
	results := s.results
	for {
		next, err := pipeline.GetResults()
		switch next := next.(type) {
		case *pgconn.ResultReader:
			for next.NextRow() {
				results[0].appendRow(next.Values())
			}
			if _, err = next.Close(); err == nil {
				results = results[1:]
			}
		case *pgconn.PipelineSync:
			for _, read := range s.reads {
				read.end(nil)
			}
			return failure, nil
		}
		if err == nil {
			continue
		}
		var pgErr *pgconn.PgError
		switch {
		case errors.As(err, &pgErr):
			failure = pgErr
			for _, result := range results {
				result.err = pgErr
			}
		case failure != nil:
			return failure, failure // Postgres says why it closes the connection
		default:
			return nil, err
		}
	}
}
