// Vercel's AI SDK, for clients.mjs: vercel-openai with OpenAI's provider, in chat completions and in Responses, and
// vercel-compatible with the provider for servers that imitate OpenAI's.

export async function connect(baseURL, load, client) {
  const ai = await load('ai');
  const options = { baseURL: `${baseURL}/v1`, apiKey: 'sk-interop', name: 'sim', includeUsage: true };
  const provider = client === 'vercel-openai'
    ? (await load('@ai-sdk/openai')).createOpenAI(options)
    : (await load('@ai-sdk/openai-compatible')).createOpenAICompatible(options);

  function model(call) {
    const name = call.params.model;
    if (client === 'vercel-compatible') return provider.chatModel(name);
    return call.api.startsWith('responses') ? provider.responses(name) : provider.chat(name);
  }

  return async (call, answer, { piece, signal }) => {
    const common = { headers: call.headers, maxRetries: 0, abortSignal: signal };
    if (call.api === 'embeddings') {
      const embedder = client === 'vercel-compatible' ? provider.embeddingModel(call.params.model) : provider.embedding(call.params.model);
      const { embedding, usage } = await ai.embed({ ...common, model: embedder, value: call.prompt });
      answer.embedding = embedding;
      answer.usage = usage;
      return;
    }
    const params = { ...common, model: model(call), prompt: call.prompt, maxOutputTokens: call.max_tokens };
    if (call.tool_choice) {
      params.toolChoice = call.tool_choice;
      params.tools = {
        light: ai.tool({
          description: 'Lights a lamp.',
          inputSchema: ai.jsonSchema({ type: 'object', properties: { lamp: { type: 'string' } }, required: ['lamp'] }),
        }),
      };
    }
    if (call.api === 'reasoning') params.providerOptions = { sim: { thinking: { type: 'enabled' } } };
    if (!call.params.stream) {
      const result = await ai.generateText(params);
      answer.text = result.text;
      answer.reasoning = result.reasoningText ?? '';
      answer.calls = result.toolCalls.map(called);
      answer.finish = result.finishReason;
      answer.usage = result.usage;
      return;
    }
    for await (const part of ai.streamText({ ...params, onError() {} }).fullStream) {
      if (piece()) return;
      take(part, answer);
    }
  };
}

function take(part, answer) {
  switch (part.type) {
    case 'text-delta':
      answer.text += part.text;
      break;
    case 'reasoning-delta':
      answer.reasoning += part.text;
      break;
    case 'tool-call':
      (answer.calls ??= []).push(called(part));
      break;
    case 'finish':
      answer.finish = part.finishReason;
      answer.usage = part.totalUsage;
      break;
    case 'error':
      throw part.error;
  }
}

const called = ({ toolName, input }) => ({ name: toolName, input });
