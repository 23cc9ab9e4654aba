package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand writes the manual pages for the package; people read them with man, so it is hidden.
func (p *program) manCommand() *cobra.Command {
	var date string
	cmd := &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages into a folder",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			day, err := time.Parse(time.DateOnly, date)
			if err != nil {
				return usageError{fmt.Errorf("--date is %q; write it as 2026-11-21", date)}
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("write manual pages: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			root.InitDefaultCompletionCmd()
			header := doc.GenManHeader{Section: "1", Source: "lintel " + readBuild().Version, Manual: "Lintel", Date: &day}
			if err := doc.GenManTree(root, &header, args[0]); err != nil {
				return fmt.Errorf("write manual pages: %w", err)
			}
			page := configManual(day, header.Source)
			if err := os.WriteFile(filepath.Join(args[0], "lintel.toml.5"), []byte(page), 0o644); err != nil {
				return fmt.Errorf("write manual pages: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&date, "date", "", "`date` in the pages, so that two builds are the same")
	_ = cmd.MarkFlagRequired("date")
	return cmd
}

// configManual is lintel.toml(5), made from configKeys.
func configManual(day time.Time, source string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH \"LINTEL.TOML\" \"5\" \"%s\" \"%s\" \"Lintel\"\n", day.Format("Jan 2006"), source)
	b.WriteString(".SH NAME\nlintel.toml \\- configuration of Lintel\n.SH DESCRIPTION\n")
	b.WriteString("The file is TOML. Each setting can also be given in the environment, where it stands above the file, or with _FILE at the " +
		"variable's end be read from a file. An unknown setting is an error. Secrets are also taken from systemd credentials of the setting's " +
		"name, the master key from one named lintel.key.\n.SH SETTINGS\n")
	var c Config
	for _, k := range configKeys() {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s", roff(k.name), roff(k.doc))
		if k.choices != nil {
			fmt.Fprintf(&b, " One of: %s.", roff(strings.Join(k.choices, ", ")))
		}
		if k.def != "" {
			if err := setConfig(k.ptr(&c), k.def); err == nil { // a test holds every default against setConfig
				fmt.Fprintf(&b, " Default: %s.", roff(showConfig(k.ptr(&c))))
			}
		}
		fmt.Fprintf(&b, " Environment: %s.\n", roff(k.env()))
	}
	b.WriteString(".SH SEE ALSO\nlintel(1), lintel\\-config\\-print(1)\n")
	return b.String()
}

// roff escapes text for a manual page.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
