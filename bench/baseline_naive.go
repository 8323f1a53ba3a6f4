package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/rules"
)

// naiveHandler is the straightforward implementation: net/http and pgx, one transaction per event, one round trip per
// statement, and the rules evaluated in between. It uses the same tables and does not validate requests.
func naiveHandler(pool *pgxpool.Pool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/events", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Type   string      `json:"type"`
			Amount rules.Cents `json:"amount"`
			UserID int64       `json:"user_id"`
			Time   int64       `json:"time"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		eventType, _ := rules.ParseType(in.Type)
		event := rules.Event{Type: eventType, Amount: in.Amount, Time: in.Time}
		response, err := recordNaive(r.Context(), pool, in.UserID, event)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(response) // the client checks the response
	})
	return mux
}

type naiveResponse struct {
	EventID uuid.UUID  `json:"event_id"`
	AlertID *uuid.UUID `json:"alert_id"`
	Alert   bool       `json:"alert"`
	Codes   []int32    `json:"alert_codes"`
	UserID  int64      `json:"user_id"`
}

func recordNaive(
	ctx context.Context, pool *pgxpool.Pool, user int64, e rules.Event,
) (response naiveResponse, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var riskText string
		var setID int64
		var stateText, setText []byte
		err := tx.QueryRow(ctx, `INSERT INTO user_state (user_id) VALUES ($1)
			ON CONFLICT (user_id) DO UPDATE SET risk = user_state.risk
			RETURNING risk, state`, user).Scan(&riskText, &stateText)
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, "SELECT id, rules FROM ruleset ORDER BY id DESC LIMIT 1").Scan(&setID, &setText)
		if err != nil {
			return err
		}
		state, err := rules.ParseState(stateText)
		if err != nil {
			return err
		}
		set, err := rules.ParseSet(setText)
		if err != nil {
			return err
		}
		risk, _ := rules.ParseRisk(riskText)
		decision := rules.Step(&state, e, set, risk, set.LongestWindow())
		now := time.Now()
		response = naiveResponse{
			EventID: uuid.Must(uuid.NewV7()),
			Codes:   append([]int32{}, decision.Codes...),
			UserID:  user,
		}
		lastID := response.EventID
		if len(decision.Codes) > 0 {
			lastID = uuid.Must(uuid.NewV7())
			response.AlertID, response.Alert = &lastID, true
		}
		_, err = tx.Exec(ctx, `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id,
				facts, alert_codes, alert_id, created_at, actor)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			user, response.EventID, e.Type.String(), e.Amount.String(), e.Time, decision.EffectiveTime, riskText, setID,
			string(rules.AppendMeasurements(nil, decision.Measurements)), response.Codes, response.AlertID, now,
			"bench")
		if err != nil {
			return err
		}
		if response.Alert {
			reasons, err := json.Marshal(rules.Explain(set, risk, decision))
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx,
				`INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons,
					created_at, changed_at, actor)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)`,
				user, lastID, response.EventID, response.Codes, e.Time, riskText, setID, string(reasons), now, "bench")
			if err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "UPDATE user_state SET last_id = $2, state = $3 WHERE user_id = $1",
			user, lastID, string(state.Append(nil)))
		return err
	})
	return response, err
}
