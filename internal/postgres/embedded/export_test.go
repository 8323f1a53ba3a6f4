//go:build unix

package embedded

// WrapperLibrary returns the path of nss_wrapper, or "" when it is not installed.
var WrapperLibrary = wrapperLibrary

// SetNameSources replaces the ways in which initdb gets a name for a user ID without one: "namespace", "library" or
// "none".
func SetNameSources(kind string) {
	switch kind {
	case "namespace":
		nameSources = nameSources[:1]
	case "library":
		nameSources = nameSources[1:]
	case "none":
		nameSources = nil
	default:
		panic("unknown kind " + kind)
	}
}
