package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"labledger/internal/programtest"
)

// These tests run the console blocks of the documentation and compare the output.
//
// A block begins with ```console. A line that starts with "$ " is a command. It continues on the next lines while it
// ends in a backslash or has an unclosed quote. The lines after it are its output. In the output, … matches any text
// in a line; a line with only … matches any number of lines.

// consoleStep is a command and its documented output.
type consoleStep struct {
	line    int // of the command
	command string
	output  string
}

// parseConsole returns the steps of all console blocks of a Markdown text.
func parseConsole(markdown string) (steps []consoleStep, err error) {
	const fence, prompt = "```", "$ "
	var (
		inBlock    bool
		isConsole  bool
		indent     string // of the opening fence
		blockLine  int    // of the opening fence
		incomplete bool   // the command continues
	)
	for i, line := range strings.Split(markdown, "\n") {
		number := i + 1
		text := strings.TrimLeft(line, " ")
		switch {
		case !inBlock && strings.HasPrefix(text, fence):
			inBlock, blockLine, indent = true, number, line[:len(line)-len(text)]
			isConsole = strings.TrimSpace(strings.Trim(text, "`")) == "console"
			if isConsole {
				steps = append(steps, consoleStep{line: -number}) // a negative line: no command yet
			}
			continue
		case inBlock && !incomplete && strings.TrimRight(text, " `") == "" && strings.HasPrefix(text, fence):
			inBlock = false
			if isConsole && steps[len(steps)-1].line < 0 {
				return nil, fmt.Errorf("line %d: console block without a command", blockLine)
			}
			continue
		case !inBlock || !isConsole:
			continue
		}
		line = strings.TrimPrefix(line, indent)
		last := &steps[len(steps)-1]
		switch command, isCommand := strings.CutPrefix(line, prompt); {
		case incomplete:
			last.command += "\n" + line
			incomplete = isIncomplete(last.command)
		case isCommand && last.line < 0:
			*last = consoleStep{line: number, command: command}
			incomplete = isIncomplete(command)
		case isCommand:
			steps = append(steps, consoleStep{line: number, command: command})
			incomplete = isIncomplete(command)
		case last.line < 0:
			return nil, fmt.Errorf("line %d: output before the first command", number)
		default:
			last.output += line + "\n"
		}
	}
	if inBlock {
		return nil, fmt.Errorf("line %d: block without an end", blockLine)
	}
	return steps, nil
}

