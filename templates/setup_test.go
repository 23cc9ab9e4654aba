package templates

import (
	"github.com/a-h/templ"

	"lintel/templates/ui"
)

func setupSamples() []sample {
	page := func(name string, page func(ui.Shell) templ.Component) sample {
		return sample{name: name, page: page, bare: true}
	}
	at := func(here string) SetupProgress {
		p := SetupProgress{Here: here, State: map[string]ui.StepState{}}
		for _, step := range SetupSteps() {
			if step == here {
				break
			}
			p.State[step] = ui.Done
		}
		return p
	}
	skipped := at(SetupStepRooms)
	skipped.State[SetupStepSystem] = ui.Skipped
	floors := []ui.Option{{Value: "g", Label: "Ground floor"}}
	return []sample{
		page("setup-administrator", func(sh ui.Shell) templ.Component {
			return SetupAdministratorPage(sh, SetupAdministrator{Progress: at(SetupStepAdministrator), Token: "t"})
		}),
		page("setup-organisation", func(sh ui.Shell) templ.Component {
			return SetupOrganisationPage(sh, SetupOrganisation{Progress: at(SetupStepOrganisation), Building: BuildingForm{Zones: zoneOptions(), Weekdays: []int{1, 2, 3, 4, 5}, Opens: "08:00", Closes: "18:00"}})
		}),
		page("setup-system", func(sh ui.Shell) templ.Component {
			return SetupSystemPage(sh, SetupSystem{Progress: at(SetupStepSystem), Groups: []KindGroup{{Title: "Calendar servers", Kinds: []string{"ews", "caldav"}}, {Title: "Without", Kinds: []string{KindHosted}}}})
		}),
		page("setup-system-caldav", func(sh ui.Shell) templ.Component {
			return SetupSystemPage(sh, SetupSystem{Progress: at(SetupStepSystem), Kind: "caldav", System: SystemForm{Kind: "caldav", Name: "Nextcloud", Steps: sampleSteps()}})
		}),
		page("setup-system-certificate", func(sh ui.Shell) templ.Component {
			return SetupSystemPage(sh, SetupSystem{Progress: at(SetupStepSystem), Kind: "graph", Connected: sampleCertificate(false), System: SystemForm{Steps: sampleSteps()}})
		}),
		page("setup-system-hosted", func(sh ui.Shell) templ.Component {
			return SetupSystemPage(sh, SetupSystem{Progress: at(SetupStepSystem), Kind: KindHosted})
		}),
		page("setup-rooms", func(sh ui.Shell) templ.Component {
			return SetupRoomsPage(sh, SetupRooms{Progress: skipped, Way: WayType, FloorName: "Ground floor"})
		}),
		page("setup-rooms-system", func(sh ui.Shell) templ.Component {
			return SetupRoomsPage(sh, SetupRooms{Progress: at(SetupStepRooms), Way: WaySystem, HasSystem: true, Made: 2, Import: RoomImport{Floors: floors}, Calendars: []Calendar{{Name: "Aare", Address: "/calendars/aare/", Writable: true, Room: RoomMake}}})
		}),
		page("setup-rooms-none", func(sh ui.Shell) templ.Component {
			return SetupRoomsPage(sh, SetupRooms{Progress: at(SetupStepRooms), Way: WaySystem, HasSystem: true, Said: "The server did not answer."})
		}),
		page("setup-rooms-csv", func(sh ui.Shell) templ.Component {
			return SetupRoomsPage(sh, SetupRooms{Progress: at(SetupStepRooms), Way: WayCSV, Import: RoomImport{Floors: floors}})
		}),
		page("setup-display", func(sh ui.Shell) templ.Component {
			return SetupDisplayPage(sh, SetupDisplay{Progress: at(SetupStepDisplay), DeviceURL: "https://rooms.example.com:8443", PanelURL: "https://rooms.example.com:8443/panel", Approve: ApproveForm{Rooms: roomOptions()}, Pending: []PendingDisplay{{What: "TRMNL 800 × 480", Address: "10.0.4.17", Since: "just now"}}})
		}),
		page("setup-pending", func(sh ui.Shell) templ.Component { return SetupPending(sh, SetupDisplay{}) }),
		page("setup-approved", func(sh ui.Shell) templ.Component {
			return SetupDisplayPage(sh, SetupDisplay{Progress: at(SetupStepDisplay), Approved: &RoomDisplay{Name: "Door Matterhorn", Picture: "/static/door.png"}})
		}),
		page("setup-approved-panel", func(sh ui.Shell) templ.Component {
			return SetupDisplayPage(sh, SetupDisplay{Progress: at(SetupStepDisplay), Approved: &RoomDisplay{Name: "Tablet Eiger", Panel: true}})
		}),
		page("setup-done", func(sh ui.Shell) templ.Component {
			return SetupDonePage(sh, SetupDone{Progress: at(SetupStepDone), Room: "Matterhorn", RoomID: "matterhorn", Picture: "/static/door.png", Facts: []ui.Fact{{Key: "Rooms", Value: "12"}, {Key: "Booking system", Value: "Nextcloud"}, {Key: "Displays", Value: "1"}}})
		}),
	}
}
