package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// This file makes up what people do about the alerts, which the rules raised for the events of the laboratory.

// An Alert is an alert that the rules raised, in the order of arrival.
type Alert struct {
	ID       uuid.UUID
	UserID   int64
	Codes    []int32
	RaisedAt time.Time
}

// An AlertChange is a step of the investigation of an alert.
type AlertChange struct {
	ID           uuid.UUID  `json:"id"`
	UserID       int64      `json:"user_id"`
	State        string     `json:"state"`
	Assignee     *string    `json:"assignee"`
	Note         *string    `json:"note"`
	Disposition  *string    `json:"disposition"`
	SnoozedUntil *time.Time `json:"snoozed_until"`
	Actor        string     `json:"-"`
}

// A Todo is a todo.
type Todo struct {
	Description string     `json:"description"`
	Status      string     `json:"status"`
	Assignee    *string    `json:"assignee"`
	DueOn       *string    `json:"due_on"`
	SiteID      *int64     `json:"site_id"`
	FreezerID   *int64     `json:"freezer_id"`
	ComputerID  *int64     `json:"computer_id"`
	AlertID     *uuid.UUID `json:"alert_id"`
	CreatedAt   time.Time  `json:"created_at"`
	Owner       string     `json:"-"`
}

var (
	openNotes = []string{
		"Asked by mail, no answer yet", "Waiting for the delivery note", "Same person as last week: talk to both",
		"Fragt im Labor nach — läuft",
	}
	confirmedNotes = []string{
		"Two deposits were of another person; corrected on paper", "Confirmed with the night shift",
		"Retirada no autorizada: informado al responsable",
	}
	falseNotes = []string{
		"Planned transfer of the whole rack", "Inventory day, expected", "Test of the new reader", "Opptelling, forventet",
	}
)

// Investigate returns the steps that people took on alerts: the first step of each, and the second one of some. Older
// alerts are mostly closed, newer ones open.
func (l *Lab) Investigate(alerts []Alert) (first, second []AlertChange) {
	r := random("investigation")
	for _, a := range alerts {
		age := int(l.now.Sub(a.RaisedAt) / day)
		step := AlertChange{ID: a.ID, UserID: a.UserID, State: "open", Actor: pick(r, operators)}
		switch roll := r.IntN(100); {
		case age < 3 && roll < 70, age < 20 && roll < 35, roll < 4:
			continue // the alert is still open
		case age < 20 && roll < 45:
			step.Assignee = optional(pick(r, operators))
			step.SnoozedUntil = optional(l.now.Add(time.Duration(1+r.IntN(6)) * day))
			step.Note = optional(pick(r, openNotes))
			first = append(first, step)
		case age < 20 && roll < 60, roll < 12:
			step.State, step.Assignee, step.Note = "acknowledged", &step.Actor, optional(pick(r, openNotes))
			first = append(first, step)
		case roll < 40:
			step.State, step.Assignee = "acknowledged", &step.Actor
			first = append(first, step)
			second = append(second, closed(r, step))
		default:
			first = append(first, closed(r, step))
		}
	}
	return first, second
}

// closed returns the step that closes an alert with an outcome and a note.
func closed(r *rand.Rand, step AlertChange) AlertChange {
	step.State, step.Assignee = "closed", &step.Actor
	step.Disposition, step.Note = optional("false_positive"), optional(pick(r, falseNotes))
	if chance(r, 30) {
		step.Disposition, step.Note = optional("confirmed"), optional(pick(r, confirmedNotes))
	}
	return step
}

var tasks = []string{
	"Defrost and label all shelves before the audit, then send the list of empty positions",
	"Order nitrogen for both tanks", "Replace the door seal", "Calibrate the temperature probes", "Label the new racks",
	"Count cohort 12", "Update the plate reader", "Etiketter for Øresund-studien", "Revisar los permisos de acceso",
	"Write the delivery note",
}

// Todos returns the todos. Some link to alerts, the newest first.
func (l *Lab) Todos(alerts []Alert) []Todo {
	const count = 41
	r := random("todos")
	newest := slices.Clone(alerts)
	slices.Reverse(newest)
	todos := make([]Todo, count)
	for i := range todos {
		t := Todo{
			Description: fmt.Sprintf("%s, part %d", tasks[i%len(tasks)], i/20+1),
			Status:      []string{"open", "open", "doing", "done", "waits for parts"}[i%5],
			Assignee:    optional(l.holder(r)),
			CreatedAt:   l.workingTime(r, 40*day, day),
			Owner:       pick(r, operators),
		}
		if i%7 == 6 {
			t.Assignee = nil
		}
		switch i % 6 {
		case 0:
			t.DueOn = optional(l.date(-2 - r.IntN(10))) // overdue, unless done
		case 1:
			t.DueOn = optional(l.date(0))
		case 2, 3:
			t.DueOn = optional(l.date(1 + r.IntN(14)))
		}
		switch {
		case i%4 == 3 && i/4 < len(newest):
			a := newest[i/4]
			t.Description, t.AlertID = "Clear up the alert of "+l.nameOf(a.UserID), &a.ID
			t.CreatedAt = a.RaisedAt.Add(l.now.Sub(a.RaisedAt) / 2)
		case i%4 == 0:
			t.FreezerID = &l.Freezers[r.IntN(len(l.Freezers))].ID
		case i%4 == 1:
			t.SiteID = &l.Sites[i%len(l.Sites)].ID
		default:
			t.ComputerID = &l.Computers[i%len(l.Computers)].ID
		}
		todos[i] = t
	}
	slices.SortStableFunc(todos, func(a, b Todo) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return todos
}

// nameOf returns the name of a person as people read it.
func (l *Lab) nameOf(userID int64) string {
	person := l.People[userID-firstPersonID]
	if person.DisplayName == nil {
		return person.Username
	}
	return *person.DisplayName
}

// views returns the saved views.
func (l *Lab) views() []View {
	today, views := l.date(0), []View{
		{Name: "Expired tubes", Noun: "containers", Query: "kind=tube&sort=expires_on&expires_on__lt="},
		{Name: "Checked out", Noun: "containers", Query: "status=checked_out&sort=due_on"},
		{Name: "Cohort 4", Noun: "containers", Query: "project=Cohort%204"},
		{Name: "Critical and open", Noun: "alerts", Query: "state=open&severity=critical"},
		{Name: "Overdue", Noun: "todos", Query: "status__not=done&due_on__lt="},
		{Name: "Large withdrawals", Noun: "events", Query: "type=withdraw&amount__gte=100"},
	}
	for i := range views {
		v := &views[i]
		if strings.HasSuffix(v.Query, "__lt=") {
			v.Query += today
		}
		v.Shared, v.Owner, v.CreatedAt = i%3 != 2, operators[i], l.ago(time.Duration(30-i)*day)
	}
	return views
}
