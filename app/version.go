package app

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Set by the linker and by nothing else: -X lintel/app.linkedVersion=1.2.3, and the commit.
var linkedVersion, linkedRevision string

// Build says which program this is.
type Build struct {
	Version  string // "1.2.3"; "dev" where it was not built by packaging/
	Revision string // the commit; may be empty
	Modified bool   // the working tree had changes
	Go       string
	Platform string
}

func readBuild() Build {
	b := Build{Version: linkedVersion, Revision: linkedRevision, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if b.Version == "" {
		b.Version = "dev"
	}
	if b.Revision != "" {
		return b // built from a clean commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String is the line that `version` prints.
func (b Build) String() string {
	s := "lintel " + b.Version
	if b.Revision != "" {
		s += " (" + b.Revision[:min(12, len(b.Revision))]
		if b.Modified {
			s += ", changed"
		}
		s += ")"
	}
	return s + " " + b.Go + " " + b.Platform
}

func (p *program) versionCommand() *cobra.Command {
	var modules bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		RunE: func(*cobra.Command, []string) error {
			p.say("%s", readBuild())
			if !modules {
				return nil
			}
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return fmt.Errorf("this program does not say what it was built from")
			}
			for _, m := range info.Deps {
				p.say("%s %s", m.Path, m.Version)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&modules, "modules", false, "also list the libraries in it")
	return cmd
}
