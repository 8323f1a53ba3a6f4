package demo

import (
	"math/rand/v2"
	"slices"
	"time"

	"labledger/internal/rules"
)

// eventCount is the number of events.
const eventCount = 5000

// incidentCount is the number of series of events that rules fire on.
const incidentCount = 130

// addEvents adds the events of the check-outs, series that rules fire on, and ordinary events up to eventCount.
func (l *Lab) addEvents() {
	r := random("events")
	l.addCheckOutEvents()
	for range incidentCount {
		l.addIncident(r)
	}
	ordinary := l.ordinaryEvents(r, eventCount-len(l.Events))
	l.Events = append(l.Events, ordinary...)
	slices.SortStableFunc(l.Events, func(a, b Event) int { return a.ArrivedAt.Compare(b.ArrivedAt) })
	l.chooseTypes(r)
	for i := range l.Events {
		e := &l.Events[i]
		switch {
		case e.checkOut == 0:
		case e.isReturn:
			l.CheckOuts[e.checkOut-1].ReturnEvent = i
		default:
			l.CheckOuts[e.checkOut-1].Event = i
		}
	}
}

// addCheckOutEvents adds a withdrawal for each check-out, and a deposit for each return.
func (l *Lab) addCheckOutEvents() {
	for i := range l.CheckOuts {
		c := &l.CheckOuts[i]
		amount, _ := rules.ParseCents(c.Amount) // quantities have two decimals
		l.Events = append(l.Events, Event{
			UserID: l.userID(c.Holder), Event: rules.Event{Type: rules.Withdraw, Amount: amount, Time: c.CheckedOutAt.Unix()},
			Actor: c.CheckedOutBy, ArrivedAt: c.CheckedOutAt, Container: &c.ContainerUUID, checkOut: i + 1,
		})
		if c.Outcome == nil || *c.Outcome == "lost" || *c.Outcome == "discarded" {
			continue
		}
		l.Events = append(l.Events, Event{
			UserID: l.userID(c.Holder), Event: rules.Event{Type: rules.Deposit, Amount: amount, Time: c.ReturnedAt.Unix()},
			Actor: *c.ReturnedBy, ArrivedAt: *c.ReturnedAt, Container: &c.ContainerUUID, checkOut: i + 1, isReturn: true,
		})
	}
}

// userID returns the ID of a person.
func (l *Lab) userID(username string) int64 {
	i := slices.IndexFunc(l.People, func(p Person) bool { return p.Username == username })
	return l.People[i].ID
}

// undecided marks an ordinary event until chooseTypes gives it a type and an amount.
const undecided rules.Cents = -1

// ordinaryEvents returns events at working hours without types and amounts. Some people are busier than others, and two
// days in seven are quiet.
func (l *Lab) ordinaryEvents(r *rand.Rand, n int) []Event {
	events := make([]Event, 0, n)
	for len(events) < n {
		person := l.People[min(r.IntN(len(l.People)), r.IntN(len(l.People)))]
		at := l.workingTime(r, days*day, 0)
		age := int(l.now.Sub(at) / day)
		if age%7 >= 5 && !chance(r, 20) || person.Disabled && age < 30 {
			continue
		}
		arrived := at.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
		if chance(r, 1) { // a computer was offline
			arrived = at.Add(time.Duration(r.IntN(3600)) * time.Second)
		}
		if arrived.After(l.now) {
			arrived = at
		}
		actor := person.Username
		if chance(r, 10) {
			actor = pick(r, operators)
		}
		events = append(events, Event{
			UserID: person.ID, Event: rules.Event{Amount: undecided, Time: at.Unix()}, Actor: actor, ArrivedAt: arrived,
		})
	}
	return events
}

// A habit is what a person recently did.
type habit struct {
	withdrawals, rising int // lengths of the runs
	lastDeposit         rules.Cents
}

// note adds an event to the habit.
func (h *habit) note(e rules.Event) {
	switch {
	case e.Type == rules.Withdraw:
		h.withdrawals++
		return
	case e.Amount > h.lastDeposit:
		h.rising++
	default:
		h.rising = 1
	}
	h.withdrawals, h.lastDeposit = 0, e.Amount
}

// chooseTypes gives the ordinary events types and amounts that few rules fire on. A run of withdrawals or rising
// deposits seldom gets long.
func (l *Lab) chooseTypes(r *rand.Rand) {
	habits := map[int64]*habit{}
	for i := range l.Events {
		e := &l.Events[i]
		h := habits[e.UserID]
		if h == nil {
			h = &habit{}
			habits[e.UserID] = h
		}
		if e.Amount == undecided {
			careless := chance(r, 4)
			e.Type, e.Amount = rules.Deposit, rules.Cents(200+r.IntN(4300))
			if chance(r, 45) && (careless || h.withdrawals == 0) {
				e.Type = rules.Withdraw
			}
			if e.Type == rules.Deposit && !careless && h.rising > 0 && e.Amount > h.lastDeposit {
				e.Amount = max(50, h.lastDeposit-rules.Cents(r.IntN(200)))
			}
			if e.Type == rules.Deposit && e.Amount < 200 && !careless {
				e.Amount = rules.Cents(2000 + r.IntN(2500)) // a new series begins
			}
		}
		h.note(e.Event)
	}
}

// addIncident adds a short series of events of one person, seconds apart.
func (l *Lab) addIncident(r *rand.Rand) {
	person := l.People[r.IntN(disabledPerson-1)]
	at := l.workingTime(r, days*day, 0).Add(-5 * time.Minute)
	var series []rules.Cents
	var kind rules.Type
	var interval int64
	cents := func(from, to int) rules.Cents { return rules.Cents(100*from + r.IntN(100*(to-from))) }
	switch r.IntN(5) {
	case 0: // large withdrawal
		kind, series = rules.Withdraw, []rules.Cents{cents(205, 600)}
	case 1: // large deposits within half a minute
		kind, interval, series = rules.Deposit, 8, []rules.Cents{cents(90, 120), cents(70, 90), cents(50, 70)}
	case 2: // rising deposits
		kind, interval, series = rules.Deposit, 300, []rules.Cents{1200, 1500, 1950, 2400}
	case 3: // consecutive withdrawals
		kind, interval, series = rules.Withdraw, 200, []rules.Cents{500, 500, 750, 500}
	default: // many events within a minute
		kind, interval, series = rules.Deposit, 7, []rules.Cents{400, 300, 250, 200, 180, 150, 100}
	}
	for i, amount := range series {
		t := at.Add(time.Duration(int64(i)*interval) * time.Second)
		if t.After(l.now) {
			break
		}
		l.Events = append(l.Events, Event{
			UserID: person.ID, Event: rules.Event{Type: kind, Amount: amount, Time: t.Unix()}, Actor: person.Username,
			ArrivedAt: t,
		})
	}
}
