package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// How long a race is.
const (
	rounds        = 7
	roundDuration = 1500 * time.Millisecond
)

// A target is a server's address, and how to ask there.
type target struct {
	address string
	headers string // lines, each ended
}

// compareServers loads two servers in turn and returns the median requests a second of each, and the ratios of the rounds, ascending.
func compareServers(a, b target, path string, connections int) (perSecondA, perSecondB float64, ratios []float64) {
	var as, bs []float64
	runLoad(a, path, connections, roundDuration/3) // warm both
	runLoad(b, path, connections, roundDuration/3)
	for range rounds {
		x, y := runLoad(a, path, connections, roundDuration), runLoad(b, path, connections, roundDuration)
		as, bs, ratios = append(as, x), append(bs, y), append(ratios, x/y)
	}
	slices.Sort(as)
	slices.Sort(bs)
	slices.Sort(ratios)
	return median(as), median(bs), ratios
}

func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

// runLoad asks for path on so many connections for so long, and returns the answers a second.
// The client is as light as it can be: it shares the processors with what it measures.
func runLoad(env target, path string, connections int, duration time.Duration) float64 {
	var responses atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range connections {
		wg.Go(func() {
			conn, err := net.Dial("tcp", env.address)
			if err != nil {
				panic(err)
			}
			defer func() { _ = conn.Close() }() // it was only read
			reader := bufio.NewReaderSize(conn, 64<<10)
			request := []byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\n" + env.headers + "\r\n")
			for time.Since(start) < duration {
				roundTrip(conn, reader, request)
				responses.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(responses.Load()) / time.Since(start).Seconds()
}

func roundTrip(conn net.Conn, reader *bufio.Reader, request []byte) {
	if _, err := conn.Write(request); err != nil {
		panic(err)
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		panic(err)
	}
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body) // for the message
		panic(fmt.Sprintf("%s answered %s: %s", request, response.Status, body))
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		panic(err)
	}
}

// medianPageTime is the median time of a page, asked for on one connection.
func medianPageTime(address, path string) time.Duration {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	defer func() { _ = conn.Close() }() // it was only read
	reader := bufio.NewReader(conn)
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\n\r\n")
	var times []time.Duration
	for range 51 {
		start := time.Now()
		roundTrip(conn, reader, request)
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times[len(times)/2]
}
