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
)

// The README's console blocks are what somebody typed and saw. These tests type it again, and compare.
//
// A block begins with ```console. In it, a line that starts with "$ " is a command; it goes on over the following lines while
// it ends in a backslash or has an unclosed quote. The lines after it are what it prints. There, … stands for any text,
// and alone on a line for any lines.

// A dialog is one command and what it is said to print.
type dialog struct {
	line    int // of the command
	command string
	printed string
}

// dialogs reads the console blocks of a Markdown text.
func dialogs(markdown string) (all []dialog, err error) {
	const fence, prompt = "```", "$ "
	var (
		inside  bool   // a fenced block
		console bool   // that is a console
		indent  string // of its fence
		open    bool   // the command goes on
		begun   int    // line of its fence
	)
	for i, line := range strings.Split(markdown, "\n") {
		number := i + 1
		text := strings.TrimLeft(line, " ")
		switch {
		case !inside && strings.HasPrefix(text, fence):
			inside, begun, indent = true, number, line[:len(line)-len(text)]
			console = strings.TrimSpace(strings.Trim(text, "`")) == "console"
			if console {
				all = append(all, dialog{line: -number}) // no output yet without a command
			}
			continue
		case inside && !open && strings.TrimRight(text, " `") == "" && strings.HasPrefix(text, fence):
			inside = false
			if console && all[len(all)-1].line < 0 {
				return nil, fmt.Errorf("line %d: a console without a command", begun)
			}
			continue
		case !inside || !console:
			continue
		}
		line = strings.TrimPrefix(line, indent)
		last := &all[len(all)-1]
		switch command, isCommand := strings.CutPrefix(line, prompt); {
		case open:
			last.command += "\n" + line
			open = unfinished(last.command)
		case isCommand && last.line < 0:
			*last = dialog{line: number, command: command}
			open = unfinished(command)
		case isCommand:
			all = append(all, dialog{line: number, command: command})
			open = unfinished(command)
		case last.line < 0:
			return nil, fmt.Errorf("line %d: output before any command", number)
		default:
			last.printed += line + "\n"
		}
	}
	if inside {
		return nil, fmt.Errorf("line %d: a block that never ends", begun)
	}
	return all, nil
}

// unfinished tells whether a shell would wait for another line of a command.
func unfinished(command string) bool {
	var quote rune
	escaped, comment, blank := false, false, true
	for _, c := range command {
		switch {
		case comment:
			comment = c != '\n'
		case escaped:
			escaped, blank = false, false
			continue
		case c == '\\' && quote != '\'':
			escaped = true
			continue
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '#' && blank:
			comment = true
		}
		blank = quote == 0 && !comment && (c == ' ' || c == '\t' || c == '\n')
	}
	return escaped || quote != 0
}

// notRun are the commands that other tests are for.
var notRun = [][]string{{"go", "run", "."}, {"go", "test", "./..."}, {"docker"}, {"make"}}

var assignment = regexp.MustCompile(`^\w+=`)

// runs tells whether the tests run a command.
func (d dialog) runs() bool {
	words := strings.Fields(d.command)
	for len(words) > 0 && assignment.MatchString(words[0]) {
		words = words[1:]
	}
	return !slices.ContainsFunc(notRun, func(start []string) bool {
		return len(words) >= len(start) && slices.Equal(words[:len(start)], start)
	})
}

// compare says how the output differs from what the dialog says; "" when it does not.
func (d dialog) compare(output string) string {
	var pattern strings.Builder
	for i, line := range strings.Split(trimmed(d.printed), "\n") {
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
	output = trimmed(output)
	if regexp.MustCompile(`\A` + pattern.String() + `\z`).MatchString(output) {
		return ""
	}
	return fmt.Sprintf("line %d: $ %s\nprints\n%s\nbut should print\n%s", d.line, d.command, output, trimmed(d.printed))
}

// trimmed is a text without blanks at the ends of its lines, and without empty lines at its end.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// A terminal is where the dialogs are typed: a folder of their own beside a fresh server.
type terminal struct {
	t   *testing.T
	dir string
	env []string
	at  *strings.Replacer // from the README's address to the server's
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	state := stateDir(t)
	s := start(t, "STATE_DIR="+state)
	at := strings.TrimPrefix(s.url, "http://")
	w := &terminal{t: t, dir: t.TempDir(), at: strings.NewReplacer("127.0.0.1:5000", at, "localhost:5000", at)}
	w.env = environment(t, []string{"STATE_DIR=" + state, "HOME=" + w.dir, "PATH=" + filepath.Dir(binary) + ":" + os.Getenv("PATH")})
	// On a terminal curl shows no progress, in a test it would.
	if err := os.WriteFile(filepath.Join(w.dir, ".curlrc"), []byte("silent\nshow-error\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// check types all dialogs of a text and returns how many it typed, and what is wrong.
func (w *terminal) check(markdown string) (ran int, wrong []string) {
	w.t.Helper()
	all, err := dialogs(markdown)
	if err != nil {
		return 0, []string{err.Error()}
	}
	for _, d := range all {
		if !d.runs() {
			continue
		}
		ran++
		d.command, d.printed = w.at.Replace(d.command), w.at.Replace(d.printed)
		if fault := d.compare(w.bash(d.command)); fault != "" {
			wrong = append(wrong, fault)
		}
	}
	if ran == 0 {
		wrong = append(wrong, "there is no ```console block with a command to run")
	}
	return ran, wrong
}

// bash runs a command and returns what a terminal would show.
func (w *terminal) bash(command string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", command)
	cmd.Dir, cmd.Env = w.dir, w.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) } // with all that it started
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		w.t.Errorf("$ %s: %v, %v", command, err, ctx.Err())
	}
	return string(out)
}

func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	ran, wrong := newTerminal(t).check(string(text))
	for _, fault := range wrong {
		t.Error("README.md, " + fault)
	}
	t.Logf("%d commands", ran)
}

