package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"lintel/app/backup"
	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/connectors"
	"lintel/store"
	"lintel/templates/text"
)

// byCommand is the actor of the command line: whoever may open the data folder.
var byCommand = people.Setup("command line")

// openOperations opens the databases of a folder on which no server runs.
func openOperations(ctx context.Context, start Start) (Operations, func() error, error) {
	h, err := openHouse(ctx, start, nil, nil)
	if err != nil {
		return Operations{}, nil, err
	}
	return h.operations(), h.Close, nil
}

// operations are what commands may ask, over the control socket or directly.
func (h *house) operations() Operations {
	return Operations{
		Health:        h.health,
		SetupLink:     h.newSetupLink,
		AddUser:       h.addUser,
		ResetPassword: h.resetPassword,
		ListUsers:     h.listUsers,
		Doctor:        h.doctor,
		ListSystems:   h.listSystems,
		CheckSystem:   h.checkSystem,
		Backup:        h.backup,
	}
}

func (h *house) health(ctx context.Context, _ Nothing) (Health, error) {
	v := Health{
		Version: h.start.Build.Version, PID: os.Getpid(), StartedAt: h.startedAt,
		PortalURL: address(h.portalURL), DeviceURL: address(h.deviceURL),
	}
	if err := h.store.Ping(ctx); err != nil {
		v.Faults = append(v.Faults, "The database does not answer: "+err.Error())
	}
	return v, nil
}

func (h *house) newSetupLink(ctx context.Context, _ Nothing) (SetupLink, error) {
	needs, err := h.people.NeedsSetup(ctx)
	if err != nil {
		return SetupLink{}, err
	}
	if !needs {
		return SetupLink{}, fmt.Errorf("there is an administrator already; `lintel user reset-password` gives one a new password")
	}
	if h.portalURL == nil {
		return SetupLink{}, fmt.Errorf("the server is not running; start it with `lintel serve`, which prints the link")
	}
	token, err := h.people.SetupLink(ctx)
	if err != nil {
		return SetupLink{}, err
	}
	return SetupLink{URL: linkAddress(h.portalURL, "setup", token)}, nil
}

func (h *house) addUser(ctx context.Context, u NewUser) (Credentials, error) {
	building, err := h.findBuilding(ctx, u.Building)
	if err != nil {
		return Credentials{}, err
	}
	password, made := u.Password.Text, Credentials{Login: u.Login, URL: address(h.portalURL)}
	if password.IsZero() {
		password = people.NewPassword()
		made.Password = SentSecret{password}
	}
	name := u.Name
	if name == "" {
		name = u.Login
	}
	_, err = h.people.Create(ctx, byCommand, people.NewAccount{
		Name: name, Email: u.Email, Login: u.Login, Language: u.Language, Password: password,
		Grants: []people.Grant{{Role: people.Role(u.Role), Building: building}},
	})
	return made, err
}

// findBuilding finds a building by name or id; "" is everywhere.
func (h *house) findBuilding(ctx context.Context, nameOrID string) (store.BuildingID, error) {
	if nameOrID == "" {
		return "", nil
	}
	var all []store.Building
	if err := h.store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Buildings()
		return err
	}); err != nil {
		return "", err
	}
	var names []string
	for _, b := range all {
		if string(b.ID) == nameOrID || strings.EqualFold(b.Name, nameOrID) {
			return b.ID, nil
		}
		names = append(names, b.Name)
	}
	return "", fmt.Errorf("there is no building %q; there are: %s", nameOrID, strings.Join(names, ", "))
}

func (h *house) resetPassword(ctx context.Context, r PasswordReset) (Credentials, error) {
	password, made := r.Password.Text, Credentials{Login: r.Login, URL: address(h.portalURL)}
	if password.IsZero() {
		password = people.NewPassword()
		made.Password = SentSecret{password}
	}
	return made, h.people.SetPassword(ctx, byCommand, r.Login, password)
}

