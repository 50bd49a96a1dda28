// The users of k6 send one chat completion after the other. k6 knows HTTP, so it times the whole answer and its first
// byte. URL and BODY, the name of the file with the body, come from its command line.
import http from "k6/http";

const body = open(__ENV.BODY);

export default function () {
  http.post(__ENV.URL, body, { headers: { "Content-Type": "application/json" } });
}
