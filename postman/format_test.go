package postman

// The Postman collection format: https://schema.getpostman.com/json/collection/v2.1.0/docs/index.html.
type (
	collection struct {
		Info struct {
			ID          string `json:"_postman_id"`
			Name        string `json:"name"`
			Description string `json:"description"`
			Schema      string `json:"schema"`
		} `json:"info"`
		Auth     *auth   `json:"auth"`
		Item     []item  `json:"item"`
		Variable []value `json:"variable"`
	}
	item struct { // a folder or a request
		Name        string   `json:"name"`
		Description string   `json:"description,omitempty"`
		Item        []item   `json:"item,omitempty"`
		Event       []event  `json:"event,omitempty"`
		Request     *request `json:"request,omitempty"`
		Response    []any    `json:"response,omitzero"`
	}
	auth struct {
		Type   string  `json:"type"`
		Bearer []value `json:"bearer,omitempty"`
	}
	event struct {
		Listen string `json:"listen"`
		Script script `json:"script"`
	}
	script struct {
		Type string   `json:"type"`
		Exec []string `json:"exec"`
	}
	request struct {
		Auth        *auth   `json:"auth,omitempty"` // nil to inherit from the collection
		Method      string  `json:"method"`
		Header      []value `json:"header"`
		Body        *body   `json:"body,omitempty"`
		URL         address `json:"url"`
		Description string  `json:"description"`
	}
	body struct {
		Mode    string         `json:"mode"`
		Raw     string         `json:"raw,omitempty"`
		Options map[string]any `json:"options,omitempty"`
		Form    []field        `json:"formdata,omitempty"`
	}
	field struct {
		Key  string `json:"key"`
		Type string `json:"type"`
		Src  string `json:"src"`
	}
	address struct {
		Raw      string   `json:"raw"`
		Host     []string `json:"host"`
		Path     []string `json:"path"`
		Query    []value  `json:"query,omitempty"`
		Variable []value  `json:"variable,omitempty"`
	}
	value struct {
		Key         string `json:"key"`
		Value       string `json:"value"`
		Description string `json:"description,omitempty"`
		Disabled    bool   `json:"disabled,omitempty"`
	}
)
