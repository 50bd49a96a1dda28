//go:build !linux

package redirect

func netlinkInstall(Plan, []Family) error { return errNoNftables }

func netlinkRemove() ([]Family, error) { return nil, errNoNftables }

func netlinkInstalled() (string, error) { return "", errNoNftables }