// isIncomplete reports whether a shell would read another line of a command.
func isIncomplete(command string) bool {
	backslashes := len(command) - len(strings.TrimRight(command, `\`))
	return backslashes%2 == 1 || exec.Command("bash", "-n", "-c", command).Run() != nil // an unclosed quote
}

// skippedCommands are covered by the tests in skippedCommandTests.
var skippedCommands = [][]string{{"go", "run", "."}, {"go", "test", "./..."}, {"docker"}, {"make"}}

// skippedCommandTests are the tests of skippedCommands, by file.
var skippedCommandTests = map[string]string{
	"make_test.go":                      "func TestMake_run(",
	"../../Makefile":                    "\tgo test ./...\n",
	"../../deploy/compose_dev_test.go":  "func TestComposeDev(",
	"../../deploy/compose_prod_test.go": "func TestComposeProd(",
}

func TestSkippedCommands(t *testing.T) {
	t.Parallel()
	for file, want := range skippedCommandTests {
		if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s does not contain %q: %v", file, want, err)
		}
	}
}

var assignmentRE = regexp.MustCompile(`^\w+=`)

// skipped reports whether the command is one of skippedCommands, perhaps with variables before it.
func (s consoleStep) skipped() bool {
	words := strings.Fields(s.command)
	for len(words) > 0 && assignmentRE.MatchString(words[0]) {
		words = words[1:]
	}
	return slices.ContainsFunc(skippedCommands, func(prefix []string) bool {
		return len(words) >= len(prefix) && slices.Equal(words[:len(prefix)], prefix)
	})
}

// diff describes how the output of the command differs from the documented output. It returns "" if they match.
func (s consoleStep) diff(output string) string {
	var pattern strings.Builder
	for i, line := range strings.Split(trimLines(s.output), "\n") {
		switch {
		case strings.TrimSpace(line) == "…" && i == 0:
			pattern.WriteString(`(?s:.*)`)
		case strings.TrimSpace(line) == "…":
			pattern.WriteString(`(\n(?s:.*))?`)
		default:
			if i > 0 {
				pattern.WriteString(`\n`)
			}
			pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", `[^\n]*`))
		}
	}
	output = trimLines(output)
	if regexp.MustCompile(`\A` + pattern.String() + `\z`).MatchString(output) {
		return ""
	}
	return fmt.Sprintf("line %d: $ %s\nprints\n%s\nwant\n%s", s.line, s.command, output, trimLines(s.output))
}

// trimLines removes trailing blanks from each line, and empty lines at the end.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// consoleRunner runs steps in a directory, with a new server.
type consoleRunner struct {
	t       *testing.T
	dir     string
	env     []string
	address *strings.Replacer // from the documented address to the server's
}

func newConsoleRunner(t *testing.T) *consoleRunner {
	t.Helper()
	state := stateDir(t)
	s := startServer(t, "STATE_DIR="+state)
	address := strings.TrimPrefix(s.URL, "http://")
	r := &consoleRunner{
		t: t, dir: t.TempDir(), address: strings.NewReplacer("127.0.0.1:5000", address, "localhost:5000", address),
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	path := standIns(t) + ":" + filepath.Dir(programtest.Program(t)) + ":" + os.Getenv("PATH")
	r.env = programtest.Env(t, "STATE_DIR="+state, "HOME="+r.dir, "PATH="+path,
		"CLIENT="+programtest.Build(t, "examples/client"), "PROCFILE="+root+"/Procfile", "SCHEMA="+root+"/schema")
	// curl shows no progress on a terminal, but would in this test.
	if err := os.WriteFile(filepath.Join(r.dir, ".curlrc"), []byte("silent\nshow-error\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// standIns returns a directory with two programs: "go run ./examples/client" runs the built client, and "heroku run"
// runs a process type of the Procfile or a command, as a one-off dyno does.
func standIns(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	syscall.ForkLock.RLock() // a process that starts meanwhile would keep a file open, and Linux would not run it
	defer syscall.ForkLock.RUnlock()
	for name, script := range map[string]string{
		"go": `[ "$1 $2" = "run ./examples/client" ] || { echo "go $*: not in this test" >&2; exit 1; }
			shift 2
			exec "$CLIENT" "$@"`,
		"heroku": `[ "$1" = run ] && [ $# -gt 1 ] || { echo "heroku $*: not in this test" >&2; exit 1; }
			shift
			command=$(sed -n "s/^$1: //p" "$PROCFILE")
			if [ $# = 1 ] && [ -n "$command" ]; then exec bash -c "$command"; fi
			exec "$@"`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/bash\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs all steps of a text. It returns how many it ran, and the errors.
func (r *consoleRunner) run(markdown string) (ran int, errs []string) {
	r.t.Helper()
	steps, err := parseConsole(markdown)
	if err != nil {
		return 0, []string{err.Error()}
	}
	for _, s := range steps {
		if s.skipped() {
			continue
		}
		ran++
		s.command, s.output = r.address.Replace(s.command), r.address.Replace(s.output)
		if diff := s.diff(r.bash(s.command)); diff != "" {
			errs = append(errs, diff)
		}
	}
	if ran == 0 {
		errs = append(errs, "no ```console block with a command to run")
	}
	return ran, errs
}

// bash runs a command and returns its output as a terminal would show it.
func (r *consoleRunner) bash(command string) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", command)
	cmd.Dir, cmd.Env = r.dir, r.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		r.t.Errorf("$ %s: %v, %v", command, err, ctx.Err())
	}
	return string(out)
}

func TestConsoleBlocks(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"README.md", "docs/replaced-systems.md"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("../../" + file)
			if err != nil {
				t.Fatal(err)
			}
			ran, errs := newConsoleRunner(t).run(string(text))
			for _, err := range errs {
				t.Error(file + ", " + err)
			}
			t.Logf("%d commands", ran)
		})
	}
}

// sampleReadme matches the program's output if %s is 1.
const sampleReadme = "# Sample\n" + `
	$ echo not in a fenced block

~~~
$ echo not a console block
~~~

` + "```console\n" + `$ go run .
listening
$ PORT=5001 go run . --auth open
$ docker compose up -d
$ make test
$ curl http://127.0.0.1:5000/site/3
{"id":3,"name":"Site 3",…,"version":%s}
` + "```\n\n- in a list:\n  ```console\n" + `  $ curl -s -X PATCH localhost:5000/site/3 \
      -H 'Content-Type: application/json' -d '{
        "name": "It'\''s renamed"
      }'
  {"id":3,"name":"It's renamed","contact":null,…}
  $ curl -sI http://localhost:5000/site/3   # the apostrophe that doesn't open a quote
  HTTP/1.1 200 OK
  …
  Etag: "2"
  …
  X-Request-Id: …
  …
  $ labledger psql -c '
  SELECT name, country
  FROM site WHERE id < 3 ORDER BY id'
    name  | country
  --------+---------
   Site 1 | USA
   Site 2 |
  (2 rows)
  
  $ echo kept >file; echo Listening on http://127.0.0.1:5000
  Listening on http://localhost:5000
  $ cat file; echo broken >&2; false
  kept
  broken
  $ true
` + "  ```\n```sh\n$ echo another language\n```\n"

func TestConsoleRunner_acceptsCorrectReadme(t *testing.T) {
	t.Parallel()
	ran, errs := newConsoleRunner(t).run(fmt.Sprintf(sampleReadme, "1"))
	if ran != 7 || len(errs) > 0 {
		t.Errorf("%d commands, want 7; errors:\n%s", ran, strings.Join(errs, "\n"))
	}
}

