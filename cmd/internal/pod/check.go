package pod

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"strings"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// checkMode refuses settings that do not fit the mode.
func (s *Sidecar) checkMode() error {
	const listen = config.Prefix + "TRANSPARENT_LISTEN"
	switch {
	case s.settings.Mode == Explicit && s.Config.TransparentListen != "":
		return fmt.Errorf("%s: nothing redirects connections in explicit mode: choose the mode transparent", listen)
	case s.settings.Mode == Transparent && s.Config.TransparentListen == "":
		return fmt.Errorf("%s: is empty, and transparent mode needs it; for example %s=%s", listen, listen, transparentListen)
	case s.settings.Mode == Transparent && s.Config.Role == exchange.Server:
		return fmt.Errorf("%sROLE: a server beside the sidecar gets no redirected connections, because the rules redirect those that the pod opens: "+
			"choose the mode explicit", config.Prefix)
	}
	return nil
}

// checkListeners refuses addresses that the sidecar could not bind in a pod, or at which
// nobody would find it. The sidecar would not start, and neither would the application.
func (s *Sidecar) checkListeners() error {
	var all []error
	for _, l := range []struct {
		key, address, example string
		outside               bool // clients come from outside the pod, or from its own address
	}{
		{"LISTEN", s.Config.Listen, "127.0.0.1:9480", s.Config.Role == exchange.Server},
		{"ADMIN_LISTEN", s.Config.AdminListen, "0.0.0.0:9481", true},
		{"TRANSPARENT_LISTEN", s.Config.TransparentListen, "0.0.0.0:9482", true},
	} {
		host, _, err := net.SplitHostPort(l.address)
		if err != nil {
			continue // empty, or config says what is wrong
		}
		ip, err := netip.ParseAddr(host)
		loopback := host == "localhost" || err == nil && ip.IsLoopback()
		everywhere := host == "" || err == nil && ip.IsUnspecified()
		var wrong string
		switch port := Port(l.address); {
		case port < 1024:
			wrong = "has no port from 1024 to 65535, which a sidecar without rights can bind"
		case l.outside && !everywhere:
			wrong = "is not open to clients outside the pod"
		case !loopback && !everywhere:
			wrong = "is neither loopback nor every address, and the pod has no other address yet"
		default:
			continue
		}
		if l.key == "LISTEN" && l.outside {
			l.example = "0.0.0.0:9480"
		}
		all = append(all, fmt.Errorf("%s%s: %q %s; for example %s%s=%s", config.Prefix, l.key, l.address, wrong, config.Prefix, l.key, l.example))
	}
	return errors.Join(all...)
}

// checkPaths refuses paths that are not there when the sidecar starts. A ConfigMap has no
// folders, and neither has a new volume.
func (s *Sidecar) checkPaths() error {
	var all []error
	wrong := func(name, value, what string) {
		all = append(all, fmt.Errorf("%s: %q %s", name, value, what))
	}
	for name, value := range s.env {
		key := strings.TrimPrefix(name, config.Prefix)
		if !strings.HasPrefix(value, ConfigDir) && !strings.HasPrefix(value, DataDir) {
			continue // no path, or config says what is wrong
		}
		switch clean := path.Clean(value); key {
		case "STATE_DIR", "SPOOL_DIR":
			if clean != DataDir {
				wrong(name, value, "is no folder that is there: write "+DataDir)
			}
		case "CAPTURE_FILE":
			if path.Dir(clean) != DataDir {
				wrong(name, value, "is not directly in "+DataDir+"; for example "+DataDir+"/capture.jsonl")
			}
		default: // a file that headway reads
			switch {
			case path.Dir(clean) != ConfigDir:
				wrong(name, value, "is not directly in "+ConfigDir+", where the files of the ConfigMap are")
			case s.settings.ConfigMap == "":
				wrong(name, value, "is a file of a ConfigMap, and none is named: write the annotation headway.dev/config-map: NAME")
			}
		}
	}
	return errors.Join(all...)
}
