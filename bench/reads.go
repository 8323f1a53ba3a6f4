package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"labledger/internal/auth"
)

// measuredReads are the reads of benchReads, and the server that answers them.
var measuredReads = []struct {
	name string
	kind serverKind
	path string
}{
	{"one row", labledger, "/site/" + anyID},
	{"one row, with the log of requests", labledgerLogging, "/site/" + anyID},
	{"one row, signed in", labledgerSignedIn, "/site/" + anyID},
	{"one row, always the same", labledger, "/site/1"},
	{"page of 10", labledger, "/sites/0/10"},
	{"page of 100", labledger, "/api/v1/sites?limit=100"},
	{"page of 100, signed in", labledgerSignedIn, "/api/v1/sites?limit=100"},
	{"page of 100, filtered and sorted", labledger, filteredPage},
	{"page of 1000", labledger, "/api/v1/sites?limit=1000"},
}

// readCosts are what the requests of a server cost in each round.
type readCosts struct {
	perSecond   series
	cpu         series // of the server, in µs per request
	postgresCPU series // in µs per request
	objects     series // that the server allocated per request
}

// benchReads compares reads with both baselines, and prints a table in Markdown.
func benchReads(ctx context.Context, env environment) error {
	secret := auth.NewSecret()
	processes := map[serverKind]*process{}
	for _, kind := range []serverKind{labledger, labledgerLogging, labledgerSignedIn, bareServer, pipelinedServer} {
		p, err := startProcess(serverConfig{Kind: kind, URL: env.url, Secret: secret})
		if err != nil {
			return err
		}
		defer func() { _ = p.stop() }()
		processes[kind] = p
	}
	token, err := newToken(ctx, env, secret)
	if err != nil {
		return err
	}
	processes[labledgerSignedIn].headers = "Authorization: Bearer " + token + "\r\n"

	fmt.Printf("\nReads of 1,000,000 sites: median of %d interleaved rounds (min to max).\n", rounds)
	fmt.Printf("%q: the same statement, by hand. %q: %d shared connections, rows dropped, prepared responses.\n\n",
		bareServer, pipelinedServer, pipelinedConnections)
	printRow("read", "connections", "requests/s", "/ "+string(bareServer), "/ "+string(pipelinedServer),
		"CPU, µs", string(bareServer), string(pipelinedServer),
		"Postgres, µs", string(bareServer), string(pipelinedServer), "objects", string(bareServer))
	printRow(strings.Fields("--- --: --: --: --: --: --: --: --: --: --: --: --:")...)
	for _, read := range measuredReads {
		for _, connections := range []int{1, 32} {
			servers := []*process{processes[read.kind], processes[bareServer], processes[pipelinedServer]}
			costs := compareReads(env.cluster, servers, read.path, connections)
			printRow(read.name, strconv.Itoa(connections), fmt.Sprintf("%.0f", costs[0].perSecond.median()),
				costs[0].perSecond.over(costs[1].perSecond).String(), costs[0].perSecond.over(costs[2].perSecond).String(),
				costs[0].cpu.rounded(), costs[1].cpu.rounded(), costs[2].cpu.rounded(),
				costs[0].postgresCPU.rounded(), costs[1].postgresCPU.rounded(), costs[2].postgresCPU.rounded(),
				costs[0].objects.rounded(), costs[1].objects.rounded())
		}
	}
	printSignedIn(processes[labledger].target, processes[labledgerSignedIn].target)
	printPageDepth(processes[labledger].address)
	return nil
}

// printRow prints a row of a table in Markdown.
func printRow(cells ...string) { fmt.Printf("| %s |\n", strings.Join(cells, " | ")) }

// newToken returns the access token of a new viewer.
func newToken(ctx context.Context, env environment, secret string) (string, error) {
	const insertSession = `WITH viewer AS (INSERT INTO account (username) VALUES ('bench') RETURNING id)
		INSERT INTO session (account_id, expires_at) SELECT id, 'infinity' FROM viewer RETURNING account_id, id`
	var accountID int64
	var session uuid.UUID
	if err := env.pool.QueryRow(ctx, insertSession).Scan(&accountID, &session); err != nil {
		return "", err
	}
	keys, err := auth.NewKeys(secret)
	if err != nil {
		return "", err
	}
	return keys.SignAccessToken(accountID, session, time.Now()), nil
}

// compareReads loads servers in alternation.
func compareReads(cluster string, servers []*process, path string, connections int) []readCosts {
	costs := make([]readCosts, len(servers))
	for _, s := range servers {
		runLoad(s.target, path, connections, roundDuration/3) // warm-up
	}
	for range rounds {
		for i, s := range servers {
			before, postgresBefore := s.usage(), clusterCPU(cluster)
			start := time.Now()
			rate := runLoad(s.target, path, connections, roundDuration)
			responses := rate * time.Since(start).Seconds()
			after, postgresAfter := s.usage(), clusterCPU(cluster)
			c := &costs[i]
			c.perSecond = append(c.perSecond, rate)
			c.cpu = append(c.cpu, microseconds(after.CPU-before.CPU)/responses)
			c.postgresCPU = append(c.postgresCPU, microseconds(postgresAfter-postgresBefore)/responses)
			c.objects = append(c.objects, float64(after.Objects-before.Objects)/responses)
		}
	}
	return costs
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// clusterCPU returns the processor time of the processes of a Postgres cluster, or 0 where the system does not tell.
func clusterCPU(dataDir string) (total time.Duration) {
	content, _ := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	postmaster, _, _ := strings.Cut(string(content), "\n")
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // the process has ended
		}
		// After the name in parentheses: state, parent, …; the 12th and the 13th value are ticks of 10 ms.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if fields[1] != postmaster {
			continue
		}
		for _, ticks := range fields[11:13] {
			n, _ := strconv.ParseInt(ticks, 10, 64)
			total += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return total
}
