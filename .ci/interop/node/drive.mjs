// Makes the calls of a list, one after the other, with an official SDK for Node, and prints one JSON line a call: the
// answer that the application got, and the time at which it left before the end. Without a base URL the SDK goes to its
// provider. Usage: node drive.mjs [--anthropic] [BASE_URL]
import { readFileSync } from 'node:fs';

const args = process.argv.slice(2);
const baseURL = args.find((arg) => !arg.startsWith('--'));
const sdk = await import(args.includes('--anthropic') ? './sdk_anthropic.mjs' : './sdk_openai.mjs');
const client = sdk.connect(baseURL);
const calls = JSON.parse(readFileSync(new URL(`../${sdk.CALLS}`, import.meta.url)));

for (const call of calls) {
  const answer = { name: call.name, text: [], finish_reason: [], events: 0 };
  try {
    await make(call, answer);
  } catch (e) {
    answer.left_ms = Date.now();
    answer.error = { type: e.constructor.name, status: e.status, code: e.code, kind: e.type, message: e.message };
    answer.headers ??= e.headers && Object.fromEntries(e.headers);
  }
  console.log(JSON.stringify(answer));
}

async function make(call, answer) {
  if (call.helper) { // the SDK's own method that puts a stream together
    sdk.whole(call, await sdk.gather(client, call), answer);
    return;
  }
  const options = { headers: call.headers, maxRetries: call.retries ?? 0 };
  if (call.timeout_ms) options.timeout = call.timeout_ms;
  const { data, response } = await sdk.request(client, call, options).withResponse();
  answer.headers = Object.fromEntries(response.headers);
  if (!call.params?.stream) {
    sdk.whole(call, data, answer);
    return;
  }
  for await (const event of data) {
    answer.events++;
    sdk.piece(call, event, answer);
    if (answer.events === call.leave_after) {
      answer.left_ms = Date.now();
      break;
    }
  }
}