// sample is a README as it should be. %s stands for the mistake that a test makes.
const sample = "# Sample\n" + `
	$ echo not in a fenced block

~~~
$ echo nor is this a console
~~~

` + "```console\n" + `$ go run .
listening, of course
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

func TestReadmeSample(t *testing.T) {
	t.Parallel()
	ran, wrong := newTerminal(t).check(fmt.Sprintf(sample, "1"))
	if ran != 7 || len(wrong) > 0 {
		t.Errorf("%d commands, want 7; wrong:\n%s", ran, strings.Join(wrong, "\n"))
	}
}

// A check that finds nothing wrong with a wrong README is worth nothing.
func TestReadmeMistakes(t *testing.T) {
	t.Parallel()
	w := newTerminal(t)
	ran, wrong := w.check(fmt.Sprintf(sample, "2"))
	if ran != 7 || len(wrong) != 1 || !strings.Contains(wrong[0], "line 15: $ curl http://") || !strings.Contains(wrong[0], `"version":1}`) || !strings.Contains(wrong[0], `"version":2}`) {
		t.Errorf("%d commands, want 7; want one fault, of line 15:\n%s", ran, strings.Join(wrong, "\n"))
	}
	for name, text := range map[string]string{
		"no block":          "# Nothing\n",
		"nothing to run":    "```console\n$ go run .\n```\n",
		"silence":           "```console\n$ echo something\n```\n",
		"a sound":           "```console\n$ true\nsomething\n```\n",
		"a line too many":   "```console\n$ printf 'a\\nb\\n'\na\n```\n",
		"a line too few":    "```console\n$ echo a\na\nb\n```\n",
		"case":              "```console\n$ echo a\nA\n```\n",
		"leading blank":     "```console\n$ echo ' a'\na\n```\n",
		"not a pattern":     "```console\n$ echo abc\na.c\n```\n",
		"a row that is not": "```console\n$ labledger psql -Atc 'SELECT name FROM site WHERE id = 77'\nSite 77\n```\n",
		"no such command":   "```console\n$ labledgre version\nlabledger …\n```\n",
		"server elsewhere":  "```console\n$ curl http://127.0.0.1:1/site/1\n{…}\n```\n",
		"never closed":      "```console\n$ true\n",
		"open quote":        "```console\n$ echo 'a\n```\n",
		"no command":        "```console\nsomething\n```\n",
		"empty":             "```console\n```\n",
	} {
		if _, wrong := w.check(text); len(wrong) != 1 {
			t.Errorf("%s: faults %q, want one", name, wrong)
		}
	}
}

func TestDialogs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want []dialog
	}{
		{"", nil},
		{"text\n```\n$ a\n```\n", nil},
		{"```sh\n```\n```console\n$ a\n```\n", []dialog{{4, "a", ""}}},
		{"```console\n$ a\n\nb\n$ c\n```\n$ no\n```console\n$ d\n```", []dialog{{2, "a", "\nb\n"}, {5, "c", ""}, {9, "d", ""}}},
		{"```console\n$ a \\\n  b\nout\n```\n", []dialog{{2, "a \\\n  b", "out\n"}}},
		{"```console\n$ a '\n$ b\n```\n'\n```\n", []dialog{{2, "a '\n$ b\n```\n'", ""}}},
		{"  ```console\n  $ a\n    b\n c\n  ```\n", []dialog{{2, "a", "  b\n c\n"}}},
		{"```console\n$ a\n$b\n$\n```\n", []dialog{{2, "a", "$b\n$\n"}}},
	} {
		got, err := dialogs(c.text)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %+v, %v; want %+v", c.text, got, err, c.want)
		}
	}
}

func TestUnfinished(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]bool{
		``: false, `a`: false, `a \`: true, `a \\`: false, `a '`: true, `a ''`: false, `a '\`: true, `a '\'`: false, `a "`: true, `a "\"`: true,
		`a "\""`: false, `a '"'`: false, `a "'"`: false, `a \'`: false, `a # it's`: false, `a#'`: true, "a # it's\nb '": true, `'it'\''s'`: false, `a "#`: true,
		`a \ #'`: true,
	} {
		if got := unfinished(command); got != want {
			t.Errorf("%s: unfinished %t, want %t", command, got, want)
		}
	}
}

func TestDialogCompare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		printed, output string
		same            bool
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
		fault := dialog{printed: c.printed}.compare(c.output)
		if (fault == "") != c.same {
			t.Errorf("%q against %q: %q", c.output, c.printed, fault)
		}
	}
}
