package app

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check and show the configuration"}
	var defaults bool
	show := &cobra.Command{
		Use:   "print",
		Short: "Show every setting, its value and where that comes from",
		Long:  "Show every setting, its value and where that comes from. Secrets show as ***.",
		RunE: func(*cobra.Command, []string) error {
			if defaults {
				return printDefaults(p.stdout)
			}
			eff, err := p.load()
			if err != nil {
				return err
			}
			return printConfig(p.stdout, eff)
		},
	}
	show.Flags().BoolVar(&defaults, "default", false, "show a file to start from, with every setting explained")
	check := &cobra.Command{
		Use:   "check",
		Short: "Say whether the configuration can be used",
		RunE: func(*cobra.Command, []string) error {
			eff, err := p.load()
			if err != nil {
				return err
			}
			if faults := eff.Config.CheckFiles(); faults != nil {
				return &ConfigError{Faults: faults}
			}
			for _, warning := range eff.Config.Warnings() {
				for i, line := range wrap(warning, 90) {
					mark := "note: "
					if i > 0 {
						mark = "      "
					}
					fmt.Fprintln(p.stdout, mark+line)
				}
			}
			if eff.File == "" {
				p.say("The configuration can be used. There is no file: defaults and the environment alone.")
				return nil
			}
			p.say("The configuration in %s can be used.", eff.File)
			return nil
		},
	}
	cmd.AddCommand(check, show)
	return cmd
}
