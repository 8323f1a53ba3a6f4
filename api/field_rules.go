package api

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/internal/rules"
)

// maxInteger is the largest integer that every JSON parser reads exactly.
const maxInteger = 1<<53 - 1

// eventType is the rule of the type of an event. The column type of other tables has other values.
var eventType = bind.Rule{Check: oneOf("deposit", "withdraw"), Lowercase: true}

// fieldRules are the rules of all parameters. The database has the same rules as constraints. Clients often send amounts
// and postcodes without quotes, so these accept numbers. A key with References has a kind of FindReferences: a body may
// name the row, as in site for site_id.
var fieldRules = bind.Rules{
	"name":                            {Check: validateNotBlank},
	"mac":                             {Check: validateMAC},
	"username":                        {Check: validateNotBlank},
	"display_name":                    {Check: validateDisplayName},
	"email":                           {Check: validateEmail},
	"title":                           {Check: validateNotBlank},
	"risk":                            {Check: oneOf("low", "medium", "high")},
	"role":                            {Check: oneOf("viewer", "operator", "admin")},
	"applies_to":                      {Check: validateAppliesTo},
	"severity":                        {Check: oneOf("critical", "warning", "info")},
	"state":                           {Check: oneOf("open", "acknowledged", "closed")},
	"disposition":                     {Check: oneOf("confirmed", "false_positive")},
	"status":                          {Check: validateNotBlank},
	"due_on":                          {Check: validateDate},
	"today":                           {Check: validateDate},
	"barcode":                         {Check: validateText(200)},
	"kind":                            {Check: validateText(100)},
	"project":                         {Check: validateText(100)},
	"unit":                            {Check: validateText(20)},
	"quantity":                        {Check: validateQuantity, AcceptsNumber: true},
	"expires_on":                      {Check: validateDate},
	"thaw_count":                      {Min: 0, Max: 10_000},
	"rows":                            {Min: 1, Max: 100},
	"columns":                         {Min: 1, Max: 100},
	"scheme":                          {Check: oneOf("A1", "1-1", "1")},
	"capacity":                        {Min: 1, Max: 100_000},
	"amount":                          {Check: validateAmount, AcceptsNumber: true},
	"limit":                           {Check: validateLimit, AcceptsNumber: true},
	"postcode_or_zip":                 {AcceptsNumber: true},
	"q":                               {Check: validateSearch},
	"noun":                            {Check: oneOf(listNouns...)},
	"query":                           {Check: validateListQuery},
	"SearchParams.noun":               {}, // the operation checks it
	"type":                            {Check: validateText(100)},
	"reason":                          {Check: validateReason},
	"holder":                          {Check: validateNotBlank},
	"purpose":                         {Check: validateText(1000)},
	"CreateStocktakeParams.note":      {Check: validateText(1000)},
	"ScanCodeParams.code":             {Check: validateText(200)},
	"ScanCodeParams.parent":           {Check: validateText(200)},
	"ScanCodeParams.position":         {Check: validateText(20)},
	"StocktakeReport.result":          {Check: oneOf(stocktakeResults...)},
	"UndoScanParams.code":             {Check: validateText(200)},
	"CloseStocktakeParams.missing":    {Check: oneOf("mark", "keep")},
	"CloseStocktakeParams.misplaced":  {Check: oneOf("move", "keep")},
	"CloseStocktakeParams.unexpected": {Check: oneOf("move", "keep")},

	"NewEvent.type":      eventType,
	"ListEventsRow.type": eventType,
	"user_id":            {Min: 0, Max: maxInteger},
	"time":               {Min: 0, Max: maxInteger},
	"from":               {Min: 0, Max: maxInteger},
	"to":                 {Min: 0, Max: maxInteger},
	"site_id":            {References: "site"},
	"freezer_id":         {References: "freezer"},
	"computer_id":        {References: "computer"},
	"container_uuid":     {References: "container"},
	"parent_uuid":        {References: "container"},
	"window_seconds":     {Min: 0, Max: rules.MaxWindow},
	"differences":        {Min: 1, Max: 100_000},
	"days":               {Min: 1, Max: 365},

	"MoveRequest.order":      {Check: oneOf("rows", "columns", "same_type")},
	"MoveRequest.limit":      {Min: 1, Max: maxListedMoves},
	"MoveRequest.offset":     {Min: 0, Max: maxInteger},
	"EvacuateRequest.limit":  {Min: 1, Max: maxListedMoves},
	"EvacuateRequest.offset": {Min: 0, Max: maxInteger},
}

// stocktakeResults are the results of the items of a stock-take.
var stocktakeResults = []string{"found", "missing", "misplaced", "unexpected", "unknown", "checked_out", "moved"}

// listNouns are the nouns of the lists that a view can belong to.
var listNouns = []string{
	"sites", "freezers", "computers", "containers", "checkouts", "instruments", "events",
	"alerts", "rules", "todos", "users", "attachments", "changes",
}

