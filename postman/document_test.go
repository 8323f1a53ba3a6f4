package postman

import (
	"maps"
	"slices"
	"strings"
)

// The parts of the OpenAPI document that the generator reads.
type (
	document struct {
		Tags       []tag                           `json:"tags"`
		Paths      map[string]map[string]operation `json:"paths"` // by path and method
		Components struct {
			Parameters map[string]parameter `json:"parameters"`
		} `json:"components"`
	}
	tag struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	}
	operation struct {
		Summary     string      `json:"summary"`
		Description string      `json:"description"`
		Tags        []string    `json:"tags"`
		Security    []any       `json:"security"` // empty if no authentication is required
		Parameters  []parameter `json:"parameters"`
		RequestBody struct {
			Content map[string]struct {
				Example map[string]any `json:"example"`
			} `json:"content"`
		} `json:"requestBody"`
		Responses map[string]struct {
			Content map[string]any `json:"content"`
		} `json:"responses"`
		Samples []struct {
			Lang   string `json:"lang"`
			Source string `json:"source"`
		} `json:"x-codeSamples"`
	}
	parameter struct {
		Ref         string `json:"$ref"`
		Name        string `json:"name"`
		In          string `json:"in"`
		Description string `json:"description"`
		Required    bool   `json:"required"`
		Example     any    `json:"example"`
		Schema      struct {
			Default any   `json:"default"`
			Enum    []any `json:"enum"`
		} `json:"schema"`
	}
)

// call is an operation with its method and path.
type call struct {
	operation
	method, path string
}

func (c call) isGet() bool { return c.method == "GET" }

func (c call) name() string { return c.method + " " + c.path }

// segments returns the segments of the path without the prefixes /api/v1 and /api.
func (c call) segments() []string {
	path := strings.TrimPrefix(strings.TrimPrefix(c.path, "/api/v1"), "/api")
	return strings.Split(strings.TrimPrefix(path, "/"), "/")
}

// noun returns the resource of a call, in the singular.
func (c call) noun() string { return strings.TrimSuffix(c.segments()[0], "s") }

// createsRow reports whether a call creates a row whose key is a path variable.
func (c call) createsRow(keys map[string]string) bool {
	return c.method == "POST" && len(c.segments()) == 1 && keys[c.noun()] != ""
}

// rank orders the calls of a noun so that they can be sent one after another.
func (c call) rank() int {
	kind := c.method
	if len(c.segments()) > 1 && isVariable(c.segments()[1]) && !strings.Contains(c.path, "{offset}") {
		kind += " row"
	}
	order := []string{"GET", "POST", "PATCH", "POST row", "PUT row", "PATCH row", "GET row", "DELETE row", "DELETE"}
	return slices.Index(order, kind)
}

// depth orders the calls of a rank. What belongs to a row is created after the row and deleted before it.
func (c call) depth() int {
	if c.method == "DELETE" {
		return -len(c.segments())
	}
	return len(c.segments())
}

func isVariable(part string) bool { return strings.HasPrefix(part, "{") }

// describe returns the description of a call, a note, and the SQL that the call runs.
func (c call) describe(note string) string {
	text := c.Description
	if note != "" {
		text += "\n\n" + note
	}
	for _, s := range c.Samples {
		if s.Lang == "SQL" {
			text += "\n\n```sql\n" + s.Source + "\n```"
		}
	}
	return text
}

// sample returns the value of path segment i in the curl sample.
func (c call) sample(i int) string {
	for _, s := range c.Samples {
		if _, rest, found := strings.Cut(s.Source, server+"/"); found {
			path, _, _ := strings.Cut(strings.Fields(rest)[0], "?")
			return strings.Split(path, "/")[i]
		}
	}
	panic(c.path + " has no curl sample")
}

// success returns the documented 2xx statuses and the media type to request, JSON if there is a choice.
func (c call) success() (statuses []string, mediaType string) {
	for status, response := range c.Responses {
		if strings.HasPrefix(status, "2") {
			statuses = append(statuses, status)
			mediaType = slices.Sorted(maps.Keys(response.Content))[0] // application/json sorts first
		}
	}
	slices.Sort(statuses)
	return statuses, mediaType
}