// Negative controls: the runner reports each kind of mistake.
func TestConsoleRunner_reportsMistakes(t *testing.T) {
	t.Parallel()
	r := newConsoleRunner(t)
	ran, errs := r.run(fmt.Sprintf(sampleReadme, "2"))
	if ran != 7 || len(errs) != 1 {
		t.Fatalf("%d commands, want 7; errors, want one:\n%s", ran, strings.Join(errs, "\n"))
	}
	assertContains(t, errs[0], "line 15: $ curl http://", `"version":1}`, `"version":2}`)
	for name, text := range map[string]string{
		"no block":        "# Nothing\n",
		"nothing to run":  "```console\n$ go run .\n```\n",
		"no output":       "```console\n$ echo something\n```\n",
		"extra output":    "```console\n$ true\nsomething\n```\n",
		"missing line":    "```console\n$ printf 'a\\nb\\n'\na\n```\n",
		"extra line":      "```console\n$ echo a\na\nb\n```\n",
		"case differs":    "```console\n$ echo a\nA\n```\n",
		"leading blank":   "```console\n$ echo ' a'\na\n```\n",
		"not a pattern":   "```console\n$ echo abc\na.c\n```\n",
		"missing row":     "```console\n$ labledger psql -Atc 'SELECT name FROM site WHERE id = 77'\nSite 77\n```\n",
		"no such type":    "```console\n$ heroku run nope\nschema: 9 → 9\n```\n",
		"wrong type":      "```console\n$ heroku run upgrade\nschema: 1 → 2\n```\n",
		"build":           "```console\n$ go build .\n```\n",
		"no such command": "```console\n$ labledgre version\nlabledger …\n```\n",
		"other server":    "```console\n$ curl http://127.0.0.1:1/site/1\n{…}\n```\n",
		"unclosed block":  "```console\n$ true\n",
		"open quote":      "```console\n$ echo 'a\n```\n",
		"no command":      "```console\nsomething\n```\n",
		"empty":           "```console\n```\n",
	} {
		if _, errs := r.run(text); len(errs) != 1 {
			t.Errorf("%s: errors %q, want one", name, errs)
		}
	}
}

func TestParseConsole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want []consoleStep
	}{
		{"", nil},
		{"text\n```\n$ a\n```\n", nil},
		{"```sh\n```\n```console\n$ a\n```\n", []consoleStep{{4, "a", ""}}},
		{
			"```console\n$ a\n\nb\n$ c\n```\n$ no\n```console\n$ d\n```",
			[]consoleStep{{2, "a", "\nb\n"}, {5, "c", ""}, {9, "d", ""}},
		},
		{"```console\n$ a \\\n  b\nout\n```\n", []consoleStep{{2, "a \\\n  b", "out\n"}}},
		{"```console\n$ a '\n$ b\n```\n'\n```\n", []consoleStep{{2, "a '\n$ b\n```\n'", ""}}},
		{"  ```console\n  $ a\n    b\n c\n  ```\n", []consoleStep{{2, "a", "  b\n c\n"}}},
		{"```console\n$ a\n$b\n$\n```\n", []consoleStep{{2, "a", "$b\n$\n"}}},
	} {
		got, err := parseConsole(c.text)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %+v, %v; want %+v", c.text, got, err, c.want)
		}
	}
}

func TestIsIncomplete(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]bool{
		``: false, `a`: false, `a \`: true, `a \\`: false, `a '`: true, `a ''`: false, `a '\`: true, `a '\'`: false,
		`a "`: true, `a "\"`: true, `a "\""`: false, `a '"'`: false, `a "'"`: false, `a \'`: false, `a # it's`: false,
		`a#'`: true, "a # it's\nb '": true, `'it'\''s'`: false, `a "#`: true,
		`a \ #'`: true,
	} {
		if got := isIncomplete(command); got != want {
			t.Errorf("%s: incomplete %t, want %t", command, got, want)
		}
	}
}

func TestConsoleStepDiff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, got string
		match     bool
	}{
		{"", "", true},
		{"", "\n", true},
		{"a\n", "a", true},
		{"a \nb\n", "a\nb\t\r\n\n", true},
		{"a\n", " a", false},
		{"\na\n", "a", false},
		{"a…c\n", "abbc\n", true},
		{"a…c\n", "ac\n", true},
		{"a…c\n", "ab\nc\n", false},
		{"…\nc\n", "c\n", false},
		{"…\nc\n", "a\nb\nc\n", true},
		{"a\n…\nc\n", "a\nc\n", true},
		{"a\n…\nc\n", "a\nb\nb\nc\n", true},
		{"a\n…\nc\n", "a\nb\nbc\n", false},
		{"a\n…\n", "a\nb\nc\n", true},
		{"a\n…\n", "a\n", true},
		{"a\n…\n", "ab\n", false},
		{"…\n", "anything\nat all\n", true},
		{"(a|b)*\n", "a\n", false},
		{"(a|b)*\n", "(a|b)*\n", true},
	} {
		diff := consoleStep{output: c.want}.diff(c.got)
		if (diff == "") != c.match {
			t.Errorf("output %q, want %q: %q", c.got, c.want, diff)
		}
	}
}
