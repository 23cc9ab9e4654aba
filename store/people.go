package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Person is anybody who organizes or makes a booking, outsiders too. Not every person has an account.
type Person struct {
	ID        PersonID
	Name      string
	Email     string // lower case; "" when unknown
	CreatedAt time.Time
}

// Account is a person who may sign in. Name, Email and Login come from the person and the local
// identity; Grants from role_grant.
type Account struct {
	ID         AccountID
	Person     PersonID
	Name       string
	Email      string
	Login      string // the local sign-in name, lower case; "" when the account has none
	HasSecret  bool   // a password is set
	Language   string // "" = the browser's
	Theme      string // "", light or dark
	CreatedAt  time.Time
	LastSignIn time.Time // zero: never
	DisabledAt time.Time // zero: enabled
	Grants     []RoleGrant
}

// RoleGrant is a role for one building, or for everything when Building is "".
type RoleGrant struct {
	Role     string
	Building BuildingID
}

// LocalProvider names identities whose password is ours.
const LocalProvider = "local"

const personColumns = `id, name, email, created_at`

func scanPerson(r scanner) (Person, error) {
	var p Person
	return p, r.Scan(&p.ID, &p.Name, &p.Email, instant{&p.CreatedAt})
}

// Person returns one person, or ErrNotFound.
func (tx *Tx) Person(id PersonID) (Person, error) {
	return one(tx, scanPerson, `SELECT `+personColumns+` FROM person WHERE id = ?`, id)
}

// PersonByEmail returns the person with that address, or ErrNotFound. Case does not matter.
func (tx *Tx) PersonByEmail(email string) (Person, error) {
	if email = foldEmail(email); email == "" {
		return Person{}, ErrNotFound
	}
	return one(tx, scanPerson, `SELECT `+personColumns+` FROM person WHERE email = ? AND email <> ''`, email)
}

// FindOrCreatePerson returns the person with that address; without an address the one of that very name who
// has none and no account. A person who is not there yet is made; a known one without a name gets this one.
// Both empty is nobody: "".
func (tx *Tx) FindOrCreatePerson(name, email string) (PersonID, error) {
	name, email = strings.TrimSpace(name), foldEmail(email)
	var p Person
	var err error
	switch {
	case email != "":
		p, err = tx.PersonByEmail(email)
	case name != "":
		p, err = one(tx, scanPerson, `SELECT `+personColumns+` FROM person WHERE email = '' AND name = ?
			AND NOT EXISTS (SELECT 1 FROM account a WHERE a.person_id = person.id) ORDER BY created_at, id LIMIT 1`, name)
	default:
		return "", nil
	}
	switch {
	case err == nil:
		if p.Name == "" && name != "" {
			_, err = tx.exec(`UPDATE person SET name = ? WHERE id = ?`, name, p.ID)
		}
		return p.ID, err
	case !errors.Is(err, ErrNotFound):
		return "", err
	}
	return tx.createPerson(name, email)
}

func (tx *Tx) createPerson(name, email string) (PersonID, error) {
	id := NewID[PersonID]()
	_, err := tx.exec(`INSERT INTO person (id, name, email, created_at) VALUES (?,?,?,?)`, id, name, email, unix(tx.now))
	return id, err
}

// PersonForAccount returns the person who is to get an account: the one with that address, renamed, if it has
// none yet; else a new one. A person with an account is ErrDuplicate.
func (tx *Tx) PersonForAccount(name, email string) (PersonID, error) {
	name, email = strings.TrimSpace(name), foldEmail(email)
	p, err := tx.PersonByEmail(email)
	if errors.Is(err, ErrNotFound) {
		return tx.createPerson(name, email)
	}
	if err != nil {
		return "", err
	}
	if _, err := tx.AccountByPerson(p.ID); !errors.Is(err, ErrNotFound) {
		if err == nil {
			err = fmt.Errorf("person has an account: %w", ErrDuplicate)
		}
		return "", err
	}
	return p.ID, tx.SetPerson(p.ID, name, email)
}

// SetPerson changes name and address. An address that another person has is ErrDuplicate.
func (tx *Tx) SetPerson(id PersonID, name, email string) error {
	return tx.must(`UPDATE person SET name = ?, email = ? WHERE id = ?`, strings.TrimSpace(name), foldEmail(email), id)
}

func foldEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// FoldLogin is the form in which sign-in names are stored and compared.
func FoldLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// CreateAccount stores an account of an existing person with its local identity and grants. A sign-in
// name that is taken, or a person with an account, is ErrDuplicate. password is a PHC string, or "".
func (tx *Tx) CreateAccount(a Account, password string) error {
	if _, err := tx.exec(`INSERT INTO account (id, person_id, language, theme, created_at) VALUES (?,?,?,?,?)`,
		a.ID, a.Person, a.Language, a.Theme, unix(tx.now)); err != nil {
		return fmt.Errorf("create account: %w", err)
	}
	if _, err := tx.exec(`INSERT INTO identity (id, account_id, provider, subject, password, created_at) VALUES (?,?,?,?,?,?)`,
		NewID[IdentityID](), a.ID, LocalProvider, FoldLogin(a.Login), password, unix(tx.now)); err != nil {
		return fmt.Errorf("create identity: %w", err)
	}
	return tx.SetGrants(a.ID, a.Grants)
}

const accountSelect = `SELECT a.id, a.person_id, p.name, p.email, COALESCE(i.subject, ''), COALESCE(i.password, '') <> '',
	a.language, a.theme, a.created_at, a.last_sign_in, a.disabled_at
	FROM account a JOIN person p ON p.id = a.person_id
	LEFT JOIN identity i ON i.account_id = a.id AND i.provider = 'local' `

func scanAccount(r scanner) (Account, error) {
	var a Account
	return a, r.Scan(&a.ID, &a.Person, &a.Name, &a.Email, &a.Login, &a.HasSecret,
		&a.Language, &a.Theme, instant{&a.CreatedAt}, instant{&a.LastSignIn}, instant{&a.DisabledAt})
}

// Account returns one account with its grants, or ErrNotFound.
func (tx *Tx) Account(id AccountID) (Account, error) {
	return tx.account(`WHERE a.id = ?`, id)
}

// AccountByLogin returns the account with that local sign-in name, or ErrNotFound.
func (tx *Tx) AccountByLogin(login string) (Account, error) {
	return tx.account(`WHERE i.subject = ?`, FoldLogin(login))
}

// AccountByEmail returns the account of the person with that address, or ErrNotFound.
func (tx *Tx) AccountByEmail(email string) (Account, error) {
	if email = foldEmail(email); email == "" {
		return Account{}, ErrNotFound
	}
	return tx.account(`WHERE p.email = ? AND p.email <> ''`, email)
}

// AccountByPerson returns the account of a person, or ErrNotFound.
func (tx *Tx) AccountByPerson(id PersonID) (Account, error) {
	return tx.account(`WHERE a.person_id = ?`, id)
}

func (tx *Tx) account(where string, arg any) (Account, error) {
	a, err := one(tx, scanAccount, accountSelect+where, arg)
	if err != nil {
		return a, err
	}
	a.Grants, err = tx.Grants(a.ID)
	return a, err
}

// AccountQuery chooses accounts for a list.
type AccountQuery struct {
	Search string // part of name, e-mail or sign-in name; "" = all
	Sort   string // AccountsByName and so on
	Desc   bool
	Limit  int
	Offset int
}

// The orders of a list of accounts.
const (
	AccountsByName  = "name"
	AccountsByLogin = "login"
	AccountsBySeen  = "seen" // the latest sign-in first
)

func (q AccountQuery) order() string {
	by, desc := "lower(p.name)", q.Desc
	switch q.Sort {
	case AccountsByLogin:
		by = "i.subject"
	case AccountsBySeen:
		by, desc = "COALESCE(a.last_sign_in, 0)", !q.Desc
	}
	if desc {
		by += " DESC"
	}
	return `ORDER BY ` + by + `, a.id `
}

// Accounts returns accounts with their grants, and how many there are without limit and offset.
func (tx *Tx) Accounts(q AccountQuery) ([]Account, int, error) {
	like := "%" + likeEscape(strings.ToLower(strings.TrimSpace(q.Search))) + "%"
	const where = `WHERE (lower(p.name) LIKE ?1 ESCAPE '\' OR p.email LIKE ?1 ESCAPE '\' OR i.subject LIKE ?1 ESCAPE '\') `
	total, err := one(tx, value[int], `SELECT COUNT(*) FROM account a JOIN person p ON p.id = a.person_id
		LEFT JOIN identity i ON i.account_id = a.id AND i.provider = 'local' `+where, like)
	if err != nil {
		return nil, 0, fmt.Errorf("count accounts: %w", err)
	}
	out, err := list(tx, scanAccount, accountSelect+where+q.order()+`LIMIT ?2 OFFSET ?3`, like, q.Limit, q.Offset)
	if err != nil {
		return nil, 0, fmt.Errorf("list accounts: %w", err)
	}
	return out, total, tx.fillGrants(out)
}

