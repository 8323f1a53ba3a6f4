//go:build race

package ledger

const raceEnabled = true // the race detector slows the tests down by a factor of about eight
