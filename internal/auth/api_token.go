package auth

const (
	apiTokenPrefix     = "llk_"
	apiTokenDisplayLen = 12 // characters
)

// NewAPIToken returns a new API token of 47 characters: "llk_" and the base64url encoding of 32 random bytes.
// prefix is the token's first 12 characters, by which users recognize it. hash is the SHA-256 of the token, 32 bytes,
// which the server stores. The token itself is shown once and never stored.
func NewAPIToken() (token, prefix string, hash []byte) {
	token, hash = newSecret(apiTokenPrefix)
	return token, token[:apiTokenDisplayLen], hash
}

// HashAPIToken returns the hash under which NewAPIToken's token is stored, 32 bytes, or ErrToken for a malformed token.
func HashAPIToken(token string) (hash []byte, err error) { return hashSecret(apiTokenPrefix, token) }
