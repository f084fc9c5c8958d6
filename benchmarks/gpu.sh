#!/usr/bin/env bash
# Measures the suite on a machine with one GPU, and runs the tests that need one, in under eight minutes after the set-up.
# In the repository's root:
#     pip install -e ".[dev]" && bash benchmarks/gpu.sh
# PYTHON names the interpreter, COUNT the number of images; words go to benchmarks/gpu.py.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-python3}"
begun=$SECONDS
timeout 110 "$python" -m pytest -q -rf -p no:cacheprovider -p no:benchmark --numprocesses 8 \
    tests/detectors/test_contract.py tests/bench/scoring/test_gpu_runs.py -k gpu ||
    echo "TESTS FAILED, or were cut off (code $?)"
echo "Tests: $((SECONDS - begun)) s."
begun=$SECONDS
"$python" benchmarks/gpu.py --count "${COUNT:-640}" --seconds 250 "$@"
echo "Measurements: $((SECONDS - begun)) s."
