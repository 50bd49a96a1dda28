// Ollama's client, for drive.mjs. The text of an answer is that of its blocks: thinking, text, and calls of tools.
import { createRequire } from 'node:module';

const installed = createRequire(new URL('../../../.tools/node/', import.meta.url));
const { Ollama } = installed('ollama');

export const CALLS = 'calls_ollama.json';

export const connect = (baseURL) => baseURL;

// request makes a client of its own, because only a client has headers.
export async function request(baseURL, call) {
  let headers;
  const client = new Ollama({
    host: baseURL,
    fetch: async (url, init) => {
      const signal = AbortSignal.any([init.signal, call.timeout_ms && AbortSignal.timeout(call.timeout_ms)].filter(Boolean));
      const response = await fetch(url, { ...init, signal, headers: { ...init.headers, ...call.headers } });
      headers = Object.fromEntries(response.headers);
      delete headers['content-length']; // a whole answer has times in its body, whose length differs
      return response;
    },
  });
  return { data: await client[call.api](call.params), headers };
}

// piece adds one line of a stream to the answer.
export function piece(call, line, answer) {
  answer.model = line.model;
  answer.blocks ??= [];
  const { content, thinking, tool_calls: calls } = line.message ?? { content: line.response, thinking: line.thinking };
  add('thinking', thinking, answer);
  add('text', content, answer);
  for (const { function: { name, arguments: input } } of calls ?? []) {
    answer.blocks.push({ type: 'call', name });
    answer.text.push(JSON.stringify(input));
  }
  if (line.done) {
    answer.finish_reason = [line.done_reason];
    answer.usage = { prompt_eval_count: line.prompt_eval_count, eval_count: line.eval_count };
  }
}

function add(type, text, answer) {
  if (!text) return;
  if (answer.blocks.at(-1)?.type !== type) {
    answer.blocks.push({ type });
    answer.text.push('');
  }
  answer.text[answer.text.length - 1] += text;
}

// whole takes over an answer that came in one piece.
export function whole(call, data, answer) {
  if (call.api !== 'embed') {
    piece(call, data, answer);
    return;
  }
  answer.model = data.model;
  answer.text = data.embeddings.map((vector) => vector.join(' '));
  answer.usage = { prompt_eval_count: data.prompt_eval_count };
}

// leave ends a stream that the application does not want any more.
export const leave = (data) => data.abort();
