package rest

// Bounds that the tests in other packages need.
const (
	MaxChunkRows      = maxChunkRows
	MaxReportedErrors = maxReportedErrors
)
