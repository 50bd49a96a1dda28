package main

import (
	"fmt"
	"os/user"
	"strings"
)

// nginxConfig is the configuration of an nginx that is tuned for streams of tokens: it buffers nothing,
// keeps upstream connections and has one worker.
func nginxConfig(a addresses, dir string) string {
	var b strings.Builder
	// By default a worker of root's nginx runs as a user who cannot enter dir.
	if u, err := user.Current(); err == nil && u.Uid == "0" {
		fmt.Fprintf(&b, "user %s;\n", u.Username)
	}
	fmt.Fprintf(&b, `daemon off;
worker_processes 1;
worker_rlimit_nofile %[1]d;
pid %[2]s/nginx.pid;
error_log %[2]s/error.log warn;
events {
    worker_connections %[1]d;
}
http {
    access_log off;
    tcp_nodelay on;
    keepalive_timeout 1h;
    keepalive_requests 100000000;
    client_body_temp_path %[2]s/body;
    proxy_temp_path %[2]s/proxy;
    fastcgi_temp_path %[2]s/fastcgi;
    uwsgi_temp_path %[2]s/uwsgi;
    scgi_temp_path %[2]s/scgi;
    upstream model {
        server 127.0.0.1:%[3]d;
        keepalive 512;
        keepalive_timeout 1h;
        keepalive_requests 100000000;
    }
    server {
        listen 127.0.0.1:%[4]d backlog=4096;
        location / {
%[5]s            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_read_timeout 1h;
        }
    }
}
`, descriptors(a.maxStreams), dir, a.upstreamPort, a.port, nginxUpstream(a))
	return b.String()
}

// nginxUpstream names the upstream of a location. nginx before 1.23.4 offers TLS 1.2 at most, unless
// it is asked for more.
func nginxUpstream(a addresses) string {
	if a.authority == "" {
		return "            proxy_pass http://model;\n"
	}
	return fmt.Sprintf(`            proxy_pass https://model;
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_name %s;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate %s;
`, upstreamName, a.authority)
}

// haproxyTunnel is the configuration of an HAProxy that carries bytes and reads no HTTP.
func haproxyTunnel(a addresses) string {
	return fmt.Sprintf(`global
    nbthread 1
    maxconn %d
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend app
    bind 127.0.0.1:%d backlog 4096
    default_backend model
backend model
    server upstream 127.0.0.1:%d
`, a.maxStreams+200, a.port, a.upstreamPort)
}

// haproxyConfig is the configuration of an HAProxy that forwards HTTP. Without http-no-delay it would hold
// small chunks back to fill segments.
func haproxyConfig(a addresses) string {
	return fmt.Sprintf(`global
    nbthread 1
    maxconn %d
defaults
    mode http
    option http-no-delay
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout http-keep-alive 1h
frontend app
    bind 127.0.0.1:%d backlog 4096
    default_backend model
backend model
    server upstream 127.0.0.1:%d%s
`, a.maxStreams+200, a.port, a.upstreamPort, haproxyTLS(a))
}

// haproxyTLS is what a server line needs for an upstream that speaks TLS.
func haproxyTLS(a addresses) string {
	if a.authority == "" {
		return ""
	}
	return fmt.Sprintf(" ssl verify required ca-file %s verifyhost %s", a.authority, upstreamName)
}
