package rest

import (
	"net/http"
	"reflect"

	"labledger/api/problem"
)

// raw is the operation of an ordinary handler.
type raw struct {
	handler http.Handler
	d       Description
}

// Raw returns the operation of an ordinary handler, whose response is not a row. It reads the path itself, and accepts
// no query string.
func Raw(h http.Handler) Operation { return &raw{h, Description{Kind: KindRaw}} }

// RawParams is Raw for a handler that reads the parameters In from the query string. It has the name of its first
// query.
func RawParams[In any](h http.Handler, doc Doc) Operation {
	name := FuncName(doc.Queries[0])
	return &raw{h, Description{Doc: doc, Kind: KindRaw, Name: name, Params: reflect.TypeFor[In]()}}
}

// RawPage is Raw for a handler that accepts any query string.
func RawPage(h http.Handler) Operation {
	return &raw{h, Description{Kind: KindRaw, Doc: Doc{AnyQuery: true}}}
}

func (r *raw) Describe() Description { return r.d }

func (r *raw) serve(c *Call) error {
	if err := c.authorize(c.Request.Context()); err != nil {
		return err
	}
	if c.Request.URL.RawQuery != "" && r.d.Params == nil && !r.d.AnyQuery {
		return problem.BadRequest(problem.FieldError{
			Field: "query string", Message: "must be empty; this operation has no query parameters",
		})
	}
	r.handler.ServeHTTP(c.w, c.Request)
	return nil
}

// redirectBrowsers is an operation that redirects clients that prefer HTML to JSON.
type redirectBrowsers struct {
	Operation
	location string
}

// RedirectBrowsers redirects clients that prefer HTML to JSON. The operation serves all others.
func RedirectBrowsers(location string, o Operation) Operation { return redirectBrowsers{o, location} }

func (o redirectBrowsers) Describe() Description {
	d := o.Operation.Describe()
	d.Redirects = true
	return d
}

func (o redirectBrowsers) serve(c *Call) error {
	if err := c.authorize(c.Request.Context()); err != nil {
		return err
	}
	c.Header.Set("Vary", "Accept")
	if prefer(c.accept(), MediaTypeJSON, MediaTypeHTML) == MediaTypeHTML {
		c.SetLocation(o.location)
		c.w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	return o.Operation.serve(c)
}
