// Makes the calls of ../calls.json, one after the other, with the official OpenAI SDK for Node, and prints one JSON
// line a call: what the application got, and when it left before the end. Without a base URL the SDK goes where it goes
// by itself. Usage: node drive.mjs [BASE_URL]
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const installed = createRequire(new URL('../../../.tools/node/', import.meta.url));
const OpenAI = installed('openai');

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'sk-interop', maxRetries: 0 });
const calls = JSON.parse(readFileSync(new URL('../calls.json', import.meta.url)));

// piece adds one event of a stream to the answer.
const piece = {
  chat: choices((choice) => choice.delta.content),
  completions: choices((choice) => choice.text),
  responses(event, answer) {
    if (event.type === 'response.output_text.delta') answer.text[0] = (answer.text[0] ?? '') + event.delta;
    if (!event.response) return;
    answer.id = event.response.id;
    answer.model = event.response.model;
    answer.usage = event.response.usage;
    answer.finish_reason = [event.response.incomplete_details?.reason ?? event.response.status];
  },
};

for (const call of calls) {
  const answer = { name: call.name, text: [], finish_reason: [], events: 0 };
  try {
    await (call.helper ? withHelper : plainly)(call, answer);
  } catch (e) {
    answer.left_ms = Date.now();
    answer.error = { type: e.constructor.name, status: e.status, code: e.code, message: e.message };
    answer.headers ??= e.headers && Object.fromEntries(e.headers);
  }
  console.log(JSON.stringify(answer));
}

// plainly uses the method that returns the answer, or the stream as it comes.
async function plainly(call, answer) {
  const { data, response } = await request(call).withResponse();
  answer.headers = Object.fromEntries(response.headers);
  if (!call.params?.stream) {
    whole(call.api, data, answer);
    return;
  }
  for await (const event of data) {
    answer.events++;
    piece[call.api](event, answer);
    if (answer.events === call.leave_after) {
      answer.left_ms = Date.now();
      break;
    }
  }
}

function request(call) {
  const options = { headers: call.headers, maxRetries: call.retries ?? 0 };
  if (call.timeout_ms) options.timeout = call.timeout_ms;
  switch (call.api) {
    case 'chat': return client.chat.completions.create(call.params, options);
    case 'completions': return client.completions.create(call.params, options);
    case 'responses': return client.responses.create(call.params, options);
    case 'embeddings': return client.embeddings.create(call.params, options);
    case 'models': return client.models.list(options);
    case 'raw': return client.post(call.path, { ...options, body: call.params });
  }
  throw new Error(`${call.name}: no API ${call.api}`);
}

// withHelper uses the SDK's own accumulation of a stream into an answer.
async function withHelper(call, answer) {
  const data = call.api === 'chat'
    ? await client.chat.completions.stream(call.params).finalChatCompletion()
    : await client.responses.stream(call.params).finalResponse();
  whole(call.api, data, answer);
}

// whole takes over an answer that came, or was put together, in one piece.
function whole(api, data, answer) {
  answer.id = data.id;
  answer.model = data.model;
  answer.usage = data.usage;
  switch (api) {
    case 'embeddings':
      answer.text = data.data.map((d) => d.embedding.join(' '));
      break;
    case 'models':
      answer.text = data.data.map((m) => m.id);
      break;
    case 'responses':
      answer.text = [data.output_text];
      answer.finish_reason = [data.incomplete_details?.reason ?? data.status];
      break;
    default:
      for (const choice of data.choices) {
        answer.text[choice.index] = choice.text ?? choice.message.content;
        answer.finish_reason[choice.index] = choice.finish_reason;
      }
  }
}

function choices(textOf) {
  return (chunk, answer) => {
    answer.id = chunk.id;
    answer.model = chunk.model;
    answer.usage = chunk.usage ?? answer.usage;
    for (const choice of chunk.choices) {
      answer.text[choice.index] = (answer.text[choice.index] ?? '') + (textOf(choice) ?? '');
      answer.finish_reason[choice.index] = choice.finish_reason;
    }
  };
}
