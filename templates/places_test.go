package templates

import (
	"github.com/a-h/templ"

	"lintel/templates/ui"
)

func placesSamples() []sample {
	floors := []ui.Option{{Value: "g", Label: "Ground floor", Group: "Zürich office"}, {Value: "1", Label: "First floor", Group: "Zürich office"}}
	gone := []Deleted{
		{Name: "Rigi", What: "Room · Zürich office · Ground floor", Said: "Deleted by A. Keller, 3 h ago", Until: "21 Dec 2026", Action: "/settings/places/restore", Field: "room", ID: "rigi"},
		{Name: "Genf", What: "Building", Said: "Deleted 2 days ago", Until: "19 Dec 2026", Action: "/settings/places/restore", Field: "building", ID: "ge"},
	}
	places := Places{MayOrganise: true, Deleted: gone, Organisation: OrganisationForm{Name: "Example AG", Language: "de"}, Buildings: []PlaceBuilding{
		{ID: "zh", Name: "Zürich office", Address: "Seestrasse 12, 8002 Zürich", Zone: "Europe/Zurich", Hours: "Mon – Fri, 08:00 – 18:00", Rooms: 8, MayEdit: true, Floors: []PlaceFloor{{ID: "g", Name: "Ground floor", Rooms: 6}, {ID: "1", Name: "First floor", Rooms: 2}}},
		{ID: "be", Name: "Bern", Zone: "Europe/Zurich"},
	}}
	building := BuildingForm{ID: "zh", Name: "Zürich office", Street: "Seestrasse 12", Postcode: "8002", City: "Zürich", Country: "Switzerland", Zone: "Europe/Zurich", Zones: zoneOptions(), Language: "de", Weekdays: []int{1, 2, 3, 4, 5}, Periods: []HoursPeriod{
		{N: "1", Summary: []string{"Mon – Fri 08:00 – 18:00"}, Current: true},
		{N: "2", ValidFrom: "2026-12-24", ValidTo: "2027-01-03", Summary: []string{"closed"}},
		{N: "3", ValidFrom: "2027-07-01", Summary: []string{"Mon – Thu 07:00 – 19:00", "Fri 07:00 – 16:00"}},
	}}
	fresh := BuildingForm{Zones: zoneOptions(), Weekdays: []int{1, 2, 3, 4, 5}, Opens: "08:00", Closes: "18:00", Errors: ui.Errors{"name": "Enter a name.", "closes": "It closes before it opens. Enter a later time."}}
	hours := HoursForm{BuildingID: "zh", Building: "Zürich office", Period: HoursPeriod{N: "1", ValidTo: "2026-12-23"}}
	for i := range 5 {
		hours.Period.Days[i] = HoursDay{Opens: "08:00", Closes: "18:00"}
	}
	hours.Period.Days[5] = HoursDay{Opens: "09:00", Error: "Enter when it closes."}
	rooms := func(sh ui.Shell) Rooms {
		return Rooms{Deleted: gone[:1], Table: ui.Table{ID: "room-list", Caption: sh.T("places.list"), Path: "/settings/places/rooms", SearchLabel: sh.T("places.search_rooms"), Columns: RoomTableColumns(sh.Printer), Sort: "name", Total: sh.N("places.rooms_count", 3), CSV: "/settings/places/rooms.csv"}, Rows: []RoomRow{
			{ID: "matterhorn", Name: "Matterhorn", Kind: "room", Place: "Zürich office, Ground floor", Seats: 12, Equip: "screen, whiteboard", Source: "Nextcloud", Displays: 1, Bookable: true, Subject: true},
			{ID: "saentis", Name: "Säntis", Kind: "room", Place: "Zürich office, Ground floor", Seats: 6, Bookable: true},
			{ID: "p1", Name: "P 01", Kind: "parking", Place: "Zürich office, Garage", Subject: true},
		}}
	}
	room := RoomForm{ID: "matterhorn", Name: "Matterhorn", Kind: "room", Floor: "g", Floors: floors, Seats: "12", Equipment: "screen, whiteboard", ShowSubject: true, ShowOrganizer: true, Bookable: true}
	imported := RoomImport{Floor: "g", Floors: floors, CSV: "name,floor,seats\nMatterhorn,Ground floor,12\n,Ground floor,x", Good: 1, Lines: []ImportLine{{N: 2, Name: "Matterhorn", Floor: "Ground floor", Seats: "12"}, {N: 3, Floor: "Ground floor", Seats: "x", Error: "This line has no name."}}}
	one := func(name string, page func(ui.Shell) templ.Component) sample { return sample{name: name, page: page} }
	return []sample{
		one("places", func(sh ui.Shell) templ.Component { return PlacesPage(sh, places) }),
		one("places-empty", func(sh ui.Shell) templ.Component {
			return PlacesPage(sh, Places{MayOrganise: true, Organisation: OrganisationForm{Errors: ui.Errors{"name": "Enter a name."}}})
		}),
		one("building", func(sh ui.Shell) templ.Component { return BuildingPage(sh, building) }),
		one("building-new", func(sh ui.Shell) templ.Component { return BuildingPage(sh, fresh) }),
		one("hours", func(sh ui.Shell) templ.Component { return HoursPage(sh, hours) }),
		one("hours-delete", func(sh ui.Shell) templ.Component { return DeleteHoursPage(sh, hours) }),
		one("hours-new", func(sh ui.Shell) templ.Component {
			return HoursPage(sh, HoursForm{BuildingID: "zh", Building: "Zürich office", Errors: ui.Errors{"": "Something is not right yet."}})
		}),
		one("floor", func(sh ui.Shell) templ.Component {
			return FloorPage(sh, FloorForm{ID: "g", BuildingID: "zh", Building: "Zürich office", Name: "Ground floor", Level: "0"})
		}),
		one("floor-new", func(sh ui.Shell) templ.Component {
			return FloorPage(sh, FloorForm{BuildingID: "zh", Building: "Zürich office", Errors: ui.Errors{"name": "Enter a name."}})
		}),
		one("place-delete", func(sh ui.Shell) templ.Component {
			return DeletePlacePage(sh, Delete{What: "building", Name: "Zürich office", Action: "/settings/places/buildings/zh/delete", Back: "/settings/places/buildings/zh", Days: 30, Goes: []ui.Fact{{Key: "Floors", Value: "2"}, {Key: "Rooms", Value: "8"}, {Key: "Bookings ahead", Value: "31"}}})
		}),
		one("floor-delete", func(sh ui.Shell) templ.Component {
			return DeletePlacePage(sh, Delete{What: "floor", Name: "Ground floor", Days: 1, Action: "/x", Back: "/y"})
		}),
		one("room-delete", func(sh ui.Shell) templ.Component {
			return DeletePlacePage(sh, Delete{What: "room", Name: "Rigi", Days: 30, Action: "/x", Back: "/y"})
		}),
		one("rooms", func(sh ui.Shell) templ.Component { return RoomsPage(sh, rooms(sh)) }),
		one("rooms-empty", func(sh ui.Shell) templ.Component { return RoomsPage(sh, Rooms{None: true}) }),
		one("room-edit", func(sh ui.Shell) templ.Component { return RoomFormPage(sh, room) }),
		one("room-new", func(sh ui.Shell) templ.Component {
			return RoomFormPage(sh, RoomForm{Floors: floors, Bookable: true, Errors: ui.Errors{"name": "Another room on this floor has this name. Choose another."}})
		}),
		one("room-import", func(sh ui.Shell) templ.Component { return RoomImportPage(sh, RoomImport{Floors: floors}) }),
		one("room-import-read", func(sh ui.Shell) templ.Component { return RoomImportPage(sh, imported) }),
	}
}

func zoneOptions() []ui.Option {
	return []ui.Option{{Value: "Europe/Berlin", Label: "Europe/Berlin"}, {Value: "Europe/Zurich", Label: "Europe/Zurich"}, {Value: "UTC", Label: "UTC"}}
}
