// Asks for answers in WebSocket sessions with OpenAI's SDK for Node: of Responses, one after the other and in lanes, and
// of Realtime. Prints one JSON line an answer. Usage: node sessions.mjs BASE_URL
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';

const installed = createRequire(new URL('../../../.tools/node/', import.meta.url));
const OpenAI = installed('openai');
const { ResponsesWS } = installed('openai/resources/responses/ws');
const { OpenAIRealtimeWS } = installed('openai/realtime/ws');

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'sk-interop' });
const { responses, realtime } = JSON.parse(readFileSync(new URL('../sessions.json', import.meta.url)));

for (const questions of responses) {
  await converse(new ResponsesWS(client), questions, (q) => [{ type: 'response.create', ...q.ask }]);
}
for (const { model, questions } of realtime) {
  const socket = new OpenAIRealtimeWS({ model, options: { createConnection } }, client);
  await new Promise((resolve) => socket.once('session.created', resolve));
  await converse(socket, questions, (q) => [
    { type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: q.text }] } },
    { type: 'response.create', response: q.ask },
  ]);
}

// createConnection connects without TLS, which the SDK would have whatever its base URL is.
function createConnection({ host, port }) {
  return connect({ host, port });
}

// converse asks all questions of a session: those with a lane at once, the others one after the other.
async function converse(socket, questions, messages) {
  socket.on('error', () => {}); // the answer tells
  const answers = [];
  for (const question of questions) {
    const answer = hear(socket, question);
    for (const message of messages(question)) socket.send(message);
    answers.push(answer);
    if (!question.ask.stream_id) await answer;
  }
  for (const answer of await Promise.all(answers)) console.log(JSON.stringify(answer));
  socket.close();
}

// hear resolves to the answer to a question when its last event has come.
function hear(socket, question) {
  const answer = { name: question.name, text: '', events: 0 };
  return new Promise((resolve) => {
    socket.on('event', function listen(event) {
      if ((event.stream_id ?? null) !== (question.ask.stream_id ?? null) || answer.done) return;
      if (event.type !== 'error' && !event.type.startsWith('response.')) return;
      answer.events++;
      if (event.type === 'response.output_text.delta') answer.text += event.delta;
      const response = event.response;
      if (event.type === 'error') answer.error = { status: event.status, code: event.error.code, type: event.error.type };
      else if (response && response.status !== 'in_progress') Object.assign(answer, { id: response.id, status: response.status, usage: response.usage });
      else return;
      answer.done = true;
      resolve(answer);
    });
  });
}
