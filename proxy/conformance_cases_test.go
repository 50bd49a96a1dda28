package proxy_test

import (
	"strings"
)

// conversations are the cases of TestConformance. SERVER is the server's own name.
func conversations() []conversation {
	const (
		get  = "GET /v1/models?a=%20b HTTP/1.1\r\nHost: SERVER\r\n\r\n"
		post = "POST /v1/chat HTTP/1.1\r\nHost: SERVER\r\nContent-Type: application/json\r\n"
		ok   = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
		big  = 96 << 10
	)
	return []conversation{
		{name: "fixed bodies both ways", steps: []step{
			says(client, post+"Content-Length: 5\r\n\r\nhello"), says(server, ok),
		}},
		{name: "chunked bodies both ways, extensions and trailers", steps: []step{
			says(client, post+"Transfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n3;a=\"b\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nSum: 1\r\n\r\n"),
			says(server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n2;x\r\nok\r\n"),
			says(server, "003\r\nabc\r\n0\r\nT: 1\r\nU: 2\r\n\r\n"),
		}},
		{name: "a body that comes after its head", steps: []step{
			says(client, post+"Content-Length: 10\r\n\r\n"), says(server, ""), unasked(client, "01234"), unasked(client, "56789"), says(server, ok),
		}},
		{name: "100-continue end to end", steps: []step{
			says(client, post+"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"), says(server, "HTTP/1.1 100 Continue\r\n\r\n"),
			says(client, "hello"), says(server, ok),
		}},
		{name: "100-continue refused", steps: []step{
			says(client, post+"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"),
			says(server, "HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"), does(server, closes),
		}, touch: []touch{{
			way: "explicit", why: "headway writes Connection itself, as the last field (RFC 9110, 7.6.1)",
			response: edit{"Connection: close\r\nContent-Length: 2\r\n", "Content-Length: 2\r\nConnection: close\r\n"},
		}}},
		{name: "103 and other interim responses", steps: []step{
			says(client, get), says(server, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), says(server, "HTTP/1.1 102 Processing\r\n\r\n"+ok),
		}},
		{name: "HEAD", steps: []step{
			says(client, "HEAD / HTTP/1.1\r\nHost: SERVER\r\n\r\n"), says(server, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
			says(client, get), says(server, ok),
		}},
		{name: "204", steps: []step{
			says(client, get), says(server, "HTTP/1.1 204 No Content\r\n\r\n"), says(client, get), says(server, ok),
		}},
		{name: "304 with a length", steps: []step{
			says(client, get), says(server, "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 1000\r\n\r\n"), says(client, get), says(server, ok),
		}},
		{name: "client of HTTP/1.0", steps: []step{
			says(client, "GET / HTTP/1.0\r\nHost: SERVER\r\n\r\n"), says(server, ok), does(server, closes),
		}, touch: []touch{{
			way: "explicit", why: "a proxy speaks its own version (RFC 9110, 2.5), and headway announces the end of the connection",
			request:  edit{"HTTP/1.0", "HTTP/1.1"},
			response: edit{"Content-Length: 2\r\n", "Content-Length: 2\r\nConnection: close\r\n"},
		}}},
		{name: "server of HTTP/1.0", steps: []step{
			says(client, get), says(server, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"), does(server, closes),
		}, touch: []touch{{
			way: "explicit", why: "a proxy speaks its own version (RFC 9110, 2.5); the client's connection can stay",
			response: edit{"HTTP/1.0", "HTTP/1.1"}, ending: edit{"FIN", "open"},
		}}},
		{name: "close-delimited body", steps: []step{
			says(client, get), says(server, "HTTP/1.1 200 OK\r\nX: y\r\n\r\nuntil "), says(server, "the end"), does(server, closes),
		}, touch: []touch{{
			way: "explicit", why: "headway announces the end of the connection (RFC 9112, 9.6)",
			response: edit{"X: y\r\n", "X: y\r\nConnection: close\r\n"},
		}}},
		{name: "close-delimited body, cut by a reset", steps: []step{
			says(client, get), says(server, "HTTP/1.1 200 OK\r\nX: y\r\n\r\nuntil "), does(client, listens), does(server, resets),
		}, touch: []touch{{
			way: "explicit", why: "headway announces the end of the connection (RFC 9112, 9.6)",
			response: edit{"X: y\r\n", "X: y\r\nConnection: close\r\n"},
		}}},
		{name: "fixed body cut short", steps: []step{
			says(client, get), says(server, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"), does(server, closes),
		}},
		{name: "stream cut between chunks", steps: []step{
			says(client, get), says(server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata: \r\n"), does(server, closes),
		}},
		{name: "stream cut by a reset", steps: []step{
			says(client, get), says(server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata: \r\n"), does(client, listens), does(server, resets),
		}},
		{name: "pipelined requests", steps: []step{
			says(client, get+get+get), answers(3, ok),
		}},
		{name: "keep-alive reuse", steps: []step{
			says(client, get), says(server, ok), says(client, post+"Content-Length: 2\r\n\r\nhi"), says(server, ok), says(client, get), says(server, ok),
		}},
		{name: "another connection", steps: []step{
			says(client, get), says(server, ok), anew(get), says(server, ok),
		}},
		{name: "client asks to close", steps: []step{
			says(client, "GET / HTTP/1.1\r\nHost: SERVER\r\nConnection: close\r\n\r\n"), says(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"), does(server, closes),
		}, touch: []touch{{
			way: "explicit", why: "Connection is for one hop (RFC 9110, 7.6.1)", request: edit{"Connection: close\r\n", ""},
		}}},
		{name: "hop-by-hop fields", steps: []step{
			says(client, "GET / HTTP/1.1\r\nHost: SERVER\r\nConnection: keep-alive, X-Mine\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nX-Mine: 1\r\nX-Yours: 2\r\n\r\n"),
			says(server, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\n{}"),
		}, touch: []touch{{
			way: "explicit", why: "fields for one hop end here (RFC 9110, 7.6.1)",
			request:  edit{"Connection: keep-alive, X-Mine\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nX-Mine: 1\r\n", ""},
			response: edit{"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n", ""},
		}}},
		{name: "repeated and odd-cased fields, obs-text", steps: []step{
			says(client, "GET / HTTP/1.1\r\nx-ONE:1\r\nhOsT: SERVER\r\nX-Two: \t 2 \r\nx-one: 3\r\nEmpty:\r\nO: \xff\x80\xe9\r\n\r\n"),
			says(server, "HTTP/1.1 299 W\xe9ird  reason\r\nset-COOKIE: a=b\r\nSet-Cookie:c=d\r\nO: \xff\x80\r\ncontent-LENGTH: 0\r\n\r\n"),
		}},
		{name: "target byte for byte", steps: []step{
			says(client, "GET /v1//a%2Fb/../c?q=%20a+b&&;' HTTP/1.1\r\nHost: SERVER\r\n\r\n"), says(server, ok),
		}},
		{name: "unknown method and reason", steps: []step{
			says(client, "FROB-nicate / HTTP/1.1\r\nHost: SERVER\r\n\r\n"), says(server, "HTTP/1.1 799\r\nContent-Length: 0\r\n\r\n"),
		}},
		{name: "coded bodies", steps: []step{
			says(client, post+"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00"),
			says(server, "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\n\x0b\x00\x80\x03"),
			says(client, post+"Content-Encoding: zstd\r\nContent-Length: 4\r\n\r\n\x28\xb5\x2f\xfd"),
			says(server, "HTTP/1.1 200 OK\r\nContent-Encoding: zstd, gzip\r\nContent-Length: 3\r\n\r\nzzz"),
		}},
		{name: "64 KiB of fields both ways", steps: []step{
			says(client, "GET / HTTP/1.1\r\nHost: SERVER\r\nX: "+strings.Repeat("x", 64<<10)+"\r\n\r\n"),
			says(server, "HTTP/1.1 200 OK\r\nY: "+strings.Repeat("y", 64<<10)+"\r\nContent-Length: 2\r\n\r\n{}"),
		}},
		{name: "bodies larger than any buffer", steps: []step{
			says(client, post+"Content-Length: 98304\r\n\r\n"+strings.Repeat("q", big-4)+"end!"),
			says(server, "HTTP/1.1 200 OK\r\nContent-Length: 98304\r\n\r\n"+strings.Repeat("a", big-4)+"end."),
		}},
		{name: "server-sent events", steps: []step{
			says(client, post+"Content-Length: 2\r\n\r\n{}"),
			says(server, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"),
			says(server, "d\r\ndata: {\"a\":1}\r\n"), says(server, "2\r\n\n\n\r\n"), says(server, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"),
		}},
		{name: "upgrade, both speak", steps: []step{
			says(client, "GET /v1/realtime HTTP/1.1\r\nHost: SERVER\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhl\r\nConnection: Upgrade\r\n\r\n"),
			says(server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
			says(client, "\x81\x85\x01\x02\x03\x04ping!"), says(server, "\x81\x05pong!"), says(client, "\x88\x00"), says(server, "\x88\x00"), does(server, closes),
		}},
		{name: "upgrade, the client ends first", steps: []step{
			says(client, "GET /v1/realtime HTTP/1.1\r\nHost: SERVER\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
			says(server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
			says(client, "last"), says(server, "one more"), does(client, halfCloses), hearsEnd(server), says(server, "and another"), does(server, closes),
		}},
		{name: "upgrade, the server ends first", steps: []step{
			says(client, "GET /v1/realtime HTTP/1.1\r\nHost: SERVER\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
			says(server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
			does(server, halfCloses), hearsEnd(client), says(client, "still here"), says(server, ""),
		}},
		{name: "upgrade, reset by the server", steps: []step{
			says(client, "GET /v1/realtime HTTP/1.1\r\nHost: SERVER\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
			says(server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
			does(client, listens), does(server, resets),
		}},
		{name: "upgrade refused", steps: []step{
			says(client, "GET /v1/realtime HTTP/1.1\r\nHost: SERVER\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), says(server, ok),
			says(client, get), says(server, ok),
		}},
		{name: "answer before the request's end", steps: []step{
			says(client, post+"Content-Length: 500000\r\n\r\nsome"), says(server, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"), does(server, closes),
		}},
		{name: "server closes an idle connection", steps: []step{
			says(client, get), says(server, ok), does(client, listens), does(server, closes),
		}, touch: []touch{{
			way: "explicit", why: "idle connections are headway's own on either side", ending: edit{"FIN", "open"},
		}}},
		{name: "server closes after its answer", steps: []step{
			says(client, get), says(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"), does(server, closes),
		}, touch: []touch{{
			way: "explicit", why: "Connection is for one hop (RFC 9110, 7.6.1)", response: edit{"Connection: close\r\n", ""}, ending: edit{"FIN", "open"},
		}}},
		{name: "HTTP/2 with prior knowledge", steps: []step{
			says(client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
			says(server, "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00"), says(client, "\x00\x00\x00\x04\x01\x00\x00\x00\x00"),
			does(client, halfCloses), hearsEnd(server), says(server, "goodbye"), does(server, closes),
		}},
		{name: "HTTP/2 preface in pieces", steps: []step{
			says(client, "PRI * HT"), does(client, pauses), says(client, "TP/2.0\r\n\r\nSM"), does(client, pauses), says(client, "\r\n\r\nsettings"),
			says(server, "settings"), does(client, listens), does(server, resets),
		}},
	}
}

// conversationsOfPairs are for transparent mode only: their two ends have to share one
// connection, or a proxy may not forward them.
func conversationsOfPairs() []conversation {
	const (
		get = "GET /v1/models HTTP/1.1\r\nHost: SERVER\r\n\r\n"
		ok  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
	)
	return []conversation{
		{pair: true, name: "CONNECT", steps: []step{
			says(client, "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n"), says(server, "HTTP/1.1 200 Connection established\r\n\r\n"),
			says(client, "\x16\x03\x01hello"), says(server, "\x16\x03\x03hello"), does(client, halfCloses), hearsEnd(server), says(server, "the rest"), does(server, closes),
		}},
		{pair: true, name: "CONNECT refused", steps: []step{
			says(client, "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n"), says(server, "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno"),
			says(client, get), says(server, ok),
		}},
		{pair: true, name: "absolute form", steps: []step{says(client, "GET http://far.example/a HTTP/1.1\r\nHost: far.example\r\nProxy-Connection: keep-alive\r\n\r\n"), says(server, ok)}},
		{pair: true, name: "HTTP/1.0 kept alive", steps: []step{
			says(client, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), says(server, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}"),
			says(client, "GET / HTTP/1.0\r\n\r\n"), says(server, "HTTP/1.0 200 OK\r\n\r\n{}"), does(server, closes),
		}},
		{pair: true, name: "empty lines before requests", steps: []step{says(client, get), says(server, ok), says(client, "\r\n\r\n"+get), says(server, ok)}},
		{pair: true, name: "client that ends its side after the request", steps: []step{
			says(client, get), says(server, ""), does(client, halfCloses), hearsEnd(server), says(server, ok), does(server, closes),
		}},
		{pair: true, name: "client that ends its side after pipelining", steps: []step{
			says(client, get+get), does(client, halfCloses), answers(2, ok), hearsEnd(server), does(server, closes),
		}},
		{pair: true, name: "client that ends its side inside a body", steps: []step{
			says(client, "POST / HTTP/1.1\r\nHost: SERVER\r\nContent-Length: 10\r\n\r\nabcd"), says(server, ""), does(client, halfCloses), hearsEnd(server),
			says(server, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), does(server, closes),
		}},
		{pair: true, name: "client that ends its side inside a head", steps: []step{
			says(client, "GET / HTTP/1.1\r\nHo"), does(client, halfCloses), hearsEnd(server), says(server, "HTTP/1.1 400 Bad Request\r\n\r\n"), does(server, closes),
		}},
		{pair: true, name: "client that ends an idle connection", steps: []step{
			says(client, get), says(server, ok), does(client, halfCloses), hearsEnd(server), does(server, closes),
		}},
		{pair: true, name: "server that says goodbye to an idle connection", steps: []step{
			says(client, get), says(server, ok), does(client, listens), says(server, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"), does(server, closes),
		}},
		{pair: true, name: "server that resets an idle connection", steps: []step{says(client, get), says(server, ok), does(client, listens), does(server, resets)}},
		{pair: true, name: "server that closes without an answer", steps: []step{says(client, get), does(server, listens), says(server, ""), does(server, closes)}},
		{pair: true, name: "server that resets without an answer", steps: []step{says(client, get), says(server, ""), does(server, resets)}},
		{pair: true, name: "server that closes inside a head", steps: []step{says(client, get), says(server, "HTTP/1.1 200 OK\r\nA: b"), does(server, closes)}},
		{pair: true, name: "a response that is none", steps: []step{
			says(client, get), says(server, "+OK\r\n"), says(client, "QUIT\r\n"), says(server, "+BYE\r\n"), does(server, closes),
		}},
		{pair: true, name: "a response of which more comes than it says", steps: []step{
			says(client, get), says(server, ok+"more"), says(client, get), says(server, ok),
		}},
		{pair: true, name: "a response whose chunks are broken", steps: []step{
			says(client, get), says(server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nxyz, and so on"), says(client, get), says(server, ok),
		}},
		{pair: true, name: "a response of two lengths", steps: []step{
			says(client, get), says(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}"), says(client, get), says(server, ok),
		}},
		{pair: true, name: "a request of two lengths", steps: []step{
			says(client, "POST / HTTP/1.1\r\nHost: SERVER\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), says(server, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
			says(client, get), says(server, ok),
		}},
		{pair: true, name: "a malformed request after a good one", steps: []step{
			says(client, get), says(server, ok), says(client, "GET / HTTP/1.1\nHost: SERVER\nX: yes\n\n"), says(server, ok), says(client, get), says(server, ok),
		}},
		{pair: true, name: "a request whose chunks are broken", steps: []step{
			says(client, "POST / HTTP/1.1\r\nHost: SERVER\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nxyz, and so on"),
			says(server, "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno"), says(client, "but here is more"), says(server, "no"), does(server, closes),
		}},
		{pair: true, name: "another protocol after a request", steps: []step{
			says(client, get), says(server, ok), says(client, "EHLO me\r\n"), says(server, "250 you\r\n"), says(client, "\x00\x01\x02\x03"), says(server, "bye."), does(server, closes),
		}},
		{pair: true, name: "101 that was not asked for", steps: []step{
			says(client, get), says(server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), says(client, "well"), says(server, "then"), does(server, closes),
		}},
		{pair: true, name: "fields larger than headway reads", steps: []step{
			says(client, "GET / HTTP/1.1\r\nHost: SERVER\r\nX: "+strings.Repeat("x", 300<<10)+"\r\n\r\n"),
			says(server, "HTTP/1.1 200 OK\r\nY: "+strings.Repeat("y", 300<<10)+"\r\nContent-Length: 2\r\n\r\n{}"),
		}},
	}
}
