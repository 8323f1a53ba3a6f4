package main

import (
	"bufio"
	"context"
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

// importExport imports and exports a million sites through a server of its own process, and prints the most memory that process had.
// The rows stay for the other measurements.
func importExport(ctx context.Context, url, dir string) error {
	file := filepath.Join(dir, "sites.csv")
	if err := writeSites(file); err != nil {
		return err
	}
	server, err := startServer(url, dir)
	if err != nil {
		return err
	}
	defer func() { _ = server.Process.Kill() }() // it is not needed any longer
	base := "http://127.0.0.1:5999"
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
	response, err := http.Post(base+"/api/v1/sites", "text/csv", in)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("import: %s %s %w", response.Status, body, err)
	}
	imported := time.Since(start)
	afterImport := peakRSS(server.Process.Pid)

	start = time.Now()
	exported, err := download(base+"/api/v1/sites", filepath.Join(dir, "out.csv"))
	if err != nil {
		return err
	}
	export := time.Since(start)
	afterExport := peakRSS(server.Process.Pid)

	copyTime, err := copyInPostgres(ctx, url)
	if err != nil {
		return err
	}
	fmt.Printf("A million sites as CSV, %d MB in, %d MB out\n", info.Size()/1_000_000, exported/1_000_000)
	fmt.Printf("%-40s %10d MB\n", "server's memory before, peak", before)
	fmt.Printf("%-40s %10d MB\n", "with the import, peak", afterImport)
	fmt.Printf("%-40s %10d MB\n", "with the export, peak", afterExport)
	fmt.Printf("%-40s %9.1fx what copying the rows within the same table takes Postgres, with its triggers\n", "import (checked, versioned, in history)", imported.Seconds()/copyTime.Seconds())
	fmt.Printf("%-40s %9.2fx the time of that\n", "export", export.Seconds()/copyTime.Seconds())
	return nil
}

func writeSites(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	_, _ = out.WriteString("id,name,contact,address,state_or_region,country,postcode_or_zip\n") // the flush tells
	for i := 1; i <= importRows; i++ {
		_, _ = fmt.Fprintf(out, "%d,Site %d,John Smith,\"%d Muffin Lane, Ann Arbor\",MI,USA,%d\n", i, i, i%1000, 48000+i%1000)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// startServer builds the program and runs it on the bench's database.
func startServer(url, dir string) (*exec.Cmd, error) {
	program := filepath.Join(dir, "labledger")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build (run this from the repository's root): %s %w", out, err)
	}
	server := exec.Command(program)
	server.Env = append(os.Environ(), "DATABASE_URL="+url, "PORT=5999", "LOG_LEVEL=error")
	server.Stdout, server.Stderr = os.Stderr, os.Stderr
	if err := server.Start(); err != nil {
		return nil, err
	}
	for range 100 {
		if response, err := http.Get("http://127.0.0.1:5999/readyz"); err == nil {
			_ = response.Body.Close() // nothing is read
			return server, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("the server did not come up")
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
	defer func() { _ = response.Body.Close() }() // it was read to its end
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

// copyInPostgres is the time of the database alone: the same rows from one table into another with the same triggers. It leaves nothing.
func copyInPostgres(ctx context.Context, url string) (time.Duration, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }() // it is done
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // as meant
	start := time.Now()
	_, err = tx.Exec(ctx, `INSERT INTO site (name, contact, address, state_or_region, country, postcode_or_zip)
		SELECT name, contact, address, state_or_region, country, postcode_or_zip FROM site ORDER BY id LIMIT 1000000`)
	return time.Since(start), err
}

// peakRSS is the most memory that a process has had, in MB: VmHWM of Linux; 0 where there is none.
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
