package config

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
)

// files are the variables whose value is a path.
func files() []string {
	all := []string{"ADMIN_WEB_CONFIG", "LABEL_KEY_FILE", "CAPTURE_FILE", "SLO_FILE", "PRICE_FILE", "BASELINE_FILE", "PROBE_FILE", "STATE_DIR", "SPOOL_DIR"}
	for i := range all {
		all[i] = Prefix + all[i]
	}
	for _, signal := range []string{"", "TRACES_", "METRICS_"} {
		for _, of := range []string{"CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"} {
			all = append(all, otlpPrefix+signal+of)
		}
	}
	return all
}

// ReadElsewhere reads and checks environ as Read does, for a headway that will run on
// another machine, where the folders are volumes. It opens no file, looks up no name, and
// compares no upstream with the addresses of this machine. A path must be absolute and
// lie below one of the folders: what the file there holds, only Read on that machine can
// tell. So the Config has no content of files.
func ReadElsewhere(environ, folders []string) (Config, error) {
	here, paths := make([]string, 0, len(environ)), map[string]string{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !slices.Contains(files(), name) {
			here = append(here, kv)
		} else if value != "" {
			paths[name] = value
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // so that no name is looked up
	c, err := read(here, &machine{ctx: ctx})
	var wrong []finding
	for name, value := range paths {
		if err := below(value, folders); err != nil {
			wrong = append(wrong, finding{name, err})
		}
		c.setPath(name, value)
	}
	return c, errors.Join(append([]error{err}, sorted(wrong)...)...)
}

// setPath sets the field of a variable of headway's own whose value is a path.
func (c *Config) setPath(name, value string) {
	fields := map[string]*string{
		"ADMIN_WEB_CONFIG": &c.AdminWebConfig, "LABEL_KEY_FILE": &c.LabelKeyFile, "CAPTURE_FILE": &c.CaptureFile, "SLO_FILE": &c.SLOFile, "PRICE_FILE": &c.PriceFile, "BASELINE_FILE": &c.BaselineFile,
		"PROBE_FILE": &c.ProbeFile, "STATE_DIR": &c.StateDir, "SPOOL_DIR": &c.SpoolDir,
	}
	if field := fields[strings.TrimPrefix(name, Prefix)]; field != nil {
		*field = value
	}
}

// below returns an error if value is no path in one of the folders.
func below(value string, folders []string) error {
	for _, folder := range folders {
		if clean := path.Clean(value); clean == folder || strings.HasPrefix(clean, folder+"/") {
			return nil
		}
	}
	return errors.New(quoted(value) + " is in no volume of the sidecar, which has " + strings.Join(folders, " and "))
}
