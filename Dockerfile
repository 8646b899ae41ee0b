# Sentinel's images, each a target: sidecar, service (the default; the sidecar is in it, too) and simtailnet (the demo).
#
#   docker build --target sidecar .
#
# Base images are arguments, so that a mirror or a newer release needs no edit. The version is that of the source.
ARG GO_IMAGE=golang:1.26-bookworm
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG STATIC_IMAGE=gcr.io/distroless/static-debian12:nonroot

# Go cross-compiles, so this stage runs on the machine that builds, whatever it builds for.
FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS go
WORKDIR /src/sidecar-go
COPY sentinel/__init__.py /src/sentinel/
COPY sidecar-go ./
ARG TARGETOS TARGETARCH
# No paths, no build ids and no version control data: the same source gives the same bytes.
ENV CGO_ENABLED=0 GOCACHE=/go/build GOFLAGS="-buildvcs=false -trimpath"
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/go/build \
    version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' /src/sentinel/__init__.py) && \
    GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -ldflags "-s -w -buildid= -X main.version=${version}" \
        -o /out/ ./cmd/sentinel-sidecar ./cmd/simtailnet
# Folders that new volumes take their owner from.
RUN mkdir -p /empty

FROM ${PYTHON_IMAGE} AS python
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python3 -m venv /build && /build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt
# Without pip in it: nothing is installed into a running container.
RUN python3 -m venv --without-pip /opt/sentinel && \
    /build/bin/pip --python /opt/sentinel/bin/python install --no-cache-dir --require-hashes --only-binary :all: \
        -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY sentinel sentinel
RUN /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . && \
    /build/bin/pip --python /opt/sentinel/bin/python install --no-cache-dir --no-deps /wheels/*.whl

FROM ${STATIC_IMAGE} AS sidecar
LABEL org.opencontainers.image.title="Sentinel sidecar" \
      org.opencontainers.image.description="A node that tells Sentinel what changes in a tailnet" \
      org.opencontainers.image.licenses="MIT"
COPY --from=go /out/sentinel-sidecar /usr/local/bin/sentinel-sidecar
COPY --from=go --chown=10002:10000 /empty /data
USER 10002:10000
ENTRYPOINT ["/usr/local/bin/sentinel-sidecar"]
CMD ["--connect", "unix:/run/sentinel/ingest.sock", "--source", "tailnet", "--state-dir", "/data"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/usr/local/bin/sentinel-sidecar", "health", "--state-dir", "/data"]

FROM ${STATIC_IMAGE} AS simtailnet
LABEL org.opencontainers.image.title="Sentinel's simulated tailnet" \
      org.opencontainers.image.description="A whole tailnet on loopback, for Sentinel's demonstration" \
      org.opencontainers.image.licenses="MIT"
COPY --from=go /out/simtailnet /usr/local/bin/simtailnet
USER 10003:10003
ENTRYPOINT ["/usr/local/bin/simtailnet"]
CMD ["--listen", "127.0.0.1:8181", "--admin", "127.0.0.1:8182", "--story"]

FROM ${PYTHON_IMAGE} AS service
LABEL org.opencontainers.image.title="Sentinel" \
      org.opencontainers.image.description="Watches a tailnet in real time and says what changed" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10000 sentinel && \
    useradd --uid 10001 --gid 10000 --home-dir /data --no-create-home --shell /usr/sbin/nologin sentinel && \
    install -d -o 10001 -g 10000 -m 0750 /data && \
    install -d -o 10001 -g 10000 -m 2750 /run/sentinel
COPY --from=python /opt/sentinel /opt/sentinel
COPY --from=go /out/sentinel-sidecar /opt/sentinel/bin/sentinel-sidecar
ENV PATH=/opt/sentinel/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10000
# Relative paths, the default ones included, start here.
WORKDIR /data
VOLUME /data
ENTRYPOINT ["sentinel"]
CMD ["run"]
# It ends within this: what is under way is sent first.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["sentinel", "check"]
