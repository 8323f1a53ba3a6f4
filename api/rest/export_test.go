package rest

// Bounds that the tests in other packages need.
const (
	MaxReportedErrors = maxReportedErrors
)
