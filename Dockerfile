# One image for every process: `docker run herald:local api`, `... planner` and so on.

ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS builder

# pip reads these variables, for example to use a mirror: docker build --build-arg PIP_INDEX_URL=...
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ARG PIP_PROXY
ARG PIP_CERT
ARG PIP_DEFAULT_TIMEOUT
ARG PIP_RETRIES
# Root's pip is used on purpose, and no package may need a compiler.
ENV PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all:

WORKDIR /build
RUN python -m venv --without-pip /opt/herald

# An init for PID 1: without one, the kernel would ignore signals that arrive before a process has set its handlers.
# It is installed from the same index as the other packages.
RUN printf '%s\n' \
      'dumb-init==1.2.5.post1' \
      '--hash=sha256:5d6b1fe9b8efcdbbdcb670efe7a55f9117251ee9648d35ffd0c487fd79515ea5' \
      '--hash=sha256:a516a16a7dfed012de2524eb449e31f7f583b11b938eebb3ec09fd194497293d' \
      | tr '\n' ' ' > init.lock \
 && pip --python /opt/herald/bin/python install --quiet --require-hashes -r init.lock

COPY requirements.lock ./
RUN pip --python /opt/herald/bin/python install --quiet --require-hashes -r requirements.lock

# setuptools builds the wheel and is not part of the final image. Its version and hashes are in the native lock file.
COPY requirements-native.lock ./
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements-native.lock > setuptools.lock \
 && pip install --quiet --require-hashes -r setuptools.lock

COPY LICENSE README.md pyproject.toml ./
COPY bench bench
COPY cli cli
COPY services services
COPY shared shared
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . \
 && pip --python /opt/herald/bin/python install --quiet --no-deps --no-index dist/herald-*.whl


FROM ${PYTHON_IMAGE}

RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin herald

COPY --from=builder /opt/herald /opt/herald

# Each container has ports of its own, so every process listens on all addresses and has the same ops port.
ENV PATH=/opt/herald/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HERALD_API_HOST=0.0.0.0 \
    HERALD_SANDBOX_HOST=0.0.0.0 \
    HERALD_OPS_HOST=0.0.0.0 \
    HERALD_OPS_PORT=9100

EXPOSE 8080 8090 9100

# By number, because Kubernetes cannot verify a user name as not being root.
USER 10001:10001

ENTRYPOINT ["dumb-init", "--", "herald"]
CMD ["--help"]

# `docker inspect` shows the answer of /readyz, which names the missing part.
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=3 CMD python -IS -c "\
import http.client, os, sys; \
ops = http.client.HTTPConnection('127.0.0.1', int(os.environ['HERALD_OPS_PORT']), timeout=3); \
ops.request('GET', '/readyz'); \
reply = ops.getresponse(); \
print(reply.read().decode()); \
sys.exit(reply.status != 200)"

ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="Herald" \
      org.opencontainers.image.description="A notification service for messages that must arrive, once, and in time." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.base.name="python:3.13-slim"
