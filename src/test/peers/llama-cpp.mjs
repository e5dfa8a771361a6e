// Speed of llama.cpp on the CPU: prefill of a prompt, decode of one sequence, in tokens a second.
//   npm install node-llama-cpp@3.22.1
//   node llama-cpp.mjs MODEL.gguf THREADS [PROMPT_TOKENS] [DECODED_TOKENS] [ROUNDS]
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [file, threads, promptTokens = "512", decoded = "32", rounds = "3"] = process.argv.slice(2);
const llama = await getLlama({gpu: false, maxThreads: Number(threads), logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath: file, gpuLayers: 0});
const length = Number(promptTokens);
const context = await model.createContext({contextSize: 1024, batchSize: 512, threads: Number(threads)});
const sequence = context.getSequence();
const median = values => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const prefill = [];
const decode = [];
for (let round = 0; round < Number(rounds); round++) {
    await sequence.clearHistory();
    const prompt = Array.from({length}, (_, i) => 300 + (i * 7919 + round) % 30000);
    let start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(prompt);
    prefill.push(length / (performance.now() - start) * 1000);
    let count = 0;
    start = performance.now();
    for await (const token of sequence.evaluate([400], {temperature: 0})) {
        if (++count === Number(decoded)) break;
    }
    decode.push(count / (performance.now() - start) * 1000);
}
console.log(JSON.stringify({
    threads: Number(threads),
    prefill_tokens: length,
    prefill_tok_s: Number(median(prefill).toFixed(2)),
    decode_1_tok_s: Number(median(decode).toFixed(2)),
}));
process.exit(0);
