// OpenAI's SDK, for drive.mjs.
import { createRequire } from 'node:module';
import { options, reply } from './stainless.mjs';

const installed = createRequire(new URL('../../../.tools/node/', import.meta.url));
const OpenAI = installed('openai');

export const CALLS = 'calls.json';

export const connect = (baseURL) => new OpenAI({ baseURL, apiKey: 'sk-interop' });

const apis = {
  chat: (client, call) => client.chat.completions.create(call.params, options(call)),
  completions: (client, call) => client.completions.create(call.params, options(call)),
  responses: (client, call) => client.responses.create(call.params, options(call)),
  embeddings: (client, call) => client.embeddings.create(call.params, options(call)),
  models: (client, call) => client.models.list(options(call)),
  raw: (client, call) => client.post(call.path, { ...options(call), body: call.params }),
};

export const request = (client, call) => reply(apis[call.api](client, call));

export function gather(client, call) {
  return call.api === 'chat'
    ? client.chat.completions.stream(call.params).finalChatCompletion()
    : client.responses.stream(call.params).finalResponse();
}

// piece adds one event of a stream to the answer.
export function piece(call, event, answer) {
  if (call.api === 'responses') {
    if (event.type === 'response.output_text.delta') answer.text[0] = (answer.text[0] ?? '') + event.delta;
    if (!event.response) return;
    about(event.response, answer);
    answer.finish_reason = [event.response.incomplete_details?.reason ?? event.response.status];
    return;
  }
  answer.id = event.id;
  answer.model = event.model;
  answer.usage = event.usage ?? answer.usage;
  for (const choice of event.choices) {
    const text = call.api === 'chat' ? choice.delta.content : choice.text;
    answer.text[choice.index] = (answer.text[choice.index] ?? '') + (text ?? '');
    answer.finish_reason[choice.index] = choice.finish_reason;
  }
}

// whole takes over an answer that came, or was put together, in one piece.
export function whole(call, data, answer) {
  about(data, answer);
  switch (call.api) {
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

function about(data, answer) {
  answer.id = data.id;
  answer.model = data.model;
  answer.usage = data.usage;
}
