package people

import (
	"context"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
)

// What is answered to an actor of the wrong kind, and for an account that is not there.
var (
	errForbidden = problem.New(problem.Forbidden, "people.forbidden")
	errNoAccount = problem.New(problem.NotFound, "people.no_account")
)

// NewAccount is an account to be made.
type NewAccount struct {
	Name     string
	Email    string // may be empty
	Login    string
	Language string      // "" = the browser's
	Password secret.Text // empty: none is set; the owner gets a reset link
	Grants   []Grant
}

// Create makes an account. The person with that address gets it, if there is one already. A problem
// blames the field: name, email, login, password, roles.
func (s *Service) Create(ctx context.Context, by Actor, n NewAccount) (a store.Account, err error) {
	if err := mayManage(by, n.Grants); err != nil {
		return a, err
	}
	hash, err := s.prepare(ctx, &n)
	if err != nil {
		return a, err
	}
	err = s.st.Update(ctx, func(tx *store.Tx) error {
		a, err = create(tx, by, n, hash)
		return err
	})
	return a, err
}

// Check trims and checks what was typed, all at once. Problems blame the fields: name, email, login, and password if there is one.
func (n *NewAccount) Check() error {
	details := checkDetails(&n.Name, &n.Email, &n.Login)
	if n.Password.IsZero() {
		return details
	}
	return problem.Join(details, CheckPassword("password", n.Password, n.Login, n.Email, n.Name))
}

// prepare checks what was typed, and hashes the password if there is one.
func (s *Service) prepare(ctx context.Context, n *NewAccount) (hash string, err error) {
	if err := n.Check(); err != nil || n.Password.IsZero() {
		return "", err
	}
	return s.hash.make(ctx, n.Password.Reveal())
}

func create(tx *store.Tx, by Actor, n NewAccount, hash string) (store.Account, error) {
	if err := checkGrants(tx, n.Grants); err != nil {
		return store.Account{}, err
	}
	person, err := tx.PersonForAccount(n.Name, n.Email)
	if err != nil {
		return store.Account{}, taken(err, "email", "people.email_taken")
	}
	a := store.Account{ID: store.NewID[store.AccountID](), Person: person, Login: n.Login, Language: n.Language, Grants: rows(n.Grants)}
	if err := tx.CreateAccount(a, hash); err != nil {
		return a, taken(err, "login", "people.login_taken")
	}
	if err := by.Record(tx, "account.create", "account", string(a.ID), "roles", words(n.Grants)); err != nil {
		return a, err
	}
	return tx.Account(a.ID)
}

func taken(err error, field, key string) error {
	if errors.Is(err, store.ErrDuplicate) {
		p := problem.New(problem.Conflict, key).Because(err)
		p.Fields = map[string]string{field: key}
		return p
	}
	return err
}

// Details are what an administrator may correct in an account.
type Details struct {
	Name, Email, Login string
	Language           string // "" = the browser's
}

// Edit changes an account's details.
func (s *Service) Edit(ctx context.Context, by Actor, id store.AccountID, d Details) error {
	if err := checkDetails(&d.Name, &d.Email, &d.Login); err != nil {
		return err
	}
	return s.st.Update(ctx, func(tx *store.Tx) error {
		a, err := s.managed(tx, by, id)
		if err != nil {
			return err
		}
		if err := tx.SetPerson(a.Person, d.Name, d.Email); err != nil {
			return taken(err, "email", "people.email_taken")
		}
		if err := tx.SetLogin(id, d.Login); err != nil {
			return taken(err, "login", "people.login_taken")
		}
		if err := tx.SetAccountChoices(id, d.Language, a.Theme); err != nil {
			return err
		}
		return by.Record(tx, "account.edit", "account", string(id))
	})
}

// managed returns an account that the actor may manage.
func (s *Service) managed(tx *store.Tx, by Actor, id store.AccountID) (store.Account, error) {
	a, err := tx.Account(id)
	if errors.Is(err, store.ErrNotFound) {
		return a, errNoAccount
	}
	if err != nil {
		return a, err
	}
	return a, mayManage(by, GrantsOf(a))
}

// SetDisabled disables an account, which ends its sessions, or enables it again. The last administrator
// stays: people.last_administrator.
func (s *Service) SetDisabled(ctx context.Context, by Actor, id store.AccountID, disabled bool) error {
	return s.st.Update(ctx, func(tx *store.Tx) error {
		if _, err := s.managed(tx, by, id); err != nil {
			return err
		}
		action := "account.enable"
		if disabled {
			action = "account.disable"
		}
		return keepAdministrator(tx, func() error {
			if err := tx.SetAccountDisabled(id, disabled); err != nil {
				return err
			}
			if _, err := tx.DeleteSessions(id, nil); err != nil {
				return err
			}
			return by.Record(tx, action, "account", string(id))
		})
	})
}

