package web

import (
	"lintel/app/people"
	"lintel/templates"
)

// route is one address of the portal. Who may use it stands with it; without that New refuses it. A
// permission is asked for in any building here, and by the service for the very one.
type route struct {
	method, pattern string
	need            people.Permission
	do              handler
}

// Besides permissions, a route is for one of these.
const (
	open     people.Permission = -1 // anybody; who asks is not looked at
	public   people.Permission = -2 // anybody, signed in or not
	signedIn people.Permission = -3 // every account, also one without a role
)

// routes lists every address of the portal.
func (s *Server) routes() []route {
	const (
		see, book                                = people.SeeRooms, people.Book
		managePlaces, manageDisplays             = people.ManagePlaces, people.ManageDisplays
		manageSystems, managePeople, manageHouse = people.ManageSystems, people.ManagePeople, people.ManageSystem
		get, post, put                           = "GET", "POST", "PUT"
	)
	return []route{
		// The program itself.
		{get, "/healthz", open, s.healthz},
		{get, "/readyz", open, s.readyz},
		{get, "/static/", open, s.asset},
		{get, eventsPath, signedIn, s.events},
		{"", "/", public, s.nothing},

		// Coming in.
		{get, "/{$}", public, s.home},
		{get, "/sign-in", public, s.signInForm},
		{post, "/sign-in", public, s.signIn},
		{post, "/sign-out", signedIn, s.signOut},
		{get, "/sign-in/link", public, s.signInLink},
		{post, "/sign-in/link", public, s.useSignInLink},
		{get, "/password/{token}", public, s.passwordForm},
		{post, "/password/{token}", public, s.setPassword},

		// The first start.
		{get, "/setup", public, s.setup},
		{get, "/setup/administrator", public, s.setup},
		{post, "/setup/administrator", public, s.setupAdministrator},
		{get, "/setup/organisation", manageHouse, s.setupOrganisation},
		{post, "/setup/organisation", manageHouse, s.saveSetupOrganisation},
		{get, "/setup/system", manageHouse, s.setupSystem},
		{post, "/setup/system", manageHouse, s.saveSetupSystem},
		{get, "/setup/rooms", manageHouse, s.setupRooms},
		{post, "/setup/rooms", manageHouse, s.saveSetupRooms},
		{get, "/setup/display", manageHouse, s.setupDisplay},
		{post, "/setup/display", manageHouse, s.saveSetupDisplay},
		{get, "/setup/done", manageHouse, s.setupDone},

		// Rooms and bookings.
		{get, "/today", see, s.today},
		{get, "/rooms/{id}", see, s.room},
		{get, "/rooms/{id}/displays/{display}/{picture}", see, s.roomPicture},
		{get, "/bookings", see, s.bookingsPage},
		{get, "/bookings/mine", see, s.ownBookings},
		{get, "/bookings/new", book, s.newBooking},
		{post, "/bookings", book, s.createBooking},
		{get, "/bookings/{id}", see, s.booking},
		{get, "/bookings/{id}/edit", book, s.editBooking},
		{post, "/bookings/{id}", book, s.changeBooking},
		{post, "/bookings/{id}/end", book, s.endBooking},
		{post, "/bookings/{id}/extend", book, s.extendBooking},
		{get, "/bookings/{id}/cancel", book, s.askCancel},
		{post, "/bookings/{id}/cancel", book, s.cancelBooking},
		{post, "/bookings/{id}/restore", book, s.restoreBooking},

		// Displays.
		{get, "/displays", manageDisplays, s.displaysPage},
		{get, "/displays.csv", manageDisplays, s.displaysCSV},
		{post, "/displays/approve", manageDisplays, s.approveDisplay},
		{get, "/displays/new", manageDisplays, s.newDisplay},
		{post, "/displays", manageDisplays, s.addDisplay},
		{get, "/displays/{id}", manageDisplays, s.display},
		{post, "/displays/{id}", manageDisplays, s.saveDisplay},
		{get, "/displays/{id}/{picture}", manageDisplays, s.displayPicture},
		{get, "/displays/{id}/refuse", manageDisplays, s.askRefuseDisplay},
		{post, "/displays/{id}/refuse", manageDisplays, s.refuseDisplay},
		{get, "/displays/{id}/key", manageDisplays, s.askRenewKey},
		{post, "/displays/{id}/key", manageDisplays, s.renewKey},
		{post, "/displays/{id}/reenrol", manageDisplays, s.reenrolDisplay},
		{get, "/displays/{id}/remove", manageDisplays, s.askRemoveDisplay},
		{post, "/displays/{id}/remove", manageDisplays, s.removeDisplay},
		{post, "/displays/{id}/restore", manageDisplays, s.restoreDisplay},

		// Places.
		{get, placesPath, managePlaces, s.placesPage},
		{post, placesPath + "/organisation", manageHouse, s.saveOrganisation},
		{post, placesPath + "/restore", managePlaces, s.restorePlace},
		{get, placesPath + "/buildings/new", managePlaces, s.newBuilding},
		{post, placesPath + "/buildings", managePlaces, s.createBuilding},
		{get, placesPath + "/buildings/{id}", managePlaces, s.editBuilding},
		{post, placesPath + "/buildings/{id}", managePlaces, s.changeBuilding},
		{get, placesPath + "/buildings/{id}/delete", managePlaces, s.askDelete(buildingRef)},
		{post, placesPath + "/buildings/{id}/delete", managePlaces, s.deletePlace(buildingRef)},
		{get, placesPath + "/buildings/{id}/hours/new", managePlaces, s.newHours},
		{post, placesPath + "/buildings/{id}/hours", managePlaces, s.saveHours},
		{get, placesPath + "/buildings/{id}/hours/{period}", managePlaces, s.editHours},
		{post, placesPath + "/buildings/{id}/hours/{period}", managePlaces, s.saveHours},
		{get, placesPath + "/buildings/{id}/hours/{period}/delete", managePlaces, s.askDeleteHours},
		{post, placesPath + "/buildings/{id}/hours/{period}/delete", managePlaces, s.deleteHours},
		{get, placesPath + "/buildings/{id}/floors/new", managePlaces, s.newFloor},
		{post, placesPath + "/buildings/{id}/floors", managePlaces, s.createFloor},
		{get, placesPath + "/floors/{id}", managePlaces, s.editFloor},
		{post, placesPath + "/floors/{id}", managePlaces, s.changeFloor},
		{get, placesPath + "/floors/{id}/delete", managePlaces, s.askDelete(floorRef)},
		{post, placesPath + "/floors/{id}/delete", managePlaces, s.deletePlace(floorRef)},
		{get, roomsPath, managePlaces, s.roomsPage},
		{get, roomsPath + ".csv", managePlaces, s.roomsCSV},
		{get, roomsPath + "/new", managePlaces, s.newRoom},
		{get, roomsPath + "/import", managePlaces, s.importForm},
		{post, roomsPath + "/import", managePlaces, s.importRooms},
		{post, roomsPath, managePlaces, s.createRoom},
		{get, roomsPath + "/{id}", managePlaces, s.editRoom},
		{post, roomsPath + "/{id}", managePlaces, s.changeRoom},
		{get, roomsPath + "/{id}/delete", managePlaces, s.askDelete(workspaceRef)},
		{post, roomsPath + "/{id}/delete", managePlaces, s.deletePlace(workspaceRef)},

		// Booking systems.
		{get, systemsPath, manageSystems, s.systemsPage},
		{get, systemsPath + "/new", manageSystems, s.newSystem},
		{post, systemsPath, manageSystems, s.connectSystem},
		{get, systemsPath + "/{id}", manageSystems, s.system},
		{get, systemsPath + "/{id}/card", manageSystems, s.systemCardPart},
		{get, systemsPath + "/{id}/edit", manageSystems, s.editSystem},
		{post, systemsPath + "/{id}/edit", manageSystems, s.saveSystem},
		{post, systemsPath + "/{id}/check", manageSystems, s.checkSystem},
		{get, systemsPath + "/{id}/write", manageSystems, s.askWriteTest},
		{post, systemsPath + "/{id}/write", manageSystems, s.writeTest},
		{get, systemsPath + "/{id}/certificate/{file}", manageSystems, s.certificateFile},
		{post, systemsPath + "/{id}/successor", manageSystems, s.makeSuccessor},
		{post, systemsPath + "/{id}/successor/try", manageSystems, s.trySuccessor},
		{get, systemsPath + "/{id}/successor/use", manageSystems, s.askSuccessor(templates.UseSuccessorPage)},
		{post, systemsPath + "/{id}/successor/use", manageSystems, s.useSuccessor},
		{get, systemsPath + "/{id}/successor/drop", manageSystems, s.askSuccessor(templates.DropSuccessorPage)},
		{post, systemsPath + "/{id}/successor/drop", manageSystems, s.dropSuccessor},
		{post, systemsPath + "/{id}/rooms", manageSystems, s.attachRooms},
		{post, systemsPath + "/{id}/rooms/{room}/detach", manageSystems, s.detachRoom},
		{get, systemsPath + "/{id}/delete", manageSystems, s.askDeleteSystem},
		{post, systemsPath + "/{id}/delete", manageSystems, s.deleteSystem},

		// Programs with an access key, and the keys.
		{get, connectorPath, open, s.program(people.UseConnector, s.connectorRooms)},
		{get, connectorMeetings, open, s.program(people.UseConnector, s.connectorAgenda)},
		{post, connectorMeetings, open, s.program(people.UseConnector, s.connectorBook)},
		{put, connectorMeetings + "/{meeting}", open, s.program(people.UseConnector, s.connectorChange)},
		{get, pushRoomsPath, open, s.program(people.UsePush, s.pushRooms)},
		{put, pushEventsPath, open, s.program(people.UsePush, s.pushRoomEvents)},
		{"", "/connector/", open, s.programNothing},
		{"", "/api/", open, s.programNothing},
		{get, keysPath, manageSystems, s.keysPage},
		{get, keysPath + "/new", manageSystems, s.newKey},
		{post, keysPath, manageSystems, s.createKey},
		{get, keysPath + "/{id}/revoke", manageSystems, s.askRevokeKey},
		{post, keysPath + "/{id}/revoke", manageSystems, s.revokeKey},

		// People, one's own account, the program.
		{get, peoplePath, managePeople, s.peoplePage},
		{get, peoplePath + ".csv", managePeople, s.peopleCSV},
		{get, peoplePath + "/new", managePeople, s.newPerson},
		{post, peoplePath, managePeople, s.createPerson},
		{get, peoplePath + "/{id}", managePeople, s.person},
		{post, peoplePath + "/{id}", managePeople, s.savePerson},
		{post, peoplePath + "/{id}/roles", managePeople, s.saveRoles},
		{post, peoplePath + "/{id}/reset", managePeople, s.resetPerson},
		{get, peoplePath + "/{id}/disable", managePeople, s.askDisable},
		{post, peoplePath + "/{id}/disable", managePeople, s.disablePerson},
		{get, "/account", signedIn, s.accountPage},
		{post, "/account/password", signedIn, s.changePassword},
		{post, "/account/choices", signedIn, s.saveChoices},
		{post, "/account/language", signedIn, s.chooseLanguage},
		{post, "/account/theme", signedIn, s.chooseTheme},
		{post, "/account/sessions/{id}/end", signedIn, s.endSession},
		{get, auditPath, people.SeeAudit, s.auditPage},
		{get, auditPath + ".csv", people.SeeAudit, s.auditCSV},
		{get, "/settings/system", people.SeeSystem, s.systemPage},
		{get, expiriesPath, people.SeeSystem, s.expiriesPage},
		{get, "/settings/system/root.pem", people.SeeSystem, s.rootCertificate},
	}
}
