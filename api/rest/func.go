package rest

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"labledger/api/bind"
)

// fn is the operation of a function.
type fn[In, Out any] struct {
	run func(ctx context.Context, c *Call, in In) (Out, error)
	doc Doc
}

// Func returns the operation of a function, whose result is the response. The caller has been authorized when it is
// called. c.Errors holds the errors of the parameters: the function adds its own and returns c.Errors.Err(), so that
// one response reports all of them.
func Func[In, Out any](run func(ctx context.Context, c *Call, in In) (Out, error), doc Doc) Operation {
	return &fn[In, Out]{run, doc}
}

func (f *fn[In, Out]) Describe() Description {
	out := reflect.TypeFor[Out]()
	if out.Kind() == reflect.Pointer {
		out = out.Elem()
	}
	return Description{Doc: f.doc, Kind: KindFunc, Name: FuncName(f.run), Params: reflect.TypeFor[In](), Out: out}
}

func (f *fn[In, Out]) serve(c *Call) error {
	if err := c.authorize(c.Request.Context()); err != nil {
		return err
	}
	in := new(In)
	if err := f.bind(c, in); err != nil {
		return err
	}
	timeout := handlerTimeout
	if f.doc.Long {
		release, err := f.acquireSlot(c)
		if err != nil {
			return err
		}
		defer release()
		c.ExtendDeadlines()
		timeout = transferTimeout
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), timeout)
	defer cancel()
	out, err := f.run(ctx, c, *in)
	if err != nil {
		return err
	}
	return c.respondValue(out)
}

// acquireSlot takes the slot of a long transfer. A form holds no connection while it arrives, so it takes no slot that
// others need.
func (f *fn[In, Out]) acquireSlot(c *Call) (release func(), err error) {
	switch {
	case f.doc.Form:
		return c.server.uploads.Acquire(&c.Caller)
	case f.doc.Waits:
		return c.server.transfers.acquire(c.Request.Context(), c.server.slotTimeout)
	}
	return c.server.transfers.tryAcquire()
}

func (f *fn[In, Out]) bind(c *Call, in *In) error {
	switch {
	case c.Method == http.MethodGet:
		if err := c.bindRead(in, MediaTypeJSON); err != nil {
			return err
		}
	case f.doc.Form:
		c.bindURL(in)
		if _, err := Negotiate(c.Request, MediaTypeJSON); err != nil {
			return err
		}
	default:
		if err := c.bindWrite(in); err != nil {
			return err
		}
	}
	return c.bindCaller(in)
}

// SetVersion sets the ETag of the response.
func (c *Call) SetVersion(version int64) {
	c.Header.Set("ETag", bind.ETag(strconv.FormatInt(version, 10)))
}
