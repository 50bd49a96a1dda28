// Makes the calls of a list, one after the other, with an official SDK for Node, and prints one JSON line a call: the
// answer that the application got, and the time at which it left before the end. Without a base URL the SDK goes to its
// provider. Usage: node drive.mjs [--SDK] [BASE_URL], for example --anthropic for sdk_anthropic.mjs.
import { readFileSync } from 'node:fs';

const args = process.argv.slice(2);
const baseURL = args.find((arg) => !arg.startsWith('--'));
const name = args.find((arg) => arg.startsWith('--')) ?? '--openai';
const sdk = await import(`./sdk_${name.slice(2)}.mjs`);
const client = sdk.connect(baseURL);
const calls = JSON.parse(readFileSync(new URL(`../${sdk.CALLS}`, import.meta.url)));

for (const call of calls) {
  const answer = { name: call.name, text: [], finish_reason: [], events: 0 };
  try {
    await make(call, answer);
  } catch (e) {
    answer.left_ms = Date.now();
    answer.error = { type: e.constructor.name, status: e.status ?? e.status_code ?? e.$metadata?.httpStatusCode, code: e.code, kind: e.type, message: e.message };
    answer.headers ??= e.headers?.entries && Object.fromEntries(e.headers);
  }
  console.log(JSON.stringify(answer));
}
process.exit(0); // an SDK may keep a connection open whose answer it has not read to the end

async function make(call, answer) {
  if (call.helper) { // the SDK's own method that puts a stream together
    sdk.whole(call, await sdk.gather(client, call), answer);
    return;
  }
  const { data, headers } = await sdk.request(client, call);
  answer.headers = headers;
  if (!call.params?.stream) {
    sdk.whole(call, data, answer);
    return;
  }
  for await (const event of data) {
    answer.events++;
    sdk.piece(call, event, answer);
    if (answer.events === call.leave_after) {
      answer.left_ms = Date.now();
      sdk.leave?.(data);
      break;
    }
  }
}
