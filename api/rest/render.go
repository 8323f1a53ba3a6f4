package rest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/problem"
	"labledger/api/relation"
)

// MaxRendered is the largest number of rows that a request renders.
const MaxRendered = 5000

// A File is a rendered response.
type File struct {
	MediaType string
	Name      string
	Body      []byte
}

// A Renderer renders rows of a list as a file.
type Renderer[In any] struct {
	// Columns validates the parameters and returns the columns that Render needs.
	Columns func(in In, errs *problem.FieldErrors) []string
	// Render returns the file. A row has its values by column, as text; null is "".
	Render func(in In, rows []map[string]string) (File, error)
}

// render is the operation of a Renderer.
type render[In any] struct {
	listPath   string
	renderer   Renderer[In]
	mediaTypes []string
	list       *list
}

// Render returns the operation that renders the rows of the list at a path. It takes the parameters In, and the
// filters, the words and the order of the list.
func Render[In any](listPath string, renderer Renderer[In], mediaTypes ...string) Operation {
	return &render[In]{listPath: listPath, renderer: renderer, mediaTypes: mediaTypes}
}

// A listUser is an operation that takes the filters of the list at another path.
type listUser interface {
	Operation
	usedPath() string
	useList(*list)
	relation() *relation.Relation
}

func (r *render[In]) usedPath() string             { return r.listPath }
func (r *render[In]) useList(l *list)              { r.list = l }
func (r *render[In]) relation() *relation.Relation { return r.list.relation }

func (r *render[In]) Describe() Description {
	return Description{
		Kind: KindRender, Name: FuncName(r.renderer.Render), Params: reflect.TypeFor[In](), Out: reflect.TypeFor[NoParams](),
		MediaTypes: r.mediaTypes,
	}
}

func (r *render[In]) serve(c *Call) error {
	in := new(In)
	request, err := r.bind(c, in)
	if err != nil {
		return err
	}
	if err := c.authorize(c.Request.Context()); err != nil {
		return err
	}
	release, err := c.server.exports.tryAcquire()
	if err != nil {
		return err
	}
	defer release()
	rows := renderedRows{}
	err = c.readList(func(conn *pgxpool.Conn) (bool, error) {
		rows = renderedRows{}
		ctx, cancel := context.WithTimeout(c.Request.Context(), StatementTimeout)
		defer cancel()
		if err := c.findNames(ctx, conn, request); err != nil {
			return false, err
		}
		return false, c.readRows(ctx, conn, true, request.Select(nil, MaxRendered+1, 0), &rows)
	})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return problem.New(problem.NotFound, "No %s matches the filters.", strings.TrimSuffix(c.resource, "s"))
	}
	if len(rows) > MaxRendered {
		return problem.New(problem.TooManyMatches, "More than %d rows match the filters.", MaxRendered)
	}
	file, err := r.renderer.Render(*in, rows)
	if err != nil {
		return err
	}
	c.Header.Set("Content-Disposition", fmt.Sprintf("inline; filename=%q", file.Name))
	return c.respondAs(file.MediaType, http.StatusOK, file.Body)
}

// bind binds the query string: the parameters of the renderer, and those of the list.
func (r *render[In]) bind(c *Call, in *In) (*relation.Request, error) {
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		c.Errors.Add("query string", "is malformed: "+strings.TrimPrefix(err.Error(), "net/url: "))
	}
	c.requireEmptyBody()
	own, filters := url.Values{}, url.Values{}
	for name := range values {
		switch {
		case slices.Contains(c.Plan.QueryNames(), name):
			own[name] = values[name]
		case slices.Contains(pageParams, name) && name != "sort":
			c.Errors.Add(name, "does not apply: the request renders all rows that match its filters")
		default:
			filters[name] = values[name]
		}
	}
	c.Plan.Query(in, own.Encode(), &c.Errors)
	columns := r.renderer.Columns(*in, &c.Errors)
	for _, name := range columns {
		if !r.list.relation.HasColumn(name) {
			c.Errors.Add("lines", problem.Sanitize(name)+" is no column of "+r.listPath)
			columns = nil
			break
		}
	}
	if len(columns) > 0 {
		filters.Set("fields", strings.Join(columns, ","))
	}
	request := r.list.relation.Parse(filters, nil, c.Plan.QueryNames(), &c.Errors)
	if err := c.Errors.Err(); err != nil {
		return nil, err
	}
	return request, nil
}

// renderedRows collects rows as text.
type renderedRows []map[string]string

func (r *renderedRows) WriteRow(columns []pgconn.FieldDescription, values [][]byte) error {
	row := make(map[string]string, len(columns))
	for i, value := range values {
		row[columns[i].Name] = string(value)
	}
	*r = append(*r, row)
	return nil
}
