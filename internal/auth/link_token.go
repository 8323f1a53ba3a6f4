package auth

const linkTokenPrefix = "lll_"

// NewLinkToken returns a new token of a link that sets a password, 47 characters: "lll_" and the base64url encoding of
// 32 random bytes. hash is the SHA-256 of the token, 32 bytes, which the server stores.
func NewLinkToken() (token string, hash []byte) { return newSecret(linkTokenPrefix) }

// HashLinkToken returns the hash under which NewLinkToken's token is stored, or ErrToken for a malformed token.
func HashLinkToken(token string) (hash []byte, err error) { return hashSecret(linkTokenPrefix, token) }
