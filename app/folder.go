package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"lintel/store"
)

const lockFile = "lintel.lock"

// Folder is the data folder, locked for this process. Close releases it.
type Folder struct {
	path string
	lock *os.File
}

// ErrFolderBusy is the cause when another process has the data folder.
var ErrFolderBusy = errors.New("the data folder is in use")

// openFolder makes the data folder when it is missing (0700), checks that it is this account's and
// nobody else's, and locks it. The kernel releases the lock when the process ends however it ends,
// so that nothing has to be cleaned up after a crash.
func openFolder(path string) (*Folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if err := checkFolder(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := lockHolder(f)
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s is held by %s; stop it first, or choose another data_dir", ErrFolderBusy, path, holder)
		}
		return nil, fmt.Errorf("lock the data folder: %w (it has to lie on a local disk)", err)
	}
	if err := writeHolder(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	return &Folder{path: path, lock: f}, nil
}

// Path returns a path in the folder.
func (f *Folder) Path(elem ...string) string {
	return filepath.Join(append([]string{f.path}, elem...)...)
}

// HasData reports whether the folder holds a database.
func (f *Folder) HasData() (bool, error) {
	switch _, err := os.Stat(f.Path(store.MainFile)); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, fmt.Errorf("look for the database: %w", err)
	}
}

// Close releases the folder. The lock file stays: to remove it would let two processes lock two files.
func (f *Folder) Close() error {
	if f.lock == nil {
		return nil
	}
	_ = f.lock.Truncate(0)
	err := f.lock.Close()
	f.lock = nil
	return err
}

func writeHolder(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func lockHolder(f *os.File) string {
	content, err := io.ReadAll(io.NewSectionReader(f, 0, 32))
	pid := strings.TrimSpace(string(content))
	if _, convErr := strconv.Atoi(pid); err != nil || convErr != nil {
		return "another process"
	}
	return "process " + pid
}

// checkFolder refuses a data folder that belongs to another account or that others may open.
// Rights that are too wide are narrowed, where nothing is stored yet or not.
func checkFolder(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("open the data folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("open the data folder: %s is not a folder", path)
	}
	uid, _, err := ownerOf(info)
	if err != nil {
		return fmt.Errorf("open the data folder: %w", err)
	}
	if me := os.Geteuid(); uid != me {
		return fmt.Errorf("open the data folder: %s belongs to account %d, but this process runs as %d; "+
			"run it as that account, give the folder to this one with chown, or set data_dir to a folder below it", path, uid, me)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o700); err != nil {
			return fmt.Errorf("close the data folder to other accounts: %w", err)
		}
	}
	return nil
}

// folderOwner returns who owns the data folder; ok is false when there is none.
func folderOwner(path string) (uid, gid int, ok bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, false, nil
	}
	if err != nil {
		return 0, 0, false, fmt.Errorf("look at the data folder: %w", err)
	}
	uid, gid, err = ownerOf(info)
	return uid, gid, true, err
}

func ownerOf(info fs.FileInfo) (uid, gid int, err error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, errors.New("this system does not say who owns a file")
	}
	return int(st.Uid), int(st.Gid), nil
}

// becomeOwner gives up root for the account that owns the data folder, so that no file in it ever
// belongs to root. It does nothing for anybody but root. forever is for a server; otherwise the
// func makes the process root again.
func becomeOwner(path string, forever bool) (back func() error, err error) {
	back = func() error { return nil }
	if os.Geteuid() != 0 {
		return back, nil
	}
	uid, gid, ok, err := folderOwner(path)
	if err != nil || !ok || uid == 0 {
		return back, err
	}
	if forever {
		err = errors.Join(syscall.Setgroups([]int{gid}), syscall.Setgid(gid), syscall.Setuid(uid))
	} else {
		err = errors.Join(syscall.Setregid(-1, gid), syscall.Setreuid(-1, uid))
		back = func() error { return errors.Join(syscall.Setreuid(-1, 0), syscall.Setregid(-1, 0)) }
	}
	if err != nil {
		return back, fmt.Errorf("act as the data folder's owner: %w", err)
	}
	return back, nil
}
