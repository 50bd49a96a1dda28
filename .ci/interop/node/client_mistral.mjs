// Mistral's SDK, for clients.mjs. It has no way to ask for the usage of a stream, which Mistral always reports.

export async function connect(baseURL, load) {
  const { Mistral } = await load('@mistralai/mistralai');
  const client = new Mistral({ serverURL: baseURL, apiKey: 'sk-interop' });

  return async (call, answer, { piece, signal }) => {
    const options = { headers: call.headers, signal };
    if (call.api === 'embeddings') {
      const reply = await client.embeddings.create({ model: call.params.model, inputs: [call.prompt] }, options);
      answer.embedding = reply.data[0].embedding;
      answer.usage = reply.usage;
      return;
    }
    const params = {
      model: call.params.model, maxTokens: call.max_tokens, messages: [{ role: 'user', content: call.prompt }],
    };
    if (call.api === 'reasoning') params.promptMode = 'reasoning';
    if (call.tool_choice) {
      params.toolChoice = call.tool_choice;
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
      const reply = await client.chat.complete(params, options);
      const { message, finishReason } = reply.choices[0];
      take(message, answer);
      answer.finish = finishReason;
      answer.usage = reply.usage;
    } else {
      for await (const { data } of await client.chat.stream(params, options)) {
        if (piece()) return;
        take(data.choices[0].delta, answer);
        answer.finish = data.choices[0].finishReason;
      }
    }
    answer.calls = answer.calls?.map(({ name, input }) => ({ name, input: JSON.parse(input) }));
  };
}

// take adds a message, or a piece of one.
function take({ content, toolCalls }, answer) {
  const parts = Array.isArray(content) ? content : [{ type: 'text', text: content ?? '' }];
  for (const part of parts) {
    if (part.type === 'thinking') answer.reasoning += part.thinking.map((t) => t.text).join('');
    else answer.text += part.text;
  }
  for (const { index, function: { name, arguments: input } } of toolCalls ?? []) {
    answer.calls ??= [];
    answer.calls[index ?? 0] ??= { name, input: '' };
    answer.calls[index ?? 0].input += typeof input === 'string' ? input : JSON.stringify(input);
  }
}
