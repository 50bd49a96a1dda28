// Anthropic's SDK, for drive.mjs. The text of an answer is that of its content blocks; blocks has the rest of them.
import { createRequire } from 'node:module';
import { options, reply } from './stainless.mjs';

const installed = createRequire(new URL('../../../.tools/node/', import.meta.url));
const Anthropic = installed('@anthropic-ai/sdk');

export const CALLS = 'calls_anthropic.json';

export const connect = (baseURL) => new Anthropic({ baseURL, apiKey: 'sk-interop', logLevel: 'off' });

// params are the parameters of a call and, for the simulator, those that the SDK does not know.
const params = (call) => ({ ...call.params, ...call.extra });

const apis = {
  messages: (client, call) => client.messages.create(params(call), options(call)),
  count_tokens: (client, call) => client.messages.countTokens(params(call), options(call)),
};

export const request = (client, call) => reply(apis[call.api](client, call));

export const gather = (client, call) => client.messages.stream(params(call)).finalMessage();

// piece adds one event of a stream to the answer.
export function piece(call, event, answer) {
  switch (event.type) {
    case 'message_start':
      about(event.message, answer);
      answer.blocks = [];
      break;
    case 'content_block_start':
      take(event.content_block, event.index, answer);
      break;
    case 'content_block_delta': {
      const { text, thinking, partial_json: input, signature } = event.delta;
      answer.text[event.index] += text ?? thinking ?? input ?? '';
      if (signature) answer.blocks[event.index].signature = signature;
      break;
    }
    case 'message_delta':
      answer.usage = { ...answer.usage, ...event.usage };
      answer.finish_reason = [event.delta.stop_reason];
      break;
  }
}

// whole takes over an answer that came, or was put together, in one piece.
export function whole(call, data, answer) {
  if (call.api === 'count_tokens') {
    answer.usage = data;
    return;
  }
  about(data, answer);
  answer.finish_reason = [data.stop_reason];
  answer.blocks = [];
  data.content.forEach((block, index) => {
    take(block, index, answer);
    if (block.type === 'tool_use') answer.text[index] = JSON.stringify(block.input);
  });
}

function about(message, answer) {
  answer.id = message.id;
  answer.model = message.model;
  answer.usage = message.usage;
}

function take({ type, text, thinking, signature, id, name }, index, answer) {
  answer.text[index] = text ?? thinking ?? '';
  answer.blocks[index] = { type, signature, id, name };
}
