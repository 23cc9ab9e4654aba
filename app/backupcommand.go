package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lintel/app/backup"
)

func (p *program) backupCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "backup", Short: "Save everything to a file, and bring it back"}
	cmd.AddCommand(p.backupCreateCommand(), p.backupRestoreCommand())
	return cmd
}

func (p *program) backupCreateCommand() *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use:   "create FILE",
		Short: "Save everything to a file",
		Long: "Save one consistent copy of all data to FILE, while the server runs or not; - is standard output. The file holds\n" +
			"personal data: keep it where only administrators read. A master key in the data\nfolder is in it, one outside is not.",
		Example: "  lintel backup create /var/backups/lintel.tar",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-" {
				return p.withOperations(cmd.Context(), func(ctx context.Context, ops Operations) error {
					_, err := ops.Backup(ctx, p.stdout)
					return err
				})
			}
			return p.backupTo(cmd.Context(), args[0], replace)
		},
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "replace FILE if there is one")
	return cmd
}

// backupTo writes under another name beside path and renames at the end, so that whatever stands
// at path is always a whole backup. The file belongs to whoever gave the command: it is made
// before, and renamed after, the time in which root acts as the data folder's owner.
func (p *program) backupTo(ctx context.Context, path string, replace bool) (err error) {
	if _, err := os.Lstat(path); err == nil && !replace {
		return fmt.Errorf("make a backup: %s exists; choose another name, or add --replace", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return fmt.Errorf("make a backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	defer f.Close() // a second Close only says that it was closed
	var result BackupResult
	err = p.withOperations(ctx, func(ctx context.Context, ops Operations) error {
		var err error
		result, err = ops.Backup(ctx, backup.Steady(f))
		return err
	})
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("make a backup: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close(), os.Rename(f.Name(), path), syncFolder(filepath.Dir(path))); err != nil {
		return fmt.Errorf("make a backup: %w", err)
	}
	p.say("Saved %s of %s to %s.", byteCount(info.Size()), localTime(result.CreatedAt), path)
	if result.HasKey {
		p.say("The file holds the master key too, as that lies in the data folder: keep it like a password.")
	}
	return nil
}

func (p *program) backupRestoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Bring back what a backup holds",
		Long: "Bring back the data of FILE (- is standard input) into a data folder without a database. The server must not be running.\n" +
			"A folder with data is never overwritten: move it away first.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := p.stdin
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("restore a backup: %w", err)
				}
				defer f.Close()
				in = f
			}
			return p.restoreFrom(cmd.Context(), bufio.NewReaderSize(in, 1<<20))
		},
	}
}

func (p *program) restoreFrom(ctx context.Context, in io.Reader) (err error) {
	eff, err := p.load()
	if err != nil {
		return err
	}
	_, statErr := os.Stat(eff.Config.DataDir)
	start, done, err := p.start(eff.Config, p.commandLog(), false)
	if errors.Is(err, ErrFolderBusy) {
		return fmt.Errorf("restore a backup: %w", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	switch has, err := start.Folder.HasData(); {
	case err != nil:
		return err
	case has:
		return fmt.Errorf("restore a backup: %s holds data; move the folder away, then try again", eff.Config.DataDir)
	}
	result, err := p.wiring.restore(ctx, start, in)
	if err != nil {
		return err
	}
	p.say("Restored the backup of %s into %s.", localTime(result.CreatedAt), eff.Config.DataDir)
	if errors.Is(statErr, fs.ErrNotExist) && os.Geteuid() == 0 {
		p.say("The folder was made for root. If the service runs under an account of its own: chown -R ACCOUNT: %s", eff.Config.DataDir)
	}
	return nil
}

// byteCount writes a size for people, in powers of 1000.
func byteCount(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	size := float64(n)
	for _, unit := range []string{"kB", "MB", "GB"} {
		size /= 1000
		if size < 1000 || unit == "GB" {
			return fmt.Sprintf("%.1f %s", size, unit)
		}
	}
	return ""
}
