package merkle

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// The test vectors of the Certificate Transparency project for RFC 6962: inputs, and the roots over the first n.
var (
	vectorInputs = []string{
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
	}
	vectorRoots = []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
)

func TestTree_vectors(t *testing.T) {
	t.Parallel()
	var tree Tree
	for n, want := range vectorRoots {
		if root := tree.Root(); hex.EncodeToString(root[:]) != want || tree.Len() != int64(n) {
			t.Errorf("root of %d inputs: %x, want %s", tree.Len(), root, want)
		}
		if n < len(vectorInputs) {
			content, err := hex.DecodeString(vectorInputs[n])
			if err != nil {
				t.Fatal(err)
			}
			tree.Add(content)
		}
	}
}

// rootOf is the recursive definition of RFC 6962, section 2.1.
func rootOf(contents [][]byte) Hash {
	switch len(contents) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, contents[0]...))
	}
	k := 1
	for k*2 < len(contents) {
		k *= 2
	}
	left, right := rootOf(contents[:k]), rootOf(contents[k:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

// FuzzTree compares the tree with the recursive definition. The leaves are the prefixes of the input, repeated.
func FuzzTree(f *testing.F) {
	f.Add([]byte(""), uint16(1))
	f.Add([]byte("abc"), uint16(1))
	f.Add([]byte("0123456789abcdef0"), uint16(7))
	f.Fuzz(func(t *testing.T, input []byte, repeated uint16) {
		var tree Tree
		var contents [][]byte
		for range repeated%100 + 1 {
			for i := range min(len(input), 100) {
				tree.Add(input[:i])
				contents = append(contents, input[:i])
			}
		}
		if got, want := tree.Root(), rootOf(contents); got != want {
			t.Errorf("root of %d leaves: %x, want %x", len(contents), got, want)
		}
	})
}
