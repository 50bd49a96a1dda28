// AWS's SDK for Bedrock, for drive.mjs. The text of an answer is that of its content blocks; blocks has the rest of them.
import { createRequire } from 'node:module';

const installed = createRequire(new URL('../../../.tools/node/', import.meta.url));
const {
  BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, InvokeModelCommand, InvokeModelWithResponseStreamCommand,
} = installed('@aws-sdk/client-bedrock-runtime');
const { NodeHttpHandler } = installed('@smithy/node-http-handler');

export const CALLS = 'calls_bedrock.json';

export const connect = (baseURL) => new BedrockRuntimeClient({
  endpoint: baseURL,
  region: 'us-east-1',
  token: { token: 'interop' },
  authSchemePreference: ['httpBearerAuth'],
  maxAttempts: 1,
  // Its own handler would begin with HTTP/2, as it can with AWS's TLS; headway is reached over plain HTTP/1.1.
  requestHandler: new NodeHttpHandler(),
});

function command({ api, params: { model, stream, ...params } }) {
  if (api === 'converse') return new (stream ? ConverseStreamCommand : ConverseCommand)({ modelId: model, ...params });
  const invoke = { modelId: model, contentType: 'application/json', body: JSON.stringify(params) };
  return new (stream ? InvokeModelWithResponseStreamCommand : InvokeModelCommand)(invoke);
}

export async function request(client, call) {
  let headers;
  const made = command(call);
  made.middlewareStack.add((next) => async (args) => {
    Object.assign(args.request.headers, call.headers);
    const result = await next(args);
    headers = { ...result.response.headers };
    delete headers['content-length']; // a whole answer has times in its body, whose length differs
    return result;
  }, { step: 'deserialize', priority: 'low' });
  const options = call.timeout_ms ? { abortSignal: AbortSignal.timeout(call.timeout_ms) } : {};
  const data = await client.send(made, options);
  return { data: call.params.stream ? data.stream ?? data.body : data, headers };
}

// piece adds one event of a stream to the answer.
export function piece(call, event, answer) {
  answer.blocks ??= [];
  if (call.api === 'converse') {
    converseEvent(event, answer);
    return;
  }
  const inner = JSON.parse(new TextDecoder().decode(event.chunk.bytes));
  if (inner['amazon-bedrock-invocationMetrics']) answer.usage = counts(inner['amazon-bedrock-invocationMetrics']);
  answer.text[0] = (answer.text[0] ?? '') + (inner.generation ?? inner.delta?.text ?? '');
  const reason = inner.stop_reason ?? inner.delta?.stop_reason;
  if (reason) answer.finish_reason = [reason];
}

const counts = ({ inputTokenCount, outputTokenCount }) => ({ inputTokenCount, outputTokenCount });

function converseEvent(event, answer) {
  const { contentBlockStart: start, contentBlockDelta: delta, messageStop, metadata } = event;
  if (start) open(start.contentBlockIndex, { type: 'call', name: start.start.toolUse.name, id: start.start.toolUse.toolUseId }, answer);
  if (delta) {
    const { text, reasoningContent: reasoning, toolUse } = delta.delta;
    open(delta.contentBlockIndex, { type: reasoning ? 'thinking' : 'text' }, answer);
    answer.text[delta.contentBlockIndex] += text ?? reasoning?.text ?? toolUse?.input ?? '';
    if (reasoning?.signature) answer.blocks[delta.contentBlockIndex].signature = reasoning.signature;
  }
  if (messageStop) answer.finish_reason = [messageStop.stopReason];
  if (metadata) answer.usage = metadata.usage;
}

function open(index, block, answer) {
  answer.blocks[index] ??= block;
  answer.text[index] ??= '';
}

// whole takes over an answer that came in one piece.
export function whole(call, data, answer) {
  if (call.api === 'converse') {
    answer.usage = data.usage;
    answer.finish_reason = [data.stopReason];
    answer.blocks = data.output.message.content.map(({ reasoningContent: reasoning, toolUse }, i) => {
      answer.text[i] = data.output.message.content[i].text ?? reasoning?.reasoningText.text ?? JSON.stringify(toolUse.input);
      if (toolUse) return { type: 'call', name: toolUse.name, id: toolUse.toolUseId };
      return reasoning ? { type: 'thinking', signature: reasoning.reasoningText.signature } : { type: 'text' };
    });
    return;
  }
  const inner = JSON.parse(new TextDecoder().decode(data.body));
  answer.text = [inner.generation ?? inner.content[0].text];
  answer.finish_reason = [inner.stop_reason];
  answer.usage = inner.usage;
}
