package sidecar

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"go.yaml.in/yaml/v2"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

// webConfig follows HEADWAY_ADMIN_WEB_CONFIG. The library that serves by it reads its file
// again at every request, and an empty file turns passwords off. So the library gets a copy,
// which changes only when a new version of the file is right and protects no less.
type webConfig struct {
	file  *liveFile
	copy  *privateFile
	force protection // of the version in force
}

// protection says what a web configuration asks of clients.
type protection struct{ tls, passwords, certificates bool }

// newWebConfig reads the file at path for the first time.
func newWebConfig(path string, log *slog.Logger) (*webConfig, error) {
	private, err := newPrivateFile()
	if err != nil {
		return nil, fmt.Errorf("keeping a copy of %s: %w", path, err)
	}
	w := &webConfig{copy: private}
	w.file = &liveFile{path: path, apply: w.apply, log: log}
	if err := w.file.load(); err != nil {
		_ = private.close()
		return nil, err
	}
	return w, nil
}

// apply puts text into force unless it is wrong or protects less than the version before.
func (w *webConfig) apply(text []byte) error {
	content, asks, err := readWebConfig(text, filepath.Dir(w.file.path))
	if err != nil {
		return err
	}
	if less := w.force.without(asks); less != "" {
		return fmt.Errorf("it asks for no %s any more: restart headway if that is what you want", less)
	}
	next, err := newPrivateFile()
	if err != nil {
		return err
	}
	if err := next.replace(content); err != nil {
		return errors.Join(err, next.close())
	}
	if err := errors.Join(config.CheckWebConfig(next.path), next.close()); err != nil {
		return err
	}
	if err := w.copy.replace(content); err != nil {
		return err
	}
	w.force = asks
	return nil
}

// without names what p asks for and next does not.
func (p protection) without(next protection) string {
	switch {
	case p.passwords && !next.passwords:
		return "password"
	case p.certificates && !next.certificates:
		return "client certificate"
	case p.tls && !next.tls:
		return "TLS"
	}
	return ""
}

// readWebConfig returns text as it reads anywhere: its paths are relative to dir.
func readWebConfig(text []byte, dir string) (content []byte, asks protection, err error) {
	if err := config.ParseWebConfig(text); err != nil {
		return nil, asks, err
	}
	all := yaml.MapSlice{}
	if err := yaml.UnmarshalStrict(text, &all); err != nil {
		return nil, asks, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, asks, err
	}
	for _, entry := range all {
		of, _ := entry.Value.(yaml.MapSlice)
		switch entry.Key {
		case "basic_auth_users":
			asks.passwords = len(of) > 0
		case "tls_server_config":
			asks.tls = len(of) > 0
			asks.certificates = absolute(of, dir)
		}
	}
	content, err = yaml.Marshal(all)
	return content, asks, err
}

// absolute makes the paths of a TLS configuration independent of where it lies, and says
// whether it asks clients for certificates.
func absolute(of yaml.MapSlice, dir string) (certificates bool) {
	for i := range of {
		text, _ := of[i].Value.(string)
		switch of[i].Key {
		case "cert_file", "key_file", "client_ca_file":
			if text != "" && !filepath.IsAbs(text) {
				of[i].Value = filepath.Join(dir, text)
			}
		case "client_auth_type":
			certificates = text == "RequireAndVerifyClientCert" || text == "RequireAnyClientCert" || text == "RequireClientCert"
		}
	}
	return certificates
}

// withWebConfig reads the file of HEADWAY_ADMIN_WEB_CONFIG, if there is one.
func withWebConfig(c config.Config, log *slog.Logger) (*webConfig, error) {
	if c.AdminWebConfig == "" {
		return nil, nil //nolint:nilnil // nil is an admin port without protection
	}
	w, err := newWebConfig(c.AdminWebConfig, log)
	if err != nil {
		return nil, fmt.Errorf("%sADMIN_WEB_CONFIG: %w", config.Prefix, err)
	}
	return w, nil
}

// reloaded says whether the newest content of the file is in force.
func (w *webConfig) reloaded() bool { return w == nil || !w.file.failed.Load() }
