// Package merkle computes the tree hash of RFC 6962 (Certificate Transparency, section 2.1) with SHA-256.
package merkle

import (
	"crypto/sha256"
	"math/bits"
)

// A Hash is the SHA-256 hash of a node.
type Hash = [sha256.Size]byte

// The first byte of what is hashed keeps a leaf from having the hash of an inner node.
const (
	leafPrefix = 0
	nodePrefix = 1
)

// A Tree computes the root over leaves that are added one by one. It stores one hash for each bit of the number of
// leaves. The zero value is an empty tree.
type Tree struct {
	leaves   int64
	subtrees []Hash // roots of complete subtrees, the largest first: one for each 1 in the binary number of leaves
	buf      []byte
}

// Add appends a leaf with the given content.
func (t *Tree) Add(content []byte) {
	t.buf = append(append(t.buf[:0], leafPrefix), content...)
	hash := sha256.Sum256(t.buf)
	for range bits.TrailingZeros64(^uint64(t.leaves)) { // subtrees of the same size as the new one
		last := len(t.subtrees) - 1
		hash = node(t.subtrees[last], hash)
		t.subtrees = t.subtrees[:last]
	}
	t.subtrees = append(t.subtrees, hash)
	t.leaves++
}

// Len returns the number of leaves.
func (t *Tree) Len() int64 { return t.leaves }

// Root returns the root. The root of an empty tree is the hash of nothing.
func (t *Tree) Root() Hash {
	if t.leaves == 0 {
		return sha256.Sum256(nil)
	}
	last := len(t.subtrees) - 1
	root := t.subtrees[last]
	for i := last - 1; i >= 0; i-- {
		root = node(t.subtrees[i], root)
	}
	return root
}

func node(left, right Hash) Hash {
	var buf [1 + 2*sha256.Size]byte
	buf[0] = nodePrefix
	copy(buf[1:], left[:])
	copy(buf[1+sha256.Size:], right[:])
	return sha256.Sum256(buf[:])
}
