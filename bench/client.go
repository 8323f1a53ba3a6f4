package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Rounds of a comparison of two servers.
const (
	rounds        = 7
	roundDuration = 1500 * time.Millisecond
)

// target is a server's address with the headers of its requests.
type target struct {
	address string
	headers string // each line ends with CRLF
}

// compareServers loads two servers in alternation. It returns the median requests per second of each, and the ratios of
// all rounds in ascending order.
func compareServers(a, b target, path string, connections int) (medianA, medianB float64, ratios []float64) {
	var ratesA, ratesB []float64
	runLoad(a, path, connections, roundDuration/3) // warm-up
	runLoad(b, path, connections, roundDuration/3)
	for range rounds {
		rateA := runLoad(a, path, connections, roundDuration)
		rateB := runLoad(b, path, connections, roundDuration)
		ratesA = append(ratesA, rateA)
		ratesB = append(ratesB, rateB)
		ratios = append(ratios, rateA/rateB)
	}
	slices.Sort(ratesA)
	slices.Sort(ratesB)
	slices.Sort(ratios)
	return median(ratesA), median(ratesB), ratios
}

func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

// anyID in a path is the ID of another site in each request.
const anyID = "{id}"

// runLoad requests path on a number of connections for a duration and returns the responses per second.
// The client does as little work as possible, because it shares the processors with the server.
func runLoad(server target, path string, connections int, duration time.Duration) float64 {
	var responses atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range connections {
		wg.Go(func() {
			conn, err := net.Dial("tcp", server.address)
			if err != nil {
				panic(err)
			}
			defer func() { _ = conn.Close() }()
			reader := bufio.NewReaderSize(conn, 64<<10)
			head, tail, isVaried := strings.Cut("GET "+path+" HTTP/1.1\r\nHost: bench\r\n"+server.headers+"\r\n", anyID)
			request := []byte(head)
			for time.Since(start) < duration {
				if isVaried {
					request = strconv.AppendInt(request[:len(head)], 1+rand.Int64N(1000), 10)
					request = append(request, tail...)
				}
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
		body, _ := io.ReadAll(response.Body)
		panic(fmt.Sprintf("%s: got %s: %s", request, response.Status, body))
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		panic(err)
	}
}

// medianPageTime returns the median response time of a page, requested on one connection.
func medianPageTime(address, path string) time.Duration {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	defer func() { _ = conn.Close() }()
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
