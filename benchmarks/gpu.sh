#!/usr/bin/env bash
# Measures the suite on a machine with one GPU, and runs the tests that need one. In the repository's root:
#     pip install -e ".[dev]" && bash benchmarks/gpu.sh
# PYTHON names the interpreter, COUNT the number of images; words go to benchmarks/gpu.py.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-python3}"
begun=$SECONDS
"$python" -m pytest -q -p no:cacheprovider -p no:benchmark --numprocesses 8 \
    tests/detectors/test_contract.py tests/bench/scoring/test_gpu_runs.py -k gpu || echo "TESTS FAILED"
echo "Tests: $((SECONDS - begun)) s."
begun=$SECONDS
"$python" benchmarks/gpu.py --count "${COUNT:-2000}" "$@"
echo "Measurements: $((SECONDS - begun)) s."
