package sdks

import "slices"

// Table returns every row, in an order for readers.
func Table() []Row { return slices.Concat(ofOpenAIAndAnthropic(), ofOthers()) }

// ofOpenAIAndAnthropic returns the clients of the two APIs that most servers imitate.
func ofOpenAIAndAnthropic() []Row {
	return []Row{
		{Client: "OpenAI, Python", Provider: OpenAI, Variable: "OPENAI_BASE_URL", Suffix: "/v1",
			InCode: "`OpenAI(base_url=\"http://127.0.0.1:8480/v1\")`", Request: "/v1/chat/completions", Dialect: "openai-chat", Version: "3.54.0", Source: Run},
		{Client: "OpenAI, Node", Provider: OpenAI, Variable: "OPENAI_BASE_URL", Suffix: "/v1",
			InCode: "`new OpenAI({ baseURL: 'http://127.0.0.1:8480/v1' })`", Request: "/v1/chat/completions", Dialect: "openai-chat", Version: "6.49.0", Source: Run},
		{Client: "OpenAI, Go", Provider: OpenAI, Variable: "OPENAI_BASE_URL", Suffix: "/v1",
			InCode: "`option.WithBaseURL(\"http://127.0.0.1:8480/v1\")`", Request: "/v1/chat/completions", Dialect: "openai-chat", Version: "3.96.0", Source: Run},
		{Client: "OpenAI, Java", Provider: OpenAI, Variable: "OPENAI_BASE_URL", Suffix: "/v1", Note: ", with `fromEnv()`",
			InCode: "`OpenAIOkHttpClient.builder().baseUrl(\"http://127.0.0.1:8480/v1\")`", Request: "/v1/chat/completions", Dialect: "openai-chat", Source: Documented},
		{Client: "OpenAI, .NET", Provider: OpenAI,
			InCode: "`new OpenAIClientOptions { Endpoint = new Uri(\"http://127.0.0.1:8480/v1\") }`", Request: "/v1/chat/completions", Dialect: "openai-chat", Source: Documented},
		{Client: "Azure OpenAI, Python", Provider: Azure, Variable: "AZURE_OPENAI_ENDPOINT",
			InCode: "`AzureOpenAI(azure_endpoint=\"http://127.0.0.1:8480\")`", Request: "/openai/deployments/NAME/chat/completions", Dialect: "openai-chat", Version: "3.54.0", Source: Run},
		{Client: "Anthropic, Python", Provider: Anthropic, Variable: "ANTHROPIC_BASE_URL",
			InCode: "`Anthropic(base_url=\"http://127.0.0.1:8480\")`", Request: "/v1/messages", Dialect: "anthropic-messages", Version: "2.12.0", Source: Run},
		{Client: "Anthropic, Node", Provider: Anthropic, Variable: "ANTHROPIC_BASE_URL",
			InCode: "`new Anthropic({ baseURL: 'http://127.0.0.1:8480' })`", Request: "/v1/messages", Dialect: "anthropic-messages", Version: "1.12.0", Source: Run},
		{Client: "Anthropic, Go", Provider: Anthropic, Variable: "ANTHROPIC_BASE_URL",
			InCode: "`option.WithBaseURL(\"http://127.0.0.1:8480\")`", Request: "/v1/messages", Dialect: "anthropic-messages", Version: "1.84.0", Source: InSource},
		{Client: "LangChain, Python, OpenAI", Provider: OpenAI, Variable: "OPENAI_BASE_URL", Suffix: "/v1",
			InCode: "`ChatOpenAI(base_url=\"http://127.0.0.1:8480/v1\")`", Request: "/v1/chat/completions", Dialect: "openai-chat", Version: "1.7.3", Source: Run},
		{Client: "LangChain, Python, Anthropic", Provider: Anthropic, Variable: "ANTHROPIC_BASE_URL",
			InCode: "`ChatAnthropic(base_url=\"http://127.0.0.1:8480\")`", Request: "/v1/messages", Dialect: "anthropic-messages", Version: "1.7.10", Source: Run},
		{Client: "LangChain, Node, OpenAI", Provider: OpenAI, Variable: "OPENAI_BASE_URL", Suffix: "/v1",
			InCode: "`new ChatOpenAI({ configuration: { baseURL: 'http://127.0.0.1:8480/v1' } })`", Request: "/v1/chat/completions", Dialect: "openai-chat", Version: "1.5.8", Source: Run},
		{Client: "LlamaIndex, Python", Provider: OpenAI, Variable: "OPENAI_API_BASE", Suffix: "/v1", Note: "; it does not read `OPENAI_BASE_URL`",
			InCode: "`OpenAI(api_base=\"http://127.0.0.1:8480/v1\")`, `OpenAILike(api_base=…)`", Request: "/v1/chat/completions", Dialect: "openai-chat", Version: "0.8.3", Source: Run},
		{Client: "Vercel AI SDK", Provider: OpenAI, Variable: "OPENAI_BASE_URL", Suffix: "/v1",
			InCode: "`createOpenAI({ baseURL: 'http://127.0.0.1:8480/v1' })`", Request: "/v1/responses", Dialect: "openai-responses", Version: "6.0.326", Source: Run},
		{Client: "Vercel AI SDK, OpenAI-compatible", Provider: OpenAI,
			InCode: "`createOpenAICompatible({ name: 'x', baseURL: 'http://127.0.0.1:8480/v1' })`", Request: "/v1/chat/completions", Dialect: "openai-chat", Version: "2.0.92", Source: Run},
		{Client: "LiteLLM, OpenAI", Provider: OpenAI, Variable: "OPENAI_BASE_URL", Suffix: "/v1",
			InCode: "`completion(api_base=\"http://127.0.0.1:8480/v1\")`", Request: "/v1/chat/completions", Dialect: "openai-chat", Version: "1.83.0", Source: Run},
		{Client: "LiteLLM, Anthropic", Provider: Anthropic, Variable: "ANTHROPIC_BASE_URL",
			InCode: "`completion(api_base=\"http://127.0.0.1:8480\")`", Request: "/v1/messages", Dialect: "anthropic-messages", Version: "1.83.0", Source: Run},
		{Client: "Semantic Kernel, Python", Provider: OpenAI, Variable: "OPENAI_BASE_URL", Suffix: "/v1",
			InCode: "`OpenAIChatCompletion(async_client=AsyncOpenAI(base_url=…))`", Request: "/v1/chat/completions", Dialect: "openai-chat", Version: "1.45.0", Source: Run},
		{Client: "Spring AI 1.x", Provider: OpenAI, Variable: "SPRING_AI_OPENAI_BASE_URL",
			InCode: "`spring.ai.openai.base-url=http://127.0.0.1:8480`", Request: "/v1/chat/completions", Dialect: "openai-chat", Source: Documented},
		{Client: "Groq, Python", Provider: Groq, Variable: "GROQ_BASE_URL",
			InCode: "`Groq(base_url=\"http://127.0.0.1:8480\")`", Request: "/openai/v1/chat/completions", Dialect: "openai-chat", Version: "1.7.0", Source: Run},
		{Client: "Mistral, Python", Provider: Mistral,
			InCode: "`Mistral(server_url=\"http://127.0.0.1:8480\")`", Request: "/v1/chat/completions", Dialect: "openai-chat", Version: "3.7.0", Source: Run},
		{Client: "Mistral, Node", Provider: Mistral,
			InCode: "`new Mistral({ serverURL: 'http://127.0.0.1:8480' })`", Request: "/v1/chat/completions", Dialect: "openai-chat", Version: "2.7.0", Source: Run},
		{Client: "Claude Code", Provider: Anthropic, Variable: "ANTHROPIC_BASE_URL",
			InCode: "`env` in its `settings.json`", Request: "/v1/messages", Dialect: "anthropic-messages", Source: Documented},
		{Client: "Codex", Provider: OpenAI,
			InCode: "`openai_base_url = \"http://127.0.0.1:8480/v1\"` in its `config.toml`", Request: "/v1/responses", Dialect: "openai-responses", Source: InSource},
	}
}

