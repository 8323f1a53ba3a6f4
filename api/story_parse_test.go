package api_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// This file parses stories. The comment of the type story documents their format.

var (
	checkPrefixRE = regexp.MustCompile(`^(==|~|!~|:=) `)
	checkLineRE   = regexp.MustCompile(`^(?:(==|~|!~)|(:=) +(\w+)) +` +
		`(?:(status|body|same)|(header) +([\w-]+)|(json)(?:@([\w.-]+))?)(?: +(.*))?$`)
	requestLineRE = regexp.MustCompile(`^(\{\{repeat.*\}\}|[A-Za-z]\S*) (/.*|\*|\{\{\w+\}\}(?:[/?].*)?)$`)
	nextRequestRE = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE) [/{]`)
	headerLineRE  = regexp.MustCompile(`^[\w-]+:`)
)

// parseCheck parses a check line. It returns false for other lines.
func parseCheck(line string) (check, bool) {
	g := checkLineRE.FindStringSubmatch(line)
	if g == nil {
		return check{}, false
	}
	return check{
		text:    line,
		op:      g[1] + g[2],
		saveAs:  g[3],
		subject: g[4] + g[5] + g[7],
		name:    g[6] + g[8],
		want:    g[9],
	}, true
}

// parseStory reads a story from a file.
func parseStory(file string) (*story, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p := &storyParser{story: &story{file: file}, lines: strings.Split(string(text), "\n")}
	for ; p.i < len(p.lines); p.i++ {
		if err := p.parseLine(p.lines[p.i]); err != nil {
			return nil, err
		}
	}
	if p.story.variables == nil {
		p.story.variables = []map[string]string{{}}
	}
	return p.story, nil
}

// A storyParser reads the lines of a story.
type storyParser struct {
	story *story
	lines []string
	i     int // the index of the current line
}

// readUntil returns the lines after the current one and before the first line for which end is true.
func (p *storyParser) readUntil(end func(line string) bool) (block []string) {
	for p.i+1 < len(p.lines) && !end(p.lines[p.i+1]) {
		p.i++
		block = append(block, p.lines[p.i])
	}
	return block
}

// errorAt returns an error that names the line with an index.
func (p *storyParser) errorAt(i int, reason string) error {
	return fmt.Errorf("%s:%d: %s: %s", p.story.file, i+1, reason, p.lines[i])
}

// parseLine parses the current line and the lines that belong to it.
func (p *storyParser) parseLine(line string) error {
	c, isCheck := parseCheck(line)
	request := requestLineRE.FindStringSubmatch(line)
	switch {
	case line == "# fresh":
		p.story.fresh = true
	case line == "# serial":
		p.story.serial = true
	case line == "" || line[0] == '#':
	case line == "mark":
		p.story.steps = append(p.story.steps, &step{line: p.i + 1, method: "mark"})
	case strings.HasPrefix(line, "with "):
		variables := map[string]string{}
		for _, pair := range strings.Fields(line)[1:] {
			name, value, _ := strings.Cut(pair, "=")
			variables[name] = value
		}
		p.story.variables = append(p.story.variables, variables)
	case isCheck:
		return p.addCheck(c)
	case request != nil:
		return p.addRequest(request[1], request[2])
	default:
		return p.errorAt(p.i, "line is neither a request nor a check")
	}
	return nil
}

// addCheck adds the check in the current line to the last request.
func (p *storyParser) addCheck(c check) error {
	start := p.i
	if len(p.story.steps) == 0 {
		return p.errorAt(start, "check before the first request")
	}
	c.line = start + 1
	if c.op == "==" && c.want == "" && (c.subject == "body" || c.subject == "json") {
		c.want = strings.Join(p.readUntil(func(line string) bool {
			return line == "" || checkPrefixRE.MatchString(line) || nextRequestRE.MatchString(line)
		}), "\n")
	}
	last := p.story.steps[len(p.story.steps)-1]
	if isFirst := len(last.checks) == 0; isFirst != (c.subject == "status") {
		return p.errorAt(start, "the first check of a request, and no other, must be of the status")
	}
	last.checks = append(last.checks, c)
	return nil
}

// addRequest adds the request that begins in the current line.
func (p *storyParser) addRequest(method, target string) error {
	start := p.i
	r := &step{line: start + 1, method: method, target: target}
	r.headers = p.readUntil(func(line string) bool { return !headerLineRE.MatchString(line) })
	if p.i+1 < len(p.lines) && p.lines[p.i+1] == "" {
		p.i++
		body := p.readUntil(checkPrefixRE.MatchString)
		if slices.ContainsFunc(body, nextRequestRE.MatchString) {
			return p.errorAt(start, "the request has no check")
		}
		r.body = strings.Join(body, "\n")
	}
	p.story.steps = append(p.story.steps, r)
	return nil
}
