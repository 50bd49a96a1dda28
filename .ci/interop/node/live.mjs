// Asks for turns in sessions of Gemini Live with Google's SDK for Node. Prints one JSON line a turn.
// Usage: node live.mjs BASE_URL
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const installed = createRequire(new URL('../../../.tools/node/', import.meta.url));
const { GoogleGenAI, Modality } = installed('@google/genai');
const { live } = JSON.parse(readFileSync(new URL('../sessions.json', import.meta.url)));

for (const session of live) {
  for (const answer of await converse(session)) console.log(JSON.stringify(answer));
}

// converse asks all questions of a session, and returns the answers. It asks each when the answer before has ended, or
// has so many pieces as its question says.
async function converse({ model, limit, vertex = false, fault, questions }) {
  const headers = fault ? { 'X-Sim-Fault': fault } : {};
  const client = new GoogleGenAI({ vertexai: vertex, apiKey: 'interop', httpOptions: { baseUrl: process.argv[2], headers } });
  const answers = questions.map(({ name }) => ({ name, text: '', pieces: 0 }));
  let at = 0; // the answer that messages belong to
  let asked = 0;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const ask = () => {
    const { text, typed } = questions[asked++];
    if (typed) conversation.sendRealtimeInput({ text });
    else conversation.sendClientContent({ turns: [{ role: 'user', parts: [{ text }] }] });
  };
  const hear = ({ serverContent, usageMetadata }) => {
    const answer = answers[at];
    for (const part of serverContent?.modelTurn?.parts ?? []) {
      answer.text += part.text;
      answer.pieces++;
    }
    if (usageMetadata) answer.usage = usageMetadata;
    if (serverContent?.interrupted) answer.interrupted = true;
    if (answer.pieces === questions[at].until && asked === at + 1) ask();
    if (!serverContent?.turnComplete) return;
    at++;
    if (at === questions.length) finish();
    else if (asked === at) ask();
  };
  const close = ({ code, reason }) => {
    if (at < questions.length) answers[at].error = { code, reason };
    finish();
  };
  const conversation = await client.live.connect({
    model,
    config: { responseModalities: [Modality.TEXT], maxOutputTokens: limit },
    callbacks: { onmessage: hear, onclose: close },
  });
  ask();
  await finished;
  conversation.close();
  return answers;
}
