// Makes calls with an SDK for Node and its own retry settings, and prints one JSON line a call: the attempts as the
// client itself sees them, when the call began and ended for the application, and how. The calls are read from
// standard input: [{"id", "sdk", "url", "prompt", "stream", "timeout_ms"}, …]; timeout_ms is 0 for the SDK's own.
// They run at the same time, each with a client of its own, and start one after the other.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const installed = createRequire(new URL('../../../.tools/node/', import.meta.url));
const load = (name) => import(pathToFileURL(installed.resolve(name)));

const START_APART_MS = 25;

// sdks make one call and return the text of the answer. They tell the log of every attempt.
const sdks = {
  async 'openai-node'(call, log) {
    const { default: OpenAI } = await load('openai');
    const options = call.timeout_ms ? { timeout: call.timeout_ms } : {};
    const client = new OpenAI({ baseURL: `${call.url}/v1`, apiKey: 'sk-interop', fetch: log.fetch, ...options });
    return () => chat(client, call, 'gpt-4o-mini');
  },

  async 'anthropic-node'(call, log) {
    const { default: Anthropic } = await load('@anthropic-ai/sdk');
    const options = call.timeout_ms ? { timeout: call.timeout_ms } : {};
    const client = new Anthropic({ baseURL: call.url, apiKey: 'sk-interop', fetch: log.fetch, ...options });
    return async () => {
      const answer = await client.messages.create({
        model: 'claude-sonnet-4-5', max_tokens: 16, stream: call.stream, messages: [{ role: 'user', content: call.prompt }],
      });
      if (!call.stream) return answer.content[0].text;
      return gather(answer, (event) => (event.type === 'content_block_delta' ? event.delta.text : ''));
    };
  },

  async 'google-genai-node'(call, log) {
    const { GoogleGenAI } = await load('@google/genai');
    const httpOptions = { baseUrl: call.url, fetch: log.fetch };
    if (call.timeout_ms) httpOptions.timeout = call.timeout_ms;
    const client = new GoogleGenAI({ apiKey: 'interop', httpOptions });
    const params = { model: 'gemini-2.5-flash', contents: call.prompt };
    return async () => {
      if (!call.stream) return (await client.models.generateContent(params)).text;
      return gather(await client.models.generateContentStream(params), (chunk) => chunk.text);
    };
  },

  async 'bedrock-node'(call, log) {
    const { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } = await load('@aws-sdk/client-bedrock-runtime');
    const { NodeHttpHandler } = await load('@smithy/node-http-handler');
    const client = new BedrockRuntimeClient({
      endpoint: call.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'interop', secretAccessKey: 'interop' },
      // Its own handler would begin with HTTP/2, as it can with AWS's TLS; headway is reached over plain HTTP/1.1.
      requestHandler: new NodeHttpHandler(call.timeout_ms ? { requestTimeout: call.timeout_ms, throwOnRequestTimeout: true } : {}),
    });
    client.middlewareStack.add((next) => async (args) => log.attempt(async (attempt) => {
      const result = await next(args);
      attempt.status = result.response.statusCode;
      return result;
    }), { step: 'deserialize', priority: 'low' });
    const params = { modelId: 'anthropic.claude-sonnet-4-5', messages: [{ role: 'user', content: [{ text: call.prompt }] }] };
    return async () => {
      if (!call.stream) return (await client.send(new ConverseCommand(params))).output.message.content[0].text;
      const { stream } = await client.send(new ConverseStreamCommand(params));
      return gather(stream, (event) => event.contentBlockDelta?.delta.text ?? '');
    };
  },

  async 'langchain-node'(call, log) {
    const { ChatOpenAI } = await load('@langchain/openai');
    const options = call.timeout_ms ? { timeout: call.timeout_ms } : {};
    const model = new ChatOpenAI({
      model: 'gpt-4o-mini', apiKey: 'sk-interop', configuration: { baseURL: `${call.url}/v1`, fetch: log.fetch }, ...options,
    });
    return async () => {
      if (!call.stream) return (await model.invoke(call.prompt)).content;
      return gather(await model.stream(call.prompt), (chunk) => chunk.content);
    };
  },

  // Its default is the Responses API. It has no timeout of an attempt: that of the call aborts it.
  async 'vercel-ai'(call, log) {
    const [{ generateText, streamText }, { createOpenAI }] = await Promise.all([load('ai'), load('@ai-sdk/openai')]);
    const provider = createOpenAI({ baseURL: `${call.url}/v1`, apiKey: 'sk-interop', fetch: log.fetch });
    const params = { model: provider('gpt-4o-mini'), prompt: call.prompt };
    if (call.timeout_ms) params.timeout = call.timeout_ms;
    return async () => {
      if (!call.stream) return (await generateText(params)).text;
      const { fullStream } = streamText({ ...params, onError() {} });
      return gather(fullStream, (part) => {
        if (part.type === 'error') throw part.error;
        return part.type === 'text-delta' ? part.text : '';
      });
    };
  },
};

async function chat(client, call, model) {
  const answer = await client.chat.completions.create({ model, stream: call.stream, messages: [{ role: 'user', content: call.prompt }] });
  if (!call.stream) return answer.choices[0].message.content;
  return gather(answer, (chunk) => chunk.choices[0]?.delta?.content ?? '');
}

async function gather(parts, textOf) {
  let text = '';
  for await (const part of parts) text += textOf(part);
  return text;
}

// Log is what the client did for one call.
class Log {
  attempts = [];

  // attempt runs one attempt, up to the head of its response.
  async attempt(run) {
    const attempt = { start_ms: now() };
    this.attempts.push(attempt);
    try {
      return await run(attempt);
    } catch (e) {
      attempt.error = String(e.cause?.code ?? e.name);
      throw e;
    } finally {
      attempt.end_ms = now();
    }
  }

  fetch = (...request) => this.attempt(async (attempt) => {
    const response = await fetch(...request);
    attempt.status = response.status;
    return response;
  });
}

const now = () => performance.timeOrigin + performance.now();

const calls = JSON.parse(readFileSync(0));
const ready = [];
for (const call of calls) {
  const log = new Log();
  ready.push({ call, log, make: await sdks[call.sdk](call, log) });
}
await Promise.all(ready.map(async ({ call, log, make }, i) => {
  await sleep(i * START_APART_MS);
  const line = { id: call.id, start_ms: now(), attempts: log.attempts };
  try {
    line.text = await make();
  } catch (e) {
    line.error = e.constructor.name === 'Error' ? e.name : e.constructor.name;
    line.message = e.message;
  }
  line.end_ms = now();
  console.log(JSON.stringify(line));
}));
process.exit(0); // what a client keeps open is not waited for
