# docparse serve, on the CPU.
#
#   docker build -t docparse .
#   docker run --rm -v docparse:/var/lib/docparse docparse --make-key me     # shows a key, once
#   docker run -p 127.0.0.1:8000:8000 -v docparse:/var/lib/docparse --read-only --tmpfs /tmp docparse
#
# One image for the service and for its workers (compose.yaml). What builds it stays in the first stage. Not built by
# CI, which has no Docker: tests/test_deployment.py checks that what it names is there.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
# docparse/model, docparse/exporters and docparse/ui are links to the folders beside it.
COPY docparse docparse
COPY model model
COPY exporters exporters
COPY ui ui
COPY samples samples
RUN python -m venv /opt/docparse \
    && /opt/docparse/bin/pip install -c constraints.txt '.[server,redis,remote,xlsx]' \
    && /opt/docparse/bin/pip uninstall -y pip setuptools


FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends poppler-utils \
    && rm -rf /var/lib/apt/lists/* \
    && python -m pip uninstall -y pip setuptools wheel \
    && useradd --system --uid 10001 --home-dir /var/lib/docparse --create-home docparse \
    && chmod 700 /var/lib/docparse
COPY --from=build /opt/docparse /opt/docparse

ENV PATH=/opt/docparse/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DOCPARSE_HOST=0.0.0.0 \
    DOCPARSE_PORT=8000 \
    DOCPARSE_DATA_DIR=/var/lib/docparse
USER docparse
WORKDIR /var/lib/docparse
VOLUME /var/lib/docparse
EXPOSE 8000
STOPSIGNAL SIGTERM
# Pages in hand have DOCPARSE_DRAIN (30) seconds: give the container more, as compose.yaml does.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["docparse", "serve"]
