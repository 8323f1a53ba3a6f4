package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Connections of the pipelined baseline, and how many requests share one round trip at most.
const (
	pipelinedConnections = 4
	pipelinedRequests    = 64
)

// pipelinedHandler is the harder bound: what one could reach by giving up everything else. Routing by hand, few
// connections that all requests share, and no encoding: it reads the rows of the response and drops them, then sends
// the response that it has prepared for the same request.
type pipelinedHandler struct {
	bare     http.Handler // prepares the responses
	prepared sync.Map     // by request URI: []byte
	requests chan *pipelinedRequest
}

// A pipelinedRequest waits for its rows.
type pipelinedRequest struct {
	statement string
	args      [][]byte
	err       error
	done      chan struct{}
}

// pipelinedStatements are prepared on each connection.
var pipelinedStatements = map[string]string{
	"site":     "SELECT * FROM site WHERE id = $1::bigint",
	"sites":    selectSites,
	"filtered": selectFilteredSites,
}

func newPipelinedHandler(ctx context.Context, url string) (*pipelinedHandler, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	h := &pipelinedHandler{bare: nethttpHandler(pool), requests: make(chan *pipelinedRequest, pipelinedRequests)}
	for range pipelinedConnections {
		conn, err := pgconn.Connect(ctx, url)
		if err != nil {
			return nil, err
		}
		for name, sql := range pipelinedStatements {
			if _, err := conn.Prepare(ctx, name, sql, nil); err != nil {
				return nil, err
			}
		}
		go h.run(ctx, conn)
	}
	return h, nil
}

func (h *pipelinedHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request := &pipelinedRequest{done: make(chan struct{})}
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/site/"):
		request.statement, request.args = "site", [][]byte{[]byte(path[len("/site/"):])}
	case strings.HasPrefix(path, "/sites/"):
		offset, limit, _ := strings.Cut(path[len("/sites/"):], "/")
		request.statement, request.args = "sites", [][]byte{[]byte(limit), []byte(offset)}
	default:
		query, _ := url.ParseQuery(r.URL.RawQuery)
		request.statement, request.args = "sites", [][]byte{[]byte(query.Get("limit")), []byte("0")}
		if from := query.Get("id__gte"); from != "" {
			request.statement, request.args = "filtered", [][]byte{[]byte(from), []byte(query.Get("limit"))}
		}
	}
	body, found := h.prepared.Load(r.RequestURI)
	if !found {
		recorder := httptest.NewRecorder()
		h.bare.ServeHTTP(recorder, r)
		body = bytes.Clone(recorder.Body.Bytes())
		h.prepared.Store(r.RequestURI, body)
	}
	h.requests <- request
	<-request.done
	if request.err != nil {
		http.Error(w, request.err.Error(), http.StatusInternalServerError)
		return
	}
	response := body.([]byte)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(response)))
	_, _ = w.Write(response) // the client checks the response
}

// run sends the requests that wait in one round trip, and then those that have arrived meanwhile.
func (h *pipelinedHandler) run(ctx context.Context, conn *pgconn.PgConn) {
	var batch []*pipelinedRequest
	for first := range h.requests {
		batch = append(batch[:0], first)
	waiting:
		for len(batch) < pipelinedRequests {
			select {
			case next := <-h.requests:
				batch = append(batch, next)
			default:
				break waiting
			}
		}
		pipeline := conn.StartPipeline(ctx)
		for _, request := range batch {
			pipeline.SendQueryPrepared(request.statement, request.args, nil, nil)
			pipeline.SendPipelineSync()
		}
		err := pipeline.Flush()
		for _, request := range batch {
			request.err = err
			if err == nil {
				request.err = drain(pipeline)
			}
			close(request.done)
		}
		if err := pipeline.Close(); err != nil {
			panic(err) // the connection is lost
		}
	}
}

// drain reads the rows of one request and its synchronization point.
func drain(pipeline *pgconn.Pipeline) error {
	for {
		results, err := pipeline.GetResults()
		if err != nil {
			return err
		}
		switch results := results.(type) {
		case *pgconn.ResultReader:
			for results.NextRow() {
			}
			if _, err := results.Close(); err != nil {
				return err
			}
		case *pgconn.PipelineSync:
			return nil
		}
	}
}
