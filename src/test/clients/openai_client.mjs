// Completes, streams and provokes typed errors with the official npm client against a running server.
//
//     npm install --no-save openai && node src/test/clients/openai_client.mjs http://127.0.0.1:8000/v1
import OpenAI from 'openai';

const baseURL = process.argv[2] ?? 'http://127.0.0.1:8000/v1';
const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });
const model = (await client.models.list()).data[0].id;
const messages = [{ role: 'user', content: 'What is the capital of France?' }];
let checks = 0;

function check(holds, what) {
  if (!holds) {
    console.error(`FAILED: ${what}`);
    process.exit(1);
  }
  checks++;
}

const answer = await client.chat.completions.create({ model, messages, temperature: 0 });
const text = answer.choices[0].message.content;
check(text.includes('Paris'), `chat says Paris, got ${text}`);
check(answer.choices[0].finish_reason === 'stop', 'chat stops');

let streamed = '';
let usage;
const stream = await client.chat.completions.create({
  model,
  messages,
  temperature: 0,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  streamed += chunk.choices[0]?.delta?.content ?? '';
  usage = chunk.usage ?? usage;
}
check(streamed === text, `the stream says the same, got ${streamed}`);
check(usage?.total_tokens === answer.usage.total_tokens, 'the stream ends with the usage');

const completion = await client.completions.create({ model, prompt: 'Once upon a time', max_tokens: 8, temperature: 0 });
check(completion.usage.completion_tokens === 8, 'completion of 8 tokens');

const cut = await client.chat.completions.create({ model, messages, max_tokens: 50, stream: true });
for await (const chunk of cut) {
  if (chunk) break; // the client goes away; the server must not mind
}

async function provoke(kind, what, overrides) {
  try {
    await client.chat.completions.create({ model, messages, ...overrides });
  } catch (e) {
    check(e instanceof kind, `${what}: ${e}`);
    check(e.message.length > 0, `${what} has a message`);
    return;
  }
  check(false, `${what} raised nothing`);
}

await provoke(OpenAI.NotFoundError, 'unknown model', { model: 'nobody' });
await provoke(OpenAI.BadRequestError, 'temperature out of range', { temperature: 3 });
await provoke(OpenAI.BadRequestError, 'n below one', { n: 0 });
await provoke(OpenAI.BadRequestError, 'messages of the wrong type', { messages: 'hello' });
console.log(`${checks} passed, 0 failed`);
