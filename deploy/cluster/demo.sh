#!/usr/bin/env bash
# A Dask cluster on this machine: a scheduler and four workers, and a bench that runs on it.
#
#   deploy/cluster/demo.sh                    start, run `digest bench --dask`, stop
#   deploy/cluster/demo.sh --keep             start, print the address, run until Ctrl-C
#   WORKERS=8 READERS=20000 deploy/cluster/demo.sh
#
# It needs the extra: pip install -c deploy/constraints.txt '.[cluster]'. The scheduler and its page
# (http://127.0.0.1:8787) listen on this machine alone: whoever reaches them can run code here.
set -euo pipefail
cd "$(dirname "$0")/../.."
WORKERS=${WORKERS:-4}
READERS=${READERS:-5000}
PORT=${PORT:-8786}
python=${PYTHON:-}
if [ -z "$python" ]; then
  python=python3
  [ -x .venv/bin/python ] && python=$PWD/.venv/bin/python
fi
address=tcp://127.0.0.1:$PORT
folder=$(mktemp -d)
pids=()
stop() {
  kill "${pids[@]}" 2>/dev/null || true
  wait "${pids[@]}" 2>/dev/null || true
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
export PYTHONPATH
# Workers get everything by the cluster: no settings, no database, no password.
start() {
  env -i PATH="$PATH" HOME="$folder" PYTHONPATH="$PYTHONPATH" \
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 \
    "$python" -m dask "$@" >>"$folder/log" 2>&1 &
  pids+=($!)
}
start scheduler --host 127.0.0.1 --port "$PORT" --dashboard-address 127.0.0.1:8787
for _ in $(seq "$WORKERS"); do
  start worker "$address" --nworkers 1 --nthreads 1 --memory-limit 2GiB --no-dashboard \
    --local-directory "$folder"
done
for _ in $(seq 600); do
  [ "$(grep -c 'Registered to' "$folder/log" || true)" -ge "$WORKERS" ] && break
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
  done
  sleep 0.2
done
echo "A scheduler and $WORKERS workers run at $address."
if [ "${1:-}" = --keep ]; then
  echo "Use them: put dask = \"$address\" below [workers] in config.toml. Ctrl-C stops them."
  wait "${pids[0]}"
else
  "$python" -m digest bench --subscribers "$READERS" --dask "$address"
fi
