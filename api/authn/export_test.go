package authn

// This file exports what the tests of package authn_test need. They cannot be part of this package, because package
// apitest imports it.

// Limits, windows and names.
const (
	AttemptWindow         = attemptWindow
	MaxAttemptsPerName    = maxAttemptsPerName
	MaxAttemptsPerAddress = maxAttemptsPerAddress
	RefreshCookie         = refreshCookie
	RefreshGrace          = refreshGrace
)
