// Cohere's SDK, for clients.mjs. The text of an answer that calls a tool is its plan.

export async function connect(baseURL, load) {
  const { CohereClientV2 } = await load('cohere-ai');
  const client = new CohereClientV2({ environment: baseURL, token: 'sk-interop' });

  return async (call, answer, { piece, signal }) => {
    const options = { headers: call.headers, maxRetries: 0, abortSignal: signal };
    if (call.api === 'embeddings') {
      const reply = await client.embed({
        model: call.params.model, texts: [call.prompt], inputType: 'search_query', embeddingTypes: ['float'],
      }, options);
      answer.embedding = reply.embeddings.float[0];
      answer.usage = reply.meta.billedUnits;
      return;
    }
    if (call.api === 'rerank') {
      const reply = await client.rerank({ model: call.params.model, query: call.prompt, documents: call.documents }, options);
      answer.text = reply.results.map((r) => `${r.index}: ${r.relevanceScore}`).join(', ');
      return;
    }
    const params = { model: call.params.model, maxTokens: call.max_tokens, messages: [{ role: 'user', content: call.prompt }] };
    if (call.api === 'reasoning') params.thinking = { type: 'enabled' };
    if (call.tool_choice) {
      if (call.tool_choice === 'required') params.toolChoice = 'REQUIRED';
      params.tools = [{
        type: 'function',
        function: {
          name: 'light',
          description: 'Lights a lamp.',
          parameters: { type: 'object', properties: { lamp: { type: 'string' } }, required: ['lamp'] },
        },
      }];
    }
    if (!call.params.stream) {
      const { message, finishReason, usage } = await client.chat(params, options);
      for (const { text = '', thinking = '' } of message.content ?? []) {
        answer.text += text;
        answer.reasoning += thinking;
      }
      answer.text += message.toolPlan ?? '';
      answer.calls = message.toolCalls?.map(called);
      Object.assign(answer, { finish: finishReason, usage });
      return;
    }
    for await (const event of await client.chatStream(params, options)) {
      if (piece()) return;
      take(event, answer);
    }
    answer.calls = answer.calls?.map(called);
  };
}

// take adds one event of a stream.
function take({ type, delta }, answer) {
  switch (type) {
    case 'content-delta':
      answer.text += delta.message.content.text ?? '';
      answer.reasoning += delta.message.content.thinking ?? '';
      break;
    case 'tool-plan-delta':
      answer.text += delta.message.toolPlan;
      break;
    case 'tool-call-start':
      (answer.calls ??= []).push(delta.message.toolCalls);
      break;
    case 'tool-call-delta':
      answer.calls.at(-1).function.arguments += delta.message.toolCalls.function.arguments;
      break;
    case 'message-end':
      if (delta.finishReason === 'ERROR') throw new Error(delta.error);
      Object.assign(answer, { finish: delta.finishReason, usage: delta.usage });
  }
}

const called = (call) => ({ name: call.function.name, input: JSON.parse(call.function.arguments) });
