package main

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// selectSites is the hand-written statement of a page of sites.
const selectSites = `SELECT id, name, contact, address, state_or_region, country, postcode_or_zip, version
FROM site ORDER BY id LIMIT $1 OFFSET $2`

// selectFilteredSites is the hand-written statement of filteredPage.
const selectFilteredSites = `SELECT id, name, contact, address, state_or_region, country, postcode_or_zip, version
FROM site WHERE id >= $1 ORDER BY left(name, 100) COLLATE natural_sort DESC, id DESC LIMIT $2`

// filteredPage is a filtered and sorted page.
const filteredPage = "/api/v1/sites?id__gte=500000&limit=100&sort=-name"

// nethttpHandler is the lower bound: the same statements on net/http and pgx, with hand-written JSON encoding, without
// validation and without additional headers.
func nethttpHandler(pool *pgxpool.Pool) http.Handler {
	q := db.New(pool)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /site/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			http.Error(w, "bad id", http.StatusBadRequest)
			return
		}
		site, err := q.GetSite(r.Context(), db.GetSiteParams{ID: id})
		if err != nil {
			http.Error(w, "no site", http.StatusNotFound)
			return
		}
		writeJSON(w, appendSite(nil, &site))
	})
	page := func(w http.ResponseWriter, r *http.Request, statement string, args ...any) {
		rows, _ := pool.Query(r.Context(), statement, args...) // CollectRows returns the error
		sites, err := pgx.CollectRows(rows, scanSite)
		if err != nil {
			http.Error(w, "failed", http.StatusInternalServerError)
			return
		}
		body := []byte{'['}
		for i := range sites {
			if i > 0 {
				body = append(body, ',')
			}
			body = appendSite(body, &sites[i])
		}
		writeJSON(w, append(body, ']'))
	}
	mux.HandleFunc("GET /api/v1/sites", func(w http.ResponseWriter, r *http.Request) {
		limit, err := strconv.ParseInt(r.URL.Query().Get("limit"), 10, 64)
		if err != nil {
			http.Error(w, "bad limit", http.StatusBadRequest)
			return
		}
		if from, err := strconv.ParseInt(r.URL.Query().Get("id__gte"), 10, 64); err == nil {
			page(w, r, selectFilteredSites, from, limit)
			return
		}
		page(w, r, selectSites, limit, 0)
	})
	mux.HandleFunc("GET /sites/{offset}/{limit}", func(w http.ResponseWriter, r *http.Request) {
		offset, err1 := strconv.ParseInt(r.PathValue("offset"), 10, 64)
		limit, err2 := strconv.ParseInt(r.PathValue("limit"), 10, 64)
		if err1 != nil || err2 != nil {
			http.Error(w, "bad page", http.StatusBadRequest)
			return
		}
		page(w, r, selectSites, limit, offset)
	})
	return mux
}

func scanSite(row pgx.CollectableRow) (s db.Site, err error) {
	err = row.Scan(&s.ID, &s.Name, &s.Contact, &s.Address, &s.StateOrRegion, &s.Country, &s.PostcodeOrZip, &s.Version)
	return s, err
}

func writeJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client checks the response
}

func appendSite(b []byte, s *db.Site) []byte {
	b = strconv.AppendInt(append(b, `{"id":`...), s.ID, 10)
	b = appendString(append(b, `,"name":`...), &s.Name)
	b = appendString(append(b, `,"contact":`...), s.Contact)
	b = appendString(append(b, `,"address":`...), s.Address)
	b = appendString(append(b, `,"state_or_region":`...), s.StateOrRegion)
	b = appendString(append(b, `,"country":`...), s.Country)
	b = appendString(append(b, `,"postcode_or_zip":`...), s.PostcodeOrZip)
	b = strconv.AppendInt(append(b, `,"version":`...), s.Version, 10)
	return append(b, '}')
}

func appendString(b []byte, text *string) []byte {
	switch {
	case text == nil:
		return append(b, "null"...)
	case strings.ContainsAny(*text, "\"\\"):
		return strconv.AppendQuote(b, *text)
	}
	return append(append(append(b, '"'), *text...), '"')
}
