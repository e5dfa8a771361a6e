#!/bin/sh
# Milliseconds from `./quire serve` on a built tree to the first token of a streamed answer, several starts in turn:
#   src/test/peers/first-token.sh [STARTS] [PORT]
# Build first, and let one start run for a minute, so that the start-up cache exists.
set -eu
starts=${1:-5} port=${2:-8123}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../../.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
body='{"model":"quire-demo","stream":true,"max_tokens":1,
       "messages":[{"role":"user","content":"What is the capital of France?"}]}'
n=0
while [ "$n" -lt "$starts" ]; do
    begin=$(date +%s%N)
    "$root/quire" serve --port "$port" >"$out/log" 2>&1 &
    server=$!
    until curl -sfN -o "$out/answer" -H 'Content-Type: application/json' -d "$body" \
        "http://localhost:$port/v1/chat/completions" 2>/dev/null; do
        kill -0 "$server" 2>/dev/null || { cat "$out/log" >&2; exit 1; }
        sleep 0.05
    done
    echo $((($(date +%s%N) - begin) / 1000000)) >>"$out/times"
    kill "$server"
    wait "$server" || true
    n=$((n + 1))
done
sort -n "$out/times" | awk '{ t[NR] = $1 } END { printf "median %d ms, from %d to %d, of %d starts\n", t[int((NR + 1) / 2)], t[1], t[NR], NR }'
