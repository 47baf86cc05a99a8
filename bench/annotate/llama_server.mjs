// A chat-completions server around llama.cpp, as the npm package node-llama-cpp ships it:
//     node llama_server.mjs MODEL.gguf PORTFILE
// Constrains replies to the request's JSON Schema and counts tokens with the model's tokenizer.
import http from 'node:http';
import fs from 'node:fs';
import {getLlama, LlamaCompletion} from 'node-llama-cpp';

const CONTEXT = 12288;
const llama = await getLlama({build: 'never', gpu: false});
const model = await llama.loadModel({modelPath: process.argv[2]});
const context = await model.createContext({contextSize: CONTEXT, sequences: 1});
const sequence = context.getSequence();
let queue = Promise.resolve();

async function answer(request, res) {
  const text = request.messages.map((m) => `${m.role}: ${m.content}`).join('\n');
  const tokens = model.tokenize(text);
  const schema = request.response_format?.json_schema?.schema;
  const grammar = schema ? await llama.createGrammarForJsonSchema(schema) : undefined;
  await sequence.clearHistory();
  const completion = new LlamaCompletion({contextSequence: sequence});
  const reply = await completion.generateCompletionWithMeta(tokens, {
    grammar, maxTokens: request.max_tokens, temperature: 1.2, seed: 7,
  });
  completion.dispose?.();
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify({
    model: 'llama.cpp',
    choices: [{
      message: {role: 'assistant', content: reply.response},
      finish_reason: reply.metadata.stopReason === 'maxTokens' ? 'length' : 'stop',
    }],
    usage: {prompt_tokens: tokens.length, completion_tokens: model.tokenize(reply.response).length},
  }));
}

const server = http.createServer((req, res) => {
  let body = '';
  req.on('data', (part) => { body += part; });
  req.on('end', () => {
    queue = queue.then(() => answer(JSON.parse(body), res)).catch((e) => {
      res.statusCode = 500;
      res.end(JSON.stringify({error: {message: String(e)}}));
    });
  });
});
server.listen(0, '127.0.0.1', () => fs.writeFileSync(process.argv[3], `${server.address().port}\n`));
