// Google's SDK, for drive.mjs. The text of an answer is that of its parts; the neighbors of one kind in a stream are one.
import { createRequire } from 'node:module';

const installed = createRequire(new URL('../../../.tools/node/', import.meta.url));
const { GoogleGenAI } = installed('@google/genai');

export const CALLS = 'calls_gemini.json';

export const connect = (baseURL) => ({
  gemini: new GoogleGenAI({ apiKey: 'interop', httpOptions: { baseUrl: baseURL } }),
  vertex: new GoogleGenAI({ vertexai: true, apiKey: 'interop', httpOptions: { baseUrl: baseURL } }),
});

const apis = {
  generate: (models, params) => models.generateContent(params),
  stream: (models, params) => models.generateContentStream(params),
  embed: (models, params) => models.embedContent(params),
  count_tokens: (models, params) => models.countTokens(params),
};

export async function request(clients, call) {
  const { stream, ...params } = call.params;
  const { models } = call.vertex ? clients.vertex : clients.gemini;
  params.config = { ...params.config, httpOptions: { headers: call.headers, timeout: call.timeout_ms } };
  const data = await apis[stream ? 'stream' : call.api](models, params);
  return { data, headers: data.sdkHttpResponse?.headers };
}

// piece adds one event of a stream to the answer.
export function piece(call, event, answer) {
  answer.headers ??= event.sdkHttpResponse?.headers;
  const [candidate] = event.candidates ?? [];
  answer.id = event.responseId;
  answer.model = event.modelVersion;
  answer.usage = event.usageMetadata;
  answer.blocks ??= [];
  for (const part of candidate?.content?.parts ?? []) take(part, answer);
  if (candidate?.finishReason) answer.finish_reason = [candidate.finishReason];
}

function take(part, answer) {
  const type = part.functionCall ? 'call' : part.thought ? 'thought' : 'text';
  const text = part.text ?? JSON.stringify(part.functionCall.args);
  if (text === '') return; // the last part of a stream
  const last = answer.blocks.length - 1;
  if (type !== 'call' && answer.blocks[last]?.type === type) {
    answer.text[last] += text;
    return;
  }
  answer.text.push(text);
  answer.blocks.push({ type, name: part.functionCall?.name });
}

// whole takes over an answer that came in one piece.
export function whole(call, data, answer) {
  switch (call.api) {
    case 'embed':
      answer.text = data.embeddings.map((e) => e.values.join(' '));
      return;
    case 'count_tokens':
      answer.usage = { totalTokens: data.totalTokens };
      return;
  }
  piece(call, data, answer);
}
