package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lintel/app/secret"
)

// keyFolder and keyName are where the master key lies when nobody configured another place.
const (
	keyFolder = "keys"
	keyName   = "master.key"
)

// configuredKey reads the master key from key_file; it is empty when none is configured. A
// configured key is never made: it comes from the administrator.
func configuredKey(cfg Config) (secret.Text, error) {
	if cfg.KeyFile == "" {
		return secret.Text{}, nil
	}
	key, err := readKey(cfg.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return key, fmt.Errorf("read the master key: there is no file %s; copy the key there, or make one with "+
			"`openssl rand -base64 32` before the very first start", cfg.KeyFile)
	}
	return key, err
}

// folderKey reads the master key of the data folder and makes one at the first start.
func folderKey(folder *Folder) (secret.Text, error) {
	path := folder.Path(keyFolder, keyName)
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	has, err := folder.HasData()
	if err != nil {
		return secret.Text{}, err
	}
	if has {
		return secret.Text{}, fmt.Errorf("read the master key: %s is missing, and without it the stored passwords can't be opened; "+
			"put it back, or set key_file to where it is", path)
	}
	line := secret.EncodeKey(secret.NewKey())
	if err := writeKey(path, line); err != nil {
		return secret.Text{}, fmt.Errorf("make the master key: %w", err)
	}
	return secret.New(line), nil
}

func readKey(path string) (secret.Text, error) {
	content, err := readSmall(path, maxSecretBytes)
	if err != nil {
		return secret.Text{}, fmt.Errorf("read the master key: %w", err)
	}
	if _, err := secret.DecodeKey(string(content)); err != nil {
		return secret.Text{}, fmt.Errorf("%w (%s)", err, path)
	}
	return secret.New(string(content)), nil
}

// writeKey writes the key so that after a power cut there is a whole one or none.
func writeKey(path, line string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, keyName+".*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // of no effect after the rename
	_, err = f.WriteString(line)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

// syncFolder makes a folder's entries durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