// SetRoles replaces an account's roles. The actor must be entitled to every role that comes or goes, so
// nobody gives himself, or takes from another, what is beyond his own rights. All sessions of the account
// end; when it is the actor's own, the caller begins a new one.
func (s *Service) SetRoles(ctx context.Context, by Actor, id store.AccountID, grants []Grant) error {
	return s.st.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(id)
		if errors.Is(err, store.ErrNotFound) {
			return errNoAccount
		}
		if err != nil {
			return err
		}
		before := GrantsOf(a)
		if err := mayManage(by, changed(before, grants)); err != nil {
			return err
		}
		if err := checkGrants(tx, added(before, grants)); err != nil {
			return err
		}
		return keepAdministrator(tx, func() error {
			if err := tx.SetGrants(id, rows(grants)); err != nil {
				return err
			}
			if _, err := tx.DeleteSessions(id, nil); err != nil {
				return err
			}
			return by.Record(tx, "account.roles", "account", string(id), "roles", words(grants))
		})
	})
}

// changed returns the grants that stand in only one of two lists.
func changed(a, b []Grant) []Grant {
	var out []Grant
	for _, g := range a {
		if !slices.Contains(b, g) {
			out = append(out, g)
		}
	}
	return append(out, added(a, b)...)
}

// added returns the grants of after that before has not.
func added(before, after []Grant) []Grant {
	var out []Grant
	for _, g := range after {
		if !slices.Contains(before, g) {
			out = append(out, g)
		}
	}
	return out
}

// keepAdministrator runs a change and refuses it when it leaves nobody who can administer everything.
func keepAdministrator(tx *store.Tx, change func() error) error {
	before, err := tx.CountAdministrators()
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := tx.CountAdministrators()
	if err == nil && before > 0 && after == 0 {
		err = problem.New(problem.Conflict, "people.last_administrator")
	}
	return err
}

// checkGrants refuses roles that do not exist and buildings that do not exist any more.
func checkGrants(tx *store.Tx, grants []Grant) error {
	for _, g := range grants {
		if !slices.Contains(Roles(), g.Role) {
			return problem.Field("roles", "people.role_unknown")
		}
		if g.Building == "" {
			continue
		}
		b, err := tx.Building(g.Building)
		if errors.Is(err, store.ErrNotFound) || err == nil && !b.DeletedAt.IsZero() {
			return problem.Field("roles", "people.building_unknown")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// SetPassword gives the account of a sign-in name a new password and ends its sessions: the command
// line's way back in. Tries that failed before are forgiven.
func (s *Service) SetPassword(ctx context.Context, by Actor, login string, password secret.Text) error {
	a, err := s.find(ctx, by, login)
	if err != nil {
		return err
	}
	if err := CheckPassword("password", password, a.Login, a.Email, a.Name); err != nil {
		return err
	}
	hash, err := s.hash.make(ctx, password.Reveal())
	if err != nil {
		return err
	}
	return s.st.Update(ctx, func(tx *store.Tx) error {
		if err := tx.ForgiveSignInFailures(s.limitKey("name", a.Login), -1); err != nil {
			return err
		}
		return setPassword(tx, by, a, hash)
	})
}

func (s *Service) find(ctx context.Context, by Actor, login string) (a store.Account, err error) {
	err = s.st.View(ctx, func(tx *store.Tx) error {
		a, err = tx.AccountByLogin(login)
		if errors.Is(err, store.ErrNotFound) {
			return errNoAccount
		}
		if err != nil {
			return err
		}
		return mayManage(by, GrantsOf(a))
	})
	return a, err
}

// SetChoices stores the actor's own language and theme; "" leaves it to the browser.
func (s *Service) SetChoices(ctx context.Context, by Actor, language, theme string) error {
	if by.Kind != KindAccount {
		return errForbidden
	}
	if theme != "" && theme != "light" && theme != "dark" {
		return problem.Field("theme", "people.theme_unknown")
	}
	return s.st.Update(ctx, func(tx *store.Tx) error { return tx.SetAccountChoices(by.Account, language, theme) })
}

// checkDetails trims and checks what identifies a person.
func checkDetails(name, email, login *string) error {
	*name, *email, *login = strings.TrimSpace(*name), strings.TrimSpace(*email), store.FoldLogin(*login)
	fields := map[string]string{}
	switch {
	case *name == "":
		fields["name"] = "form.missing"
	case !plainLine(*name, 1, 120):
		fields["name"] = "people.name_wrong"
	}
	if *email != "" {
		a, err := mail.ParseAddress(*email)
		if err != nil || a.Address != *email || !plainLine(*email, 3, 254) {
			fields["email"] = "people.email_wrong"
		}
	}
	switch {
	case *login == "":
		fields["login"] = "form.missing"
	case !plainLine(*login, 2, 64) || strings.ContainsFunc(*login, unicode.IsSpace):
		fields["login"] = "people.login_wrong"
	}
	if len(fields) == 0 {
		return nil
	}
	p := problem.New(problem.Invalid, "form.check")
	p.Fields = fields
	return p
}

// plainLine reports whether s is one line of printable characters within bounds.
func plainLine(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n >= least && n <= most && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func rows(grants []Grant) []store.RoleGrant {
	out := make([]store.RoleGrant, len(grants))
	for i, g := range grants {
		out[i] = store.RoleGrant{Role: string(g.Role), Building: g.Building}
	}
	return out
}

// words writes grants for the audit: ids and fixed words.
func words(grants []Grant) []string {
	out := make([]string, len(grants))
	for i, g := range grants {
		out[i] = string(g.Role)
		if g.Building != "" {
			out[i] += "@" + string(g.Building)
		}
	}
	return out
}