// pageParameters are the parameters of a list that a view does not store: they select a page or the form of the
// response.
var pageParameters = []string{"limit", "offset", "after", "before", "view", "format"}

// oneOf returns a validator that accepts only the given words.
func oneOf(words ...string) func(string) string {
	return func(text string) string {
		if slices.Contains(words, text) {
			return ""
		}
		return "must be " + problem.JoinOr(words)
	}
}

func validateDate(text string) string {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return "must be a date like 2026-11-30"
	}
	return ""
}

func validateAmount(text string) string {
	if cents, ok := rules.ParseCents(text); !ok || cents == 0 {
		return "must be more than 0 and less than 10000000000, with at most two decimals, like 12.50"
	}
	return ""
}

func validateLimit(text string) string {
	if _, ok := rules.ParseCents(text); !ok {
		return "must be from 0 to 9999999999.99, with at most two decimals, like 12.50"
	}
	return ""
}

func validateAppliesTo(text string) string {
	for _, e := range rules.Validate(rules.Rule{AppliesTo: text}) {
		if e.Field == "applies_to" {
			return e.Message
		}
	}
	return ""
}

func validateNotBlank(text string) string {
	if strings.TrimSpace(text) == "" {
		return "must not be blank"
	}
	return ""
}

// validateText returns a validator that accepts a text that is not blank, of at most this many characters.
func validateText(maxLen int) func(string) string {
	return func(text string) string {
		if utf8.RuneCountInString(text) > maxLen {
			return fmt.Sprintf("must have at most %d characters", maxLen)
		}
		return validateNotBlank(text)
	}
}

// validateQuantity accepts a decimal from 0 to 10^12.
func validateQuantity(text string) string {
	if !quantityRE.MatchString(text) {
		return "must be from 0 to 999999999999, with at most 9 decimals, like 1.5"
	}
	return ""
}

var quantityRE = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,9})?$`)

// validateDisplayName accepts a name in one line.
func validateDisplayName(text string) string {
	if utf8.RuneCountInString(text) > 100 {
		return "must have at most 100 characters"
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return "must not contain line breaks or other control characters"
	}
	return validateNotBlank(text)
}

// validateEmail accepts an address with one at sign. Only sending a message shows whether it exists.
func validateEmail(text string) string {
	if utf8.RuneCountInString(text) > 254 {
		return "must have at most 254 characters"
	}
	local, domain, found := strings.Cut(text, "@")
	isOther := func(r rune) bool { return r == '@' || unicode.IsSpace(r) || unicode.IsControl(r) }
	if !found || local == "" || domain == "" || strings.ContainsFunc(local+domain, isOther) {
		return "must be an e-mail address like jane@example.org"
	}
	return ""
}

func validateSearch(text string) string {
	if n := utf8.RuneCountInString(text); n < 1 || n > 200 {
		return "must have from 1 to 200 characters"
	}
	return ""
}

// validateListQuery accepts the query string of a list in the form of a URL, without the parameters of a page. The list
// itself checks the names and values of the parameters.
func validateListQuery(text string) string {
	if text == "" {
		return "must not be empty"
	}
	if utf8.RuneCountInString(text) > 2000 {
		return "must be at most 2000 characters"
	}
	if strings.HasPrefix(text, "?") {
		return "must not begin with a question mark"
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '#' || r == '\x7f' }) {
		return "must not contain spaces, control characters or number signs; encode a space as %20 and # as %23"
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return "is malformed: " + strings.TrimPrefix(err.Error(), "net/url: ")
	}
	var found []string
	for name, texts := range values {
		if text := name + strings.Join(texts, ""); !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			return "must be valid UTF-8 without NUL after decoding"
		}
		if slices.Contains(pageParameters, name) {
			found = append(found, name)
		}
	}
	if len(found) > 0 {
		slices.Sort(found)
		return "must not contain " + problem.JoinOr(found) + "; these parameters are not saved"
	}
	return ""
}

// validateMAC accepts what PostgreSQL's type macaddr accepts: six bytes in any of its seven notations.
func validateMAC(text string) string {
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(text)
	if len(digits) == 12 && macRE.MatchString(text) {
		if _, err := net.ParseMAC(fmt.Sprintf("%s.%s.%s", digits[:4], digits[4:8], digits[8:])); err == nil {
			return ""
		}
	}
	return "must be a MAC address like 08:00:2b:01:02:03"
}

var macRE = regexp.MustCompile(`(?i)^(` +
	`[0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{2}(-[0-9a-f]{2}){5}|` +
	`[0-9a-f]{6}[:-][0-9a-f]{6}|[0-9a-f]{4}([.-][0-9a-f]{4}){2}|[0-9a-f]{12})$`)
