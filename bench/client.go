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
	rounds    = 7
	roundTime = 1500 * time.Millisecond
)

// A target is a server's address, and how to ask there.
type target struct {
	address string
	headers string // lines, each ended
}

// race loads two servers in turn and returns the median requests a second of each, and the ratios of the rounds, ascending.
func race(a, b target, path string, connections int) (perSecondA, perSecondB float64, ratios []float64) {
	var as, bs []float64
	load(a, path, connections, roundTime/3) // warm both
	load(b, path, connections, roundTime/3)
	for range rounds {
		x, y := load(a, path, connections, roundTime), load(b, path, connections, roundTime)
		as, bs, ratios = append(as, x), append(bs, y), append(ratios, x/y)
	}
	slices.Sort(as)
	slices.Sort(bs)
	slices.Sort(ratios)
	return middle(as), middle(bs), ratios
}

func middle(sorted []float64) float64 { return sorted[len(sorted)/2] }

// load asks for path on so many connections for so long, and returns the answers a second.
// The client is as light as it can be: it shares the processors with what it measures.
func load(at target, path string, connections int, howLong time.Duration) float64 {
	var answers atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for range connections {
		all.Go(func() {
			conn, err := net.Dial("tcp", at.address)
			if err != nil {
				panic(err)
			}
			defer func() { _ = conn.Close() }() // it was only read
			reader := bufio.NewReaderSize(conn, 64<<10)
			request := []byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\n" + at.headers + "\r\n")
			for time.Since(start) < howLong {
				ask(conn, reader, request)
				answers.Add(1)
			}
		})
	}
	all.Wait()
	return float64(answers.Load()) / time.Since(start).Seconds()
}

func ask(conn net.Conn, reader *bufio.Reader, request []byte) {
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

// pageTime is the median time of a page, asked for on one connection.
func pageTime(address, path string) time.Duration {
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
		ask(conn, reader, request)
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times[len(times)/2]
}
