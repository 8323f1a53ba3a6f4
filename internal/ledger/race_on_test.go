//go:build race

package ledger

const raced = true // under the race detector everything takes some eight times as long