// ofOthers returns the clients of APIs that one provider has, or one server.
func ofOthers() []Row {
	return []Row{
		{Client: "Google GenAI, Python", Provider: Gemini, Variable: "GOOGLE_GEMINI_BASE_URL",
			InCode: "`Client(http_options=HttpOptions(base_url=\"http://127.0.0.1:8480\"))`", Request: "/v1/models/NAME:generateContent", Dialect: "gemini-generate", Version: "3.4.0", Source: Run},
		{Client: "Google GenAI, Node", Provider: Gemini, Variable: "GOOGLE_GEMINI_BASE_URL",
			InCode: "`new GoogleGenAI({ httpOptions: { baseUrl: 'http://127.0.0.1:8480' } })`", Request: "/v1beta/models/NAME:generateContent", Dialect: "gemini-generate", Version: "2.32.0", Source: Run},
		{Client: "Cohere, Python", Provider: Cohere, Variable: "CO_API_URL",
			InCode: "`ClientV2(base_url=\"http://127.0.0.1:8480\")`", Request: "/v2/chat", Dialect: "cohere-chat", Version: "7.3.1", Source: Run},
		{Client: "Cohere, Node", Provider: Cohere,
			InCode: "`new CohereClientV2({ environment: 'http://127.0.0.1:8480' })`", Request: "/v2/chat", Dialect: "cohere-chat", Version: "8.1.0", Source: Run},
		{Client: "Hugging Face Hub, Python, for TGI", Provider: TGI,
			InCode: "`InferenceClient(\"http://127.0.0.1:8480/generate_stream\")`, whole answers `…/generate`: it adds no path, and headway does not read `POST /`", Request: "/generate_stream", Dialect: "tgi-generate", Version: "2.4.0", Source: Run},
		{Client: "Ollama, Python", Provider: Ollama, Variable: "OLLAMA_HOST",
			InCode: "`Client(host=\"http://127.0.0.1:8480\")`", Request: "/api/chat", Dialect: "ollama-chat", Version: "0.6.3", Source: Run},
		{Client: "boto3, Bedrock", Provider: Bedrock, Variable: "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
			InCode: "`client(\"bedrock-runtime\", endpoint_url=\"http://127.0.0.1:8480\")`", Request: "/model/NAME/converse", Dialect: "bedrock-converse", Version: "1.44.5", Source: Run},
		{Client: "boto3, SageMaker", Provider: SageMaker, Variable: "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
			InCode: "`client(\"sagemaker-runtime\", endpoint_url=\"http://127.0.0.1:8480\")`", Request: "/endpoints/NAME/invocations", Dialect: "sagemaker-invoke", Version: "1.44.5", Source: Run},
		{Client: "AWS SDK for Node, Bedrock", Provider: Bedrock, Variable: "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
			InCode: "`new BedrockRuntimeClient({ endpoint: 'http://127.0.0.1:8480' })`", Request: "/model/NAME/converse", Dialect: "bedrock-converse", Version: "3.1163.0", Source: Run}}
}
