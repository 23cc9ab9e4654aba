package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) connectorCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "connector", Short: "Look at the booking systems"}
	cmd.AddCommand(p.connectorListCommand(), p.connectorCheckCommand())
	return cmd
}

func (p *program) connectorListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the booking systems",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withOperations(cmd.Context(), func(ctx context.Context, ops Operations) error {
				systems, err := ops.ListSystems(ctx, Nothing{})
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "NAME\tKIND\tROOMS\tLAST GOOD ANSWER\tSTATE")
				for _, y := range systems {
					last := "never"
					if !y.LastOK.IsZero() {
						last = localTime(y.LastOK)
					}
					fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", oneLine(y.Name), y.Kind, y.Rooms, last, y.State)
				}
				return w.Flush()
			})
		},
	}
}

func (p *program) connectorCheckCommand() *cobra.Command {
	var req SystemCheck
	var traceFile string
	cmd := &cobra.Command{
		Use:   "check NAME",
		Short: "Walk through the connection to a booking system, step by step",
		Long: "Walk through the connection to the booking system NAME, step by step, as the portal's Check does, and say what it\n" +
			"answered and what cures it. With --trace what was sent and answered is written to a file for support: its structure is\n" +
			"kept, and subjects, names, addresses and secrets are masked. Exit code 0: no step failed, 1: one did.",
		Example: "  lintel connector check \"Exchange\" --room room1@example.com --trace trace.txt",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("say which booking system: `lintel connector list` shows their names")
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name, req.Trace = args[0], traceFile != ""
			return p.withOperations(cmd.Context(), func(ctx context.Context, ops Operations) error {
				report, err := ops.CheckSystem(ctx, req)
				if err != nil {
					return err
				}
				failed := false
				for _, step := range report.Steps {
					p.sayFinding(step.Finding)
					if step.Took >= time.Millisecond {
						p.say("        %s", step.Took.Round(time.Millisecond))
					}
					failed = failed || step.Level == LevelFail
				}
				if traceFile != "" {
					if err := writeNew(traceFile, report.Trace); err != nil {
						return fmt.Errorf("write the trace: %w", err)
					}
					p.say("The trace is in %s. Read it before you pass it on.", traceFile)
				}
				if failed {
					return errQuiet
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&req.Room, "room", "", "also check the room with this `address`; otherwise the first with a fault, or any")
	cmd.Flags().BoolVar(&req.Write, "write", false, "also write, read back and delete a test event, far in the future")
	cmd.Flags().StringVar(&traceFile, "trace", "", "write a masked trace to this new `file`")
	return cmd
}

// writeNew writes a file that its owner alone may read; it refuses to replace one.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
