package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const keptName = "edge.json"

// Load returns what was kept in a state directory; ok is false if nothing was.
func Load(dir string) (s Settings, ok bool, err error) {
	data, err := os.ReadFile(filepath.Join(dir, keptName))
	if errors.Is(err, os.ErrNotExist) {
		return Settings{}, false, nil
	}
	if err != nil {
		return Settings{}, false, fmt.Errorf("read the kept settings: %w", err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return Settings{}, false, fmt.Errorf("read the kept settings: %w", err)
	}
	return s, true, nil
}

// Keep writes what the service said, without credentials, in one step: a crash leaves the old or the new.
func Keep(dir string, s Settings) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("keep the settings: %w", err)
	}
	file, err := os.CreateTemp(dir, keptName+".*")
	if err != nil {
		return fmt.Errorf("keep the settings: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(append(data, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("keep the settings: %w", err)
	}
	if err := os.Rename(file.Name(), filepath.Join(dir, keptName)); err != nil {
		return fmt.Errorf("keep the settings: %w", err)
	}
	return nil
}
