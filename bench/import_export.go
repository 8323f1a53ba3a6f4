package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const importRows = 1_000_000

// Address of the server that startServer starts.
const (
	serverPort = "5999"
	serverURL  = "http://127.0.0.1:" + serverPort
)

// importExport imports and exports a million sites through a server in its own process and prints that process's peak
// memory. The rows stay in the database for the other measurements.
func importExport(ctx context.Context, url, dir string) error {
	file := filepath.Join(dir, "sites.csv")
	if err := writeSites(file); err != nil {
		return err
	}
	server, err := startServer(url, dir)
	if err != nil {
		return err
	}
	defer func() { _ = server.Process.Kill() }()
	before := peakRSS(server.Process.Pid)

	in, err := os.Open(file)
	if err != nil {
		return err
	}
	info, err := in.Stat()
	if err != nil {
		return err
	}
	start := time.Now()
	response, err := http.Post(serverURL+"/api/v1/sites", "text/csv", in)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("import: %s %s %w", response.Status, body, err)
	}
	importTime := time.Since(start)
	afterImport := peakRSS(server.Process.Pid)

	start = time.Now()
	exportSize, err := download(serverURL+"/api/v1/sites", filepath.Join(dir, "out.csv"))
	if err != nil {
		return err
	}
	exportTime := time.Since(start)
	afterExport := peakRSS(server.Process.Pid)

	copyTime, err := copyInPostgres(ctx, url)
	if err != nil {
		return err
	}
	fmt.Printf("A million sites as CSV: %d MB imported, %d MB exported\n", info.Size()/1_000_000, exportSize/1_000_000)
	fmt.Printf("%-40s %10d MB\n", "peak server memory before", before)
	fmt.Printf("%-40s %10d MB\n", "after the import", afterImport)
	fmt.Printf("%-40s %10d MB\n", "after the export", afterExport)
	fmt.Printf("%-40s %9.1fx the time of INSERT ... SELECT of the same rows, including triggers\n",
		"import (validated, versioned, in history)", importTime.Seconds()/copyTime.Seconds())
	fmt.Printf("%-40s %9.2fx that time\n", "export", exportTime.Seconds()/copyTime.Seconds())
	return nil
}

func writeSites(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	// bufio.Writer keeps the first error, and Flush returns it.
	_, _ = out.WriteString("id,name,contact,address,state_or_region,country,postcode_or_zip\n")
	for i := 1; i <= importRows; i++ {
		_, _ = fmt.Fprintf(out, "%d,Site %d,John Smith,\"%d Muffin Lane, Ann Arbor\",MI,USA,%d\n",
			i, i, i%1000, 48000+i%1000)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// startServer builds the program, starts it with a database and waits until it responds.
func startServer(url, dir string) (*exec.Cmd, error) {
	program := filepath.Join(dir, "labledger")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build (run bench in the root of the repository): %s %w", out, err)
	}
	server := exec.Command(program)
	server.Env = append(os.Environ(), "DATABASE_URL="+url, "PORT="+serverPort, "LOG_LEVEL=error")
	server.Stdout, server.Stderr = os.Stderr, os.Stderr
	if err := server.Start(); err != nil {
		return nil, err
	}
	for range 100 {
		if response, err := http.Get(serverURL + "/readyz"); err == nil {
			_ = response.Body.Close()
			return server, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, errors.New("the server did not start within 5 seconds")
}

func download(url, name string) (int64, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", "text/csv")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	out, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, response.Body)
	if err != nil {
		return 0, err
	}
	return n, out.Close()
}

// copyInPostgres returns the time of the database alone: INSERT ... SELECT of the same number of rows within the table,
// including triggers. It rolls back.
func copyInPostgres(ctx context.Context, url string) (time.Duration, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	start := time.Now()
	_, err = tx.Exec(ctx, `INSERT INTO site (name, contact, address, state_or_region, country, postcode_or_zip)
		SELECT name, contact, address, state_or_region, country, postcode_or_zip FROM site ORDER BY id LIMIT 1000000`)
	return time.Since(start), err
}

// peakRSS returns the peak resident memory of a process in MB (VmHWM on Linux), or 0 if it is unknown.
func peakRSS(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, err := strconv.Atoi(fields[0])
	if err != nil {
		return 0
	}
	return kb / 1000
}
