// Makes the calls of calls_clients.json, one after the other, with a client that has words of its own for them, and
// prints one JSON line a call: the answer that the application got, and the time at which it left before the end. Only
// the calls of the APIs in a list are made. Usage: node clients.mjs CLIENT API,API,… BASE_URL
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [client, apis, baseURL] = process.argv.slice(2);
const installed = createRequire(new URL('../../../.tools/node/', import.meta.url));
const load = (name) => import(pathToFileURL(installed.resolve(name)));
const { connect } = await import(`./client_${client.split('-')[0]}.mjs`);
const make = await connect(baseURL, load, client);
const calls = JSON.parse(readFileSync(new URL('../calls_clients.json', import.meta.url)));

for (const call of calls.filter((c) => apis.split(',').includes(c.api))) {
  // A client adds to text and reasoning, and sets calls, a list of {name, input}, finish, usage and embedding.
  const answer = { name: call.name, text: '', reasoning: '', events: 0 };
  const leaving = new AbortController();
  // piece counts an event of a stream. It returns true when the application leaves.
  const piece = () => {
    answer.events++;
    if (answer.events !== call.leave_after) return false;
    answer.left_ms = Date.now();
    leaving.abort();
    return true;
  };
  try {
    await make(call, answer, { piece, signal: leaving.signal });
  } catch (e) {
    if (!answer.left_ms) {
      answer.left_ms = Date.now();
      answer.error = { type: e.constructor.name, status: e.statusCode ?? e.status, code: e.code, message: e.message };
    }
  }
  if (!answer.calls?.length) delete answer.calls;
  if (answer.embedding) answer.embedding = answer.embedding.slice(0, 8).map((v) => v.toFixed(4)).join(' ');
  console.log(JSON.stringify(answer));
}
process.exit(0); // what a client keeps open is not waited for
