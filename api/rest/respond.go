package rest

import (
	"net/http"
	"strconv"
)

// respond writes a JSON body.
func (c *Call) respond(status int, body []byte) error {
	return c.respondAs(MediaTypeJSON, status, body)
}

// respondAs writes a body of a media type.
func (c *Call) respondAs(mediaType string, status int, body []byte) error {
	c.requireAuthorized()
	if status != http.StatusNotModified {
		c.Header.Set("Content-Type", mediaType)
		c.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // fails only if the client is gone
	return nil
}

// requireAuthorized panics if the caller has not been authorized: no response may precede the check.
func (c *Call) requireAuthorized() {
	if !c.authorized {
		panic("rest: " + c.Method + " " + c.Path + " responds before the caller is authorized")
	}
}

// respondValue writes a value as JSON, or the response that SaveResponse has encoded.
func (c *Call) respondValue(value any) error {
	body, err := c.saved, error(nil)
	if body == nil {
		body, err = encodeValue(value)
	}
	if err != nil {
		return err
	}
	return c.respond(c.Status, body)
}
