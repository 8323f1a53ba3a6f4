package demo

import "fmt"

// The names and IDs of people and instruments are fixed, so that tests can name them.
const (
	firstPersonID   = 900_001
	firstSiteID     = 11
	firstFreezerID  = 101
	firstComputerID = 201

	freezerCount     = 25
	computersPerSite = 10
)

var personNames = []string{
	"Jane Miller",
	"Harry Osei",
	"Aiko Tanaka",
	"Lucía Fernández",
	"Ingrid Solberg",
	"Peter Novák",
	"Mei Chen",
	"Jane Miller", // another person of that name
	"Ana-Margarida Vasconcelos Figueiredo de Albuquerque Schmidt-Rottluff",
	"Øyvind Müller",
	"Omar Haddad",
	"Harry Osei",
	"Tomás Ribeiro",
	"Zoë Krüger",
	"李娜",
	"Chloé Dubois",
	"", // the username is shown
}

var (
	personRoles = map[int]string{
		1: "admin", 5: "admin",
		2: "operator", 3: "operator", 4: "operator", 6: "operator", 7: "operator", 9: "operator", 11: "operator",
	}
	personRisks = map[int]string{
		2: "high", 9: "high", 13: "high",
		4: "low", 5: "low", 10: "low", 14: "low",
		1: "", 12: "", // none, which counts as medium
	}
	personCountries = []string{"Norway", "Spain", "Norway", "United Kingdom"}
)

// disabledPerson is the number of a person who left the laboratory.
const disabledPerson = 16

func people() []Person {
	all := make([]Person, len(personNames))
	for i, name := range personNames {
		number := i + 1
		username := fmt.Sprintf("technician%d", number)
		risk, known := personRisks[number]
		if !known {
			risk = "medium"
		}
		role, known := personRoles[number]
		if !known {
			role = "viewer"
		}
		all[i] = Person{
			ID: firstPersonID + int64(i), Username: username, DisplayName: optional(name),
			Email: optional(username + "@biobank-north.example"), Country: personCountries[i%len(personCountries)],
			Risk: optional(risk), Role: role, Disabled: number == disabledPerson,
		}
	}
	return all
}

// usernames of those who change the register.
const (
	adminOfNorway = "technician5"
	adminOfSpain  = "technician1"
)

var operators = []string{
	"technician2", "technician3", "technician4", "technician6", "technician7", "technician9", "technician11",
}

func sites() []Site {
	return []Site{
		{
			ID: firstSiteID, Name: "Oslo clinic", Contact: "Ingrid Solberg", Address: "Sjøgata 4, 3. etasje, Oslo",
			Country: "Norway", Postcode: "0150", Manager: adminOfNorway,
		},
		{
			ID: firstSiteID + 1, Name: "Biobank West", Contact: "Øyvind Müller", Address: "2 Harbour Road, Bergen",
			Region: optional("Vestland"), Country: "Norway", Postcode: "5003", Manager: adminOfNorway,
		},
		{
			ID: firstSiteID + 2, Name: "Biobank North", Contact: "Mei Chen", Address: "3 Harbour Road, Tromsø",
			Region: optional("Troms"), Country: "Norway", Postcode: "9008", Manager: adminOfNorway,
		},
		{
			ID: firstSiteID + 3, Name: "Madrid clinic", Contact: "Lucía Fernández",
			Address: "Calle de la Cruz Roja 12, 2.º izquierda, Madrid", Region: optional("Comunidad de Madrid"),
			Country: "Spain", Postcode: "28014", Manager: adminOfSpain,
		},
	}
}

// The first twenty freezers have the same five names at each site. The others are of other kinds.
func freezers() []Freezer {
	others := []string{"LN2 tank 1", "LN2 tank 1", "Minus20-A1", "Minus20-A1", "Cold room, 4 °C"}
	all := make([]Freezer, freezerCount)
	for i := range all {
		all[i] = Freezer{
			ID: firstFreezerID + int64(i), Name: fmt.Sprintf("Minus80-B%d", i%5+1),
			SiteID: firstSiteID + int64(i/5), Operator: operators[i%len(operators)],
		}
		if i >= 20 {
			all[i].Name, all[i].SiteID = others[i-20], firstSiteID+int64(i-20)%4
		}
		if holdsAnyNumber(i) {
			continue
		}
		all[i].Capacity = optional([]int{3, 4, 5, 8}[i%4])
	}
	return all
}

// holdsAnyNumber reports whether a freezer has no capacity. Discarded containers remain counted by their freezer, so
// they come from these.
func holdsAnyNumber(freezer int) bool { return freezer%3 == 0 }

// Ten computers at each site have the same ten names. One in nine has no known MAC address.
func computers() []Computer {
	all := make([]Computer, computersPerSite*len(sites()))
	for i := range all {
		mac := fmt.Sprintf("02:00:00:00:01:%02x", 16+i)
		if i%9 == 8 {
			mac = ""
		}
		all[i] = Computer{
			ID: firstComputerID + int64(i), Name: fmt.Sprintf("Reader %d", i%computersPerSite+1),
			MAC: optional(mac), SiteID: firstSiteID + int64(i/computersPerSite),
		}
	}
	return all
}
