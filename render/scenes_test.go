package render

import "fmt"

// The scenes of the golden pictures.

func freeScene() Scene {
	return Scene{
		Template: Day, State: Free, Room: "Säntis", StateWord: "Free", Until: "until 16:30",
		Facts: []string{"6 seats", "Screen, whiteboard"}, NextTitle: "Next", DateLabel: "Sat 21 Nov",
		Next: []Row{{"16:30 – 17:30", "Design review"}, {"17:30 – 18:00", "Private"}},
		More: "+{n} more", NextEmpty: "Nothing else today",
		Bar: Bar{
			From: 480, To: 1080, Ticks: ticks(480, 1080, 120, "%d"),
			Busy: []Span{{480, 555}, {990, 1050}, {1050, 1080}}, Present: Span{555, 990},
		},
		QR: "https://rooms.example.com/r/7f3k92", QRHint: "Scan to book",
	}
}

// ticks labels every step minutes with the hour.
func ticks(from, to, step int, format string) []Tick {
	var out []Tick
	for at := from; at <= to; at += step {
		out = append(out, Tick{at, fmt.Sprintf(format, at/60)})
	}
	return out
}

func busyScene() Scene {
	s := freeScene()
	s.State, s.Room, s.StateWord, s.Until = Busy, "Matterhorn", "Busy", "until 15:00, then booked"
	s.Subject, s.Detail = "Quarterly planning", "Anna Keller · since 13:00"
	s.Bar.Busy = []Span{{540, 630}, {780, 900}, {900, 930}, {930, 990}, {1020, 1080}}
	s.Bar.Present = Span{780, 900}
	s.Next = []Row{{"15:00 – 15:30", "Sales stand-up"}, {"15:30 – 16:30", "Supplier visit: Müller & Söhne AG, Zürich"}, {"17:00 – 18:00", "Private"}}
	s.QRHint = ""
	return s
}

func soonScene() Scene {
	s := freeScene()
	s.State, s.Room, s.StateWord, s.Until = Soon, "Rigi", "Soon", "14:15 – 15:15"
	s.Subject, s.Detail = "Private", "Starts in a moment"
	s.Bar.Busy, s.Bar.Present = []Span{{855, 915}, {960, 1020}}, Span{840, 855}
	s.Next = []Row{{"14:15 – 15:15", "Private"}, {"16:00 – 17:00", "1:1"}}
	return s
}

func unknownScene() Scene {
	s := freeScene()
	s.State, s.StateWord, s.Until = Unknown, "Unknown", "No answer from the booking system"
	s.Bar.Present, s.Bar.Busy, s.Next, s.NextEmpty = Span{}, nil, nil, ""
	return s
}

func twelveScene() Scene {
	s := busyScene()
	s.Subject = "Steering committee: budget 2027 and head count"
	s.Detail = "Bartholomäus von Graffenried-Oberhofer · since 08:00"
	s.Next, s.Bar.Busy = nil, []Span{{480, 520}}
	s.Until, s.Bar.Present = "until 08:40, then booked", Span{480, 520}
	subjects := []string{
		"Sales stand-up", "Supplier visit: Müller & Söhne AG, Zürich", "Private", "Interview (second round), backend engineer",
		"Release go/no-go", "1:1 Ana / Børge", "Überprüfung der Sicherheitskonzepte", "Lunch talk: e-paper", "Retrospective", "Board call",
		"Architecture forum", "Clean-up",
	}
	for i, t := range subjects {
		from := 525 + i*45
		s.Bar.Busy = append(s.Bar.Busy, Span{from, from + 40})
		s.Next = append(s.Next, Row{fmt.Sprintf("%02d:%02d – %02d:%02d", from/60, from%60, (from+40)/60, (from+40)%60), t})
	}
	s.AsOf, s.LowBattery, s.QRHint = "as of 08:12", "Battery low", "Scan to check in"
	return s
}

func longScene() Scene {
	s := busyScene()
	s.Room = "Konferenzraum Generaldirektion Obergeschoss Süd (Alpenblick)"
	s.Subject = "Quarterly business review with all regional managing directors"
	s.Next[0].Title = "Vorbereitungssitzung Jahresabschlusskonferenz Geschäftsleitung"
	s.Next[1].Title = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
	return s
}

