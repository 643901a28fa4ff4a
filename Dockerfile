# One static program in an image with nothing else: no shell, no libraries, not root.
#
#   docker build -t causal-trace .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" causal-trace trace --out space-needle
#
# docs/install.md has the lines for models and for the explorer.

FROM rust:1-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /source
COPY . .
# Alpine's target is musl, so that what is built is static.
RUN cargo build --release --locked && strip target/release/causal-trace

FROM scratch
COPY --from=build /source/target/release/causal-trace /causal-trace
COPY LICENSE NOTICE /
# Models of the Hugging Face cache, where a folder is mounted there.
ENV HF_HOME=/huggingface
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["/causal-trace"]
