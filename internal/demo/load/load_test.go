package load_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/demo/load"
	"labledger/internal/ledger"
	"labledger/internal/pgtest"
	"labledger/schema"
)

// The database of each test is a clone of one that holds the laboratory.
func TestMain(m *testing.M) {
	pgtest.Main(m, schema.Files, func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		_, err = load.Run(ctx, pool, time.Now())
		return err
	})
}

// Each query returns true, or describes what is wrong.
func TestRun_storesALab(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	for name, query := range map[string]string{
		"sites":     "SELECT count(*) = 4 FROM site",
		"freezers":  "SELECT count(*) = 25 AND count(DISTINCT site_id) = 4 FROM freezer",
		"computers": "SELECT count(*) = 40 FROM computer",
		"containers": `SELECT count(*) = 3000 AND count(DISTINCT kind) = 5 AND count(DISTINCT type) > 5
			AND count(DISTINCT owner) > 10 AND count(DISTINCT project) > 5 AND count(expires_on) > 500
			AND count(barcode) > 2500 AND count(quantity) > 2500 FROM container`,
		"depth": "SELECT max(depth) = 3 AND count(*) FILTER (WHERE position IS NOT NULL) > 2700 FROM container",
		"full boxes, half-full boxes and empty ones": `SELECT count(*) FILTER (WHERE free = 0 AND positions > 40) > 10
			AND count(*) FILTER (WHERE taken BETWEEN positions * 0.4 AND positions * 0.6 AND positions > 40) > 10
			AND count(*) FILTER (WHERE taken = 0) > 10 FROM occupancy WHERE container_uuid IS NOT NULL`,
		"blocked positions": "SELECT count(*) > 10 FROM container WHERE blocked IS NOT NULL",
		"descriptions that repeat": `SELECT max(n) > 100
			FROM (SELECT count(*) AS n FROM container GROUP BY description) AS counted`,
		"long descriptions": "SELECT count(*) > 100 FROM container WHERE length(description) > 100",
		"expired and valid": `SELECT bool_or(expires_on < current_date) AND bool_or(expires_on > current_date + 100)
			FROM container`,
		"letters of other languages": "SELECT count(*) > 100 FROM container WHERE description ~ '[^ -~]'",
		"people": `SELECT count(*) = 17 AND count(DISTINCT role) = 3 AND count(DISTINCT risk) = 3
			AND bool_or(disabled) AND count(*) FILTER (WHERE display_name IS NULL) = 1 FROM account`,
		"no passwords": "SELECT count(*) = 0 FROM credential",
		"events of 90 days": `SELECT count(*) = 5000 AND max(created_at) < now()
			AND min(created_at) BETWEEN now() - interval '91 days' AND now() - interval '89 days'
			AND count(DISTINCT created_at::date) > 80 FROM event`,
		"events of people of all risk levels": "SELECT count(DISTINCT risk) = 3 FROM event",
		"order of arrival": `SELECT bool_and(ordered) FROM (
			SELECT created_at >= lag(created_at, 1, '-infinity') OVER (PARTITION BY user_id ORDER BY id) AS ordered
			FROM event) AS compared`,
		"late events": "SELECT count(*) BETWEEN 5 AND 100 FROM event WHERE extract(epoch FROM created_at) - time > 60",
		"alerts of all rules and states": `SELECT count(*) BETWEEN 200 AND 600 AND count(DISTINCT code) = 5
			AND count(DISTINCT state) = 3 AND bool_or(snoozed_until > now()) AND count(DISTINCT disposition) = 2
			AND count(DISTINCT assignee) > 3 AND count(DISTINCT note) > 5 FROM alert, unnest(alert_codes) AS code`,
		"steps of alerts": "SELECT max(version) = 3 AND min(version) = 1 FROM alert",
		"todos": `SELECT count(*) = 41 AND count(alert_id) > 5 AND count(freezer_id) > 5 AND count(DISTINCT status) = 4
			AND bool_or(due_on < current_date AND status <> 'done') AND bool_or(due_on > current_date + 3)
			AND max(created_at) <= now() FROM todo`,
		"check-outs": `SELECT count(*) FILTER (WHERE outcome = 'returned') = 260
			AND count(*) FILTER (WHERE returned_at IS NULL) = 33 AND count(DISTINCT outcome) = 4
			AND max(greatest(checked_out_at, returned_at)) < now() FROM checkout`,
		"overdue check-outs": "SELECT count(*) = 9 FROM overdue_checkout",
		"custody": `SELECT count(*) FILTER (WHERE status = 'checked_out') = 33
			AND count(*) FILTER (WHERE status = 'missing') = 4 AND count(*) FILTER (WHERE status = 'discarded') = 5
			FROM container`,
		"withdrawals of check-outs": `SELECT bool_and(event.type = 'withdraw' AND event.amount = checkout.amount
				AND event.container_uuid = checkout.container_uuid AND account.id = event.user_id
				AND event.created_at = checkout.checked_out_at) AND count(*) = (SELECT count(*) FROM checkout)
			FROM checkout JOIN event ON event.id = event_id JOIN account ON username = holder`,
		"deposits of returns": `SELECT bool_and(event.type = 'deposit' AND event.amount = checkout.amount
				AND event.container_uuid = checkout.container_uuid AND account.id = event.user_id
				AND event.created_at = checkout.returned_at) AND count(*) = 266
			FROM checkout JOIN event ON event.id = return_event_id JOIN account ON username = holder`,
		"history of all rows, by many actors": `SELECT count(DISTINCT actor) > 10
			AND count(*) FILTER (WHERE table_name = 'container' AND action = 'insert') = 3000 FROM change`,
		"views":                     "SELECT count(*) = 6 AND bool_or(shared) AND NOT bool_and(shared) FROM view",
		"freezers with equal names": `SELECT count(*) = 20 FROM freezer WHERE name ~ '^Minus80-B[1-5]$'`,
		"distinct names": `SELECT NOT EXISTS (SELECT FROM site GROUP BY name HAVING count(*) > 1)
			AND NOT EXISTS (SELECT FROM freezer GROUP BY site_id, name HAVING count(*) > 1)
			AND NOT EXISTS (SELECT FROM computer GROUP BY site_id, name HAVING count(*) > 1)
			AND NOT EXISTS (SELECT FROM account GROUP BY email HAVING count(*) > 1)`,
	} {
		if !pgtest.QueryValue[bool](t, pool, query) {
			t.Errorf("%s: this query returns false: %s", name, query)
		}
	}
}

func TestRun_verifies(t *testing.T) {
	t.Parallel()
	summary, err := ledger.New(pgtest.Pool(t), nil).Verify(t.Context(), nil, func(d ledger.Difference) {
		t.Errorf("%+v", d)
	})
	if err != nil || summary.Events != 5000 || summary.Users != 17 {
		t.Errorf("verify: %+v, %v", summary, err)
	}
}

// The queries of the views are those of lists, and find rows.
func TestRun_viewsFindRows(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	token := ts.SignIn("admin", rest.Admin)
	for _, path := range pgtest.QueryColumn(t, ts.Pool, "SELECT '/api/v1/' || noun || '?' || query FROM view") {
		if body := ts.Send(token, "GET", path, "").Body.String(); len(body) < 50 || body[0] != '[' {
			t.Errorf("%s returns %s", path, body)
		}
	}
}
