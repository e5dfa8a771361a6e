#!/bin/sh
# Prefill of 512 tokens beside llama.cpp, in turns, so that both see the same machine:
#   cd src/test/peers && npm install --no-save node-llama-cpp@3.22.1 && pip install gguf numpy
#   python make_gguf.py ../resources/models/synthetic-1b/config.json synthetic-1b-q8_0.gguf
#   ./compare.sh synthetic-1b-q8_0.gguf [THREADS] [ROUNDS]
set -eu
gguf=$1 threads=${2:-2} rounds=${3:-3}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$here/../../..
round=1
while [ "$round" -le "$rounds" ]; do
    printf 'llama.cpp %s\n' "$(node "$here/llama-cpp.mjs" "$gguf" "$threads" 512 16 2)"
    "$root/quire" bench throughput --model "$root/src/test/resources/models/synthetic-1b" --load-format dummy \
        --roofline --num-threads "$threads" --num-prompts 1 --input-len 512 --output-len 16 2>/dev/null |
        sed -n 's/^ *\(Prefill (.*\|Decode.*\|8 seq.*\|Read loop.*\)/Quire     \1/p'
    round=$((round + 1))
done
