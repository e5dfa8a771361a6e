#!/bin/sh
# The engine on the card of this machine, as docs/performance.md reports it: random weights in the shape of Llama 3.1 8B.
#   bench.sh OUTPUT_DIR [TRACE]   JSON files and logs; TRACE: JSON lines with prompt_len and output_len
#   SHAPE=DIR                     another config.json (src/test/resources/models/llama-8b-shape)
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
root=$(CDPATH='' cd -- "$here/../../.." && pwd -P)
output=$1
trace=${2:-}
shape=${SHAPE:-$root/src/test/resources/models/llama-8b-shape}
mkdir -p "$output"

# measure NAME ARGUMENT...: one process, its figures in NAME.json
measure() {
    name=$1
    shift
    echo "== $name"
    "$root/quire" bench throughput --model "$shape" --load-format dummy --device cuda --json "$output/$name.json" "$@" \
        2>"$output/$name.log" || { tail -n 5 "$output/$name.log"; return 0; }
}

measure decode-1 --input-len 128 --output-len 512 --num-prompts 1 --max-model-len 16k
measure prefill-8k --input-len 8192 --output-len 2 --num-prompts 1 --max-model-len 16k
measure prefill-64x1k --input-len 1024 --output-len 1 --num-prompts 64 --max-model-len 16k
measure decode-256x1k --input-len 1024 --output-len 128 --num-prompts 256 --max-model-len 16k
if [ -n "$trace" ]; then
    measure trace --trace "$trace" --max-model-len 16k
    echo '== trace over HTTP'
    "$root/quire" serve "$shape" --load-format dummy --device cuda --max-model-len 16k --host 127.0.0.1 --port 8123 \
        >"$output/serve.log" 2>&1 &
    server=$!
    trap 'kill $server 2>/dev/null || true' EXIT
    until grep -q 'ready:' "$output/serve.log" || ! kill -0 $server 2>/dev/null; do sleep 0.2; done
    for run in 1 2; do
        "$root/quire" bench serve --url http://127.0.0.1:8123 --trace "$trace" --max-concurrency 512 \
            --json "$output/trace-http-$run.json" 2>"$output/trace-http-$run.log" || tail -n 5 "$output/trace-http-$run.log"
    done
fi