func (h *house) listUsers(ctx context.Context, _ Nothing) ([]UserLine, error) {
	accounts, _, err := h.people.List(ctx, byCommand, people.Query{})
	if err != nil {
		return nil, err
	}
	lines := make([]UserLine, 0, len(accounts))
	for _, a := range accounts {
		l := UserLine{Login: a.Login, Name: a.Name, Email: a.Email, Active: a.DisabledAt.IsZero(), LastSeen: a.LastSignIn}
		for _, g := range a.Grants {
			role := g.Role
			if g.Building != "" {
				role += " (one building)"
			}
			l.Roles = append(l.Roles, role)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// doctor looks at the databases, the certificates and, when asked, the booking systems.
func (h *house) doctor(ctx context.Context, req DoctorRequest) ([]Finding, error) {
	found, err := h.findings(ctx, req)
	return inEnglish(found), err
}

func (h *house) findings(ctx context.Context, req DoctorRequest) ([]finding, error) {
	var found []finding
	wrong, err := h.store.Integrity(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(wrong) > 0:
		found = append(found, fail("doctor.check_database", cure("doctor.cure_database_restore"), "doctor.database_damaged", "Said", strings.Join(wrong[:min(3, len(wrong))], "; ")))
	default:
		found = append(found, ok("doctor.check_database", "doctor.database_good"))
	}
	if h.tls != nil {
		found = append(found, h.tls.State().Findings(h.start.Now())...)
	}
	if h.jobs != nil {
		for _, j := range h.jobs.Status() {
			if j.LastErr != "" {
				failed := warn("doctor.check_job", cureBy("doctor.cure_log", readLog), "doctor.job_failed", "Error", j.LastErr)
				failed.Check.Args = []any{"Name", jobName(j.Name)}
				found = append(found, failed)
			}
		}
	}
	look := h.knownOfSystems
	if req.Systems {
		look = h.doctorSystems
	}
	more, err := look(ctx)
	return append(found, more...), err
}

// paused is the finding of a system that has refused the sign-in.
func paused(y store.System) finding {
	return fail("doctor.check_system", cure("doctor.cure_system_paused"), "doctor.system_paused", "Since", y.PausedAt)
}

// doctorSystems connects to every booking system and says in which step it fails. A refused password is not sent again:
// whoever runs this every hour would lock the account out.
func (h *house) doctorSystems(ctx context.Context) ([]finding, error) {
	all, err := h.standings(ctx)
	if err != nil {
		return nil, err
	}
	var found []finding
	add := func(name string, f finding) {
		f.Check.Args = []any{"Name", name}
		found = append(found, f)
	}
	for _, k := range all {
		y := k.System
		if !y.PausedAt.IsZero() {
			add(y.Name, paused(y))
			continue
		}
		report, err := h.calendars.Check(ctx, byCommand, y.ID, calendars.Connection{}, calendars.CheckOptions{})
		if err != nil {
			if p := problem.Of(err); p == nil {
				return found, err
			}
			add(y.Name, fail("doctor.check_system", cured{}, "doctor.system_unchecked", "Error", explain(err)))
			continue
		}
		result := ok("doctor.check_system", "doctor.system_good")
		if i := slices.IndexFunc(report.Steps, func(step connectors.Step) bool { return step.State == connectors.StepWarned }); i >= 0 {
			result = ok("doctor.check_system", "doctor.system_remark", "Step", text.Of(report.Steps[i].Name))
		}
		switch { // of the rooms a check looks at one
		case len(k.Failing) > 0:
			result = k.roomsFail()
		case k.Lost > 0:
			result = k.gaps()
		}
		if !slices.ContainsFunc(report.Steps, func(step connectors.Step) bool { return step.State != connectors.StepSkipped }) {
			result = finding{Level: LevelSkip, Check: text.Of("doctor.check_system"), Text: text.Of("doctor.system_nothing")}
		}
		for _, step := range report.Steps {
			if step.State == connectors.StepFailed {
				what := cured{say: text.Of(step.Cure)}
				if step.Cure == "" {
					what = k.walk()
				}
				result = fail("doctor.check_system", what, "doctor.system_step", "Step", text.Of(step.Name), "Said", step.Said)
				break
			}
		}
		add(y.Name, result)
	}
	return found, nil
}

func (h *house) backup(ctx context.Context, w io.Writer) (BackupResult, error) {
	m, err := backup.Create(ctx, backup.Source{
		Store: h.store, Now: h.start.Now, Version: h.start.Build.Version, Folders: []string{keyFolder, tlsFolder},
	}, w)
	r := BackupResult{CreatedAt: m.CreatedAt, Schema: m.Schema}
	for _, f := range m.Files {
		r.Bytes += f.Size
		r.HasKey = r.HasKey || f.Name == keyFolder+"/"+keyName
	}
	return r, err
}
