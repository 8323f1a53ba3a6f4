// Package postgres connects to PostgreSQL: it opens pools, manages the server's role, backs up databases and finds
// PostgreSQL's programs on this machine. It must not know the API, nor what the schema holds.
package postgres
