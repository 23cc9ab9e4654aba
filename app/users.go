package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lintel/app/people"
	"lintel/app/secret"
)

const maxPasswordBytes = 1024

func (p *program) setupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "setup",
		Short: "Print the link for the first set-up",
		Long: "Print a new link with which the first administrator is made. It and the four printed before it, also by\n" +
			"earlier starts, work until one of them has made that administrator; then all of them are void, and `user add`\n" +
			"and `user reset-password` do that.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withOperations(cmd.Context(), func(ctx context.Context, ops Operations) error {
				link, err := ops.SetupLink(ctx, Nothing{})
				if err != nil {
					return err
				}
				p.say("Open this link in a browser; it works until the first administrator is made:\n\n  %s", link.URL)
				return nil
			})
		},
	}
}

func (p *program) userCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Add accounts and give them new passwords"}
	cmd.AddCommand(p.userAddCommand(), p.userResetCommand(), p.userListCommand())
	return cmd
}

func (p *program) userAddCommand() *cobra.Command {
	var fromStdin bool
	var u NewUser
	cmd := &cobra.Command{
		Use:   "add LOGIN",
		Short: "Add an account",
		Long: "Add an account that signs in with LOGIN. Without --password-stdin a password is made and printed once. As an\n" +
			"argument a password would stand in the shell's history, so there is no such flag.",
		Example: "  lintel user add anna --name \"Anna Muster\" --role administrator",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u.Login = args[0]
			if !knownRole(u.Role) {
				return usageError{fmt.Errorf("there is no role %q; choose one of %s", u.Role, strings.Join(roleNames(), ", "))}
			}
			password, err := p.password(fromStdin)
			if err != nil {
				return err
			}
			u.Password = password
			return p.withOperations(cmd.Context(), func(ctx context.Context, ops Operations) error {
				made, err := ops.AddUser(ctx, u)
				if err != nil {
					return err
				}
				p.say("Added %s as %s.", made.Login, u.Role)
				p.sayCredentials(made)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&u.Name, "name", "", "full `name`")
	f.StringVar(&u.Email, "email", "", "e-mail `address`")
	f.StringVar(&u.Role, "role", string(people.User), "`role`: "+strings.Join(roleNames(), ", "))
	f.StringVar(&u.Building, "building", "", "`building` that the role is for; everywhere without it")
	f.StringVar(&u.Language, "language", "", "`language` of the pages: en, de, fr or it")
	f.BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	_ = cmd.RegisterFlagCompletionFunc("role", cobra.FixedCompletions(roleNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (p *program) userResetCommand() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "reset-password LOGIN",
		Short: "Give an account a new password",
		Long:  "Give an account a new password and sign it out everywhere. Without --password-stdin one is made and printed once.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := p.password(fromStdin)
			if err != nil {
				return err
			}
			return p.withOperations(cmd.Context(), func(ctx context.Context, ops Operations) error {
				made, err := ops.ResetPassword(ctx, PasswordReset{Login: args[0], Password: password})
				if err != nil {
					return err
				}
				p.say("%s has a new password and is signed out everywhere.", made.Login)
				p.sayCredentials(made)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cmd
}

func (p *program) userListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the accounts",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withOperations(cmd.Context(), func(ctx context.Context, ops Operations) error {
				users, err := ops.ListUsers(ctx, Nothing{})
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "LOGIN\tNAME\tROLES\tSTATE\tLAST SEEN")
				for _, u := range users {
					state, seen := "active", "never"
					if !u.Active {
						state = "off"
					}
					if !u.LastSeen.IsZero() {
						seen = localTime(u.LastSeen)
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", oneLine(u.Login), oneLine(u.Name), strings.Join(u.Roles, ", "), state, seen)
				}
				return w.Flush()
			})
		},
	}
}

// password reads one from standard input, or returns none.
func (p *program) password(fromStdin bool) (SentSecret, error) {
	if !fromStdin {
		return SentSecret{}, nil
	}
	line, err := readAtMost(p.stdin, maxPasswordBytes, "the password")
	if err != nil {
		return SentSecret{}, err
	}
	password := strings.TrimRight(string(line), "\r\n")
	if password == "" {
		return SentSecret{}, errors.New("there is no password on standard input; pipe it in, or leave out --password-stdin to have one made")
	}
	return SentSecret{secret.New(password)}, nil
}

func (p *program) sayCredentials(c Credentials) {
	if !c.Password.IsZero() {
		p.say("Password, shown this once: %s", c.Password.Reveal())
	}
	if c.URL != "" {
		p.say("Sign in at %s", c.URL)
	}
}

func roleNames() []string {
	var names []string
	for _, r := range people.Roles() {
		names = append(names, string(r))
	}
	return names
}

func knownRole(name string) bool {
	for _, r := range people.Roles() {
		if string(r) == name {
			return true
		}
	}
	return false
}