// fillGrants adds their roles to accounts.
func (tx *Tx) fillGrants(accounts []Account) error {
	at := make(map[AccountID]*Account, len(accounts))
	var ids []any
	for i := range accounts {
		at[accounts[i].ID] = &accounts[i]
		ids = append(ids, accounts[i].ID)
	}
	type row struct {
		account AccountID
		grant   RoleGrant
	}
	for part := range slices.Chunk(ids, 1000) {
		grants, err := list(tx, func(r scanner) (row, error) {
			var g row
			return g, r.Scan(&g.account, &g.grant.Role, &g.grant.Building)
		}, `SELECT account_id, role, building_id FROM role_grant WHERE account_id IN (`+marks(len(part))+`) ORDER BY role, building_id`, part...)
		if err != nil {
			return fmt.Errorf("read roles: %w", err)
		}
		for _, g := range grants {
			at[g.account].Grants = append(at[g.account].Grants, g.grant)
		}
	}
	return nil
}

// likeEscape makes s stand for itself in a LIKE pattern with ESCAPE '\'.
func likeEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// Grants returns the roles of an account.
func (tx *Tx) Grants(id AccountID) ([]RoleGrant, error) {
	return list(tx, func(r scanner) (RoleGrant, error) {
		var g RoleGrant
		return g, r.Scan(&g.Role, &g.Building)
	}, `SELECT role, building_id FROM role_grant WHERE account_id = ? ORDER BY role, building_id`, id)
}

// SetGrants replaces the roles of an account.
func (tx *Tx) SetGrants(id AccountID, grants []RoleGrant) error {
	if _, err := tx.exec(`DELETE FROM role_grant WHERE account_id = ?`, id); err != nil {
		return fmt.Errorf("replace roles: %w", err)
	}
	for _, g := range grants {
		if _, err := tx.exec(`INSERT INTO role_grant (account_id, role, building_id) VALUES (?,?,?) ON CONFLICT DO NOTHING`,
			id, g.Role, g.Building); err != nil {
			return fmt.Errorf("grant role: %w", err)
		}
	}
	return nil
}

// CountAdministrators returns how many enabled accounts with a password are administrators of everything:
// those who could let somebody else in again.
func (tx *Tx) CountAdministrators() (int, error) {
	return one(tx, value[int], `SELECT COUNT(*) FROM account a WHERE a.disabled_at IS NULL
		AND EXISTS (SELECT 1 FROM role_grant g WHERE g.account_id = a.id AND g.role = 'administrator' AND g.building_id = '')
		AND EXISTS (SELECT 1 FROM identity i WHERE i.account_id = a.id AND i.password <> '')`)
}

// SetAccountDisabled disables or enables an account.
func (tx *Tx) SetAccountDisabled(id AccountID, disabled bool) error {
	var at time.Time
	if disabled {
		at = tx.now
	}
	return tx.must(`UPDATE account SET disabled_at = ? WHERE id = ?`, unixOrNull(at), id)
}

// SetAccountChoices stores language ("" = the browser's) and theme ("" = the system's).
func (tx *Tx) SetAccountChoices(id AccountID, language, theme string) error {
	return tx.must(`UPDATE account SET language = ?, theme = ? WHERE id = ?`, language, theme, id)
}

// SetSignedIn notes the instant of a sign-in.
func (tx *Tx) SetSignedIn(id AccountID) error {
	return tx.must(`UPDATE account SET last_sign_in = ? WHERE id = ?`, unix(tx.now), id)
}

// SetLogin changes the local sign-in name. One that is taken is ErrDuplicate.
func (tx *Tx) SetLogin(id AccountID, login string) error {
	return tx.must(`UPDATE identity SET subject = ? WHERE account_id = ? AND provider = 'local'`, FoldLogin(login), id)
}

// Password returns the PHC string of an account's local identity, "" when none is set, or ErrNotFound.
func (tx *Tx) Password(id AccountID) (string, error) {
	return one(tx, value[string], `SELECT password FROM identity WHERE account_id = ? AND provider = 'local'`, id)
}

// SetPassword stores a PHC string for an account's local identity.
func (tx *Tx) SetPassword(id AccountID, phc string) error {
	return tx.must(`UPDATE identity SET password = ? WHERE account_id = ? AND provider = 'local'`, phc, id)
}
