# fauxbench on a CPU, for a user without rights: docs/installation.md says how to call it.
# Not run: it was checked by reading alone.
FROM python:3.13-slim AS wheel
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.13-slim
# Both from PyTorch's index for CPUs, without CUDA: builds of two indexes do not fit together.
RUN pip install --no-cache-dir torch torchvision --index-url https://download.pytorch.org/whl/cpu
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels pip install --no-cache-dir /wheels/*.whl
# Whoever runs it has no home there: caches go to /tmp, and torch asks for a name.
ENV HOME=/tmp USER=fauxbench
RUN useradd --no-create-home fauxbench
USER fauxbench
WORKDIR /work
ENTRYPOINT ["fauxbench"]
CMD ["--help"]