func weekScene(days int) Scene {
	s := busyScene()
	s.Template = Week
	s.Next, s.Bar, s.Subject, s.Detail = nil, Bar{Present: s.Bar.Present}, "Quarterly planning", ""
	s.DateLabel = "November"
	labels := []string{"Mon 16", "Tue 17", "Wed 18", "Thu 19", "Fri 20", "Sat 21", "Sun 22"}
	w := WeekGrid{From: 480, To: 1080, Hours: ticks(480, 1080, 60, "%d")}
	for i, l := range labels[:days] {
		d := WeekDay{Label: l, Today: i == 2}
		d.Events = []Event{{Span{540 + 15*i, 630}, "Sales stand-up"}, {Span{780, 900}, "Quarterly planning"}}
		switch i {
		case 0:
			d.AllDay = []string{"Board visit"}
			d.Events = append(d.Events, Event{Span{420, 470}, "Early"}, Event{Span{1050, 1200}, "Apéro"})
		case 2:
			d.Events = append(d.Events, Event{Span{900, 930}, "1:1"}, Event{Span{930, 990}, "Supplier visit: Müller & Söhne"})
		case 3:
			d.Events = []Event{{Span{480, 720}, "Workshop"}, {Span{540, 600}, "Interview"}, {Span{600, 660}, "Interview 2"}, {Span{960, 1080}, "Private"}}
		case 4:
			d.AllDay = []string{"Cleaning", "Painting", "Third"}
			d.Events = nil
		}
		w.Days = append(w.Days, d)
	}
	s.Week = w
	return s
}

func claimScene() Scene {
	return Scene{
		Template: Claim, Title: "New display", Code: "7F3K-92",
		Lines: []string{"Enter this code under Displays in Lintel", "https://rooms.example.com/displays"},
	}
}

func messageScene() Scene {
	return Scene{
		Template: Message, Title: "Out of service", Room: "Matterhorn",
		Body: "The projector is being replaced. Please use Rigi or Pilatus on the second floor until Wednesday.",
	}
}

func unassignedScene() Scene {
	return Scene{
		Template: Unassigned, Title: "Not assigned", Body: "This display belongs to no room yet.",
		Lines: []string{"Choose a room under Displays", "AA:BB:CC:00:11:22"}, LowBattery: "Battery low",
	}
}

func neutralScene() Scene {
	s := Scene{
		Template: Neutral, Room: "Säntis", Title: "No current information",
		Body: "The booking system has not answered since Friday. Please ask at the reception.",
	}
	s.QR, s.QRHint = "https://rooms.example.com/r/7f3k92", "Agenda of this room"
	return s
}

func hebrewScene() Scene {
	s := busyScene()
	s.Room, s.Subject, s.Detail = "חדר ישיבות", "סקירה רבעונית 2026 (צוות)", "דנה לוי · since 13:00"
	s.Next = []Row{{"15:00 – 15:30", "פגישת צוות Go 1.26"}, {"15:30 – 16:30", "שָׁלוֹם עולם 14:00"}, {"17:00 – 18:00", "Team צוות 14:00 sync"}}
	return s
}

func arabicScene() Scene {
	s := busyScene()
	s.Room, s.Subject, s.Detail = "قاعة الاجتماعات", "مراجعة الربع الأخير مع جميع المدراء الإقليميين للشركة", "ليلى حداد · since 13:00"
	s.Next = []Row{{"15:00 – 15:30", "اجتماع الفريق"}, {"15:30 – 16:30", "مُحَمَّد علي: عرض 2026"}, {"17:00 – 18:00", "Sync مع الفريق 14:00 (Zürich)"}}
	return s
}

func mixedScene() Scene {
	s := busyScene()
	s.Room, s.Subject, s.Detail = "Αίθουσα Αθηνά", "Квартальное планирование", "Ιωάννης Παπαδόπουλος · since 13:00"
	s.Next = []Row{{"15:00 – 15:30", "🎉 Party 🎉"}, {"15:30 – 16:30", "Nguyễn Thị Ánh: Kế hoạch"}, {"17:00 – 18:00", "Cafe\u0301 Zürich – Łódź"}, {"18:00 – 19:00", "会議 42"}}
	return s
}
