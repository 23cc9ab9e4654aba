package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) healthcheckCommand() *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Exit with 0 when the server on this machine is healthy",
		Long:  "Ask the running server whether it is healthy: exit code 0 says yes, 1 no. For containers and monitoring.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			eff, err := p.load()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), wait)
			defer cancel()
			health, err := serverHealth(ctx, eff.Config.DataDir)
			if err != nil {
				return err
			}
			if len(health.Faults) == 0 {
				p.say("healthy")
				return nil
			}
			for _, fault := range health.Faults {
				fmt.Fprintln(p.stderr, fault)
			}
			return errQuiet
		},
	}
	cmd.Flags().DurationVar(&wait, "timeout", 5*time.Second, "how long to wait for the answer")
	return cmd
}

// serverHealth asks the running server; without one the error is errNoServer.
func serverHealth(ctx context.Context, dataDir string) (Health, error) {
	ops, hangUp, err := dialControl(ctx, dataDir)
	if err != nil {
		return Health{}, err
	}
	defer hangUp()
	health, err := ops.Health(ctx, Nothing{})
	if errors.Is(err, context.DeadlineExceeded) {
		return Health{}, errors.New("the server does not answer")
	}
	return health, err
}
