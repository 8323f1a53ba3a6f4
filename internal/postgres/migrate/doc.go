// Package migrate applies the migrations of a database. They come in as an fs.FS: it must not know what the schema holds.
package migrate
