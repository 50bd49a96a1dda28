// LangChain's client of OpenAI's API, for clients.mjs.

export async function connect(baseURL, load) {
  const { ChatOpenAI, OpenAIEmbeddings } = await load('@langchain/openai');
  const configuration = { baseURL: `${baseURL}/v1` };

  return async (call, answer, { piece, signal }) => {
    const account = { model: call.params.model, apiKey: 'sk-interop', maxRetries: 0 };
    if (call.api === 'embeddings') {
      answer.embedding = await new OpenAIEmbeddings({ ...account, configuration }).embedQuery(call.prompt);
      return;
    }
    let model = new ChatOpenAI({
      ...account,
      configuration: { ...configuration, defaultHeaders: call.headers },
      maxTokens: call.max_tokens,
      useResponsesApi: call.api.startsWith('responses'),
      streamUsage: true,
      modelKwargs: call.api === 'reasoning' ? { thinking: { type: 'enabled' } } : {},
    });
    if (call.tool_choice) {
      model = model.bindTools([{
        type: 'function',
        function: {
          name: 'light',
          description: 'Lights a lamp.',
          parameters: { type: 'object', properties: { lamp: { type: 'string' } }, required: ['lamp'] },
        },
      }], { tool_choice: call.api === 'responses-tool' ? 'light' : call.tool_choice }); // it drops `required` in Responses
    }
    if (!call.params.stream) {
      take(await model.invoke(call.prompt, { signal }), answer);
      return;
    }
    let whole;
    for await (const chunk of await model.stream(call.prompt, { signal })) {
      if (piece()) return;
      whole = whole ? whole.concat(chunk) : chunk;
    }
    take(whole, answer);
  };
}

function take(message, answer) {
  answer.text = message.text;
  answer.reasoning = message.additional_kwargs.reasoning_content ?? '';
  answer.calls = message.tool_calls.map(({ name, args }) => ({ name, input: args }));
  answer.finish = message.response_metadata.finish_reason ?? message.response_metadata.status;
  answer.usage = message.usage_metadata;
}
