# syntax=docker/dockerfile:1
# Superset with the dialect for the SQL warehouse, and the dashboards as files.

FROM python:3.11-slim-bookworm AS packages
WORKDIR /app
COPY requirements/bootstrap.txt requirements/superset.txt requirements/
RUN --mount=type=cache,target=/root/.cache/uv \
    python -m venv /opt/uv \
 && /opt/uv/bin/pip install --quiet --require-hashes -r requirements/bootstrap.txt \
 && /opt/uv/bin/uv venv --python python3.11 .venv \
 && UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 \
    /opt/uv/bin/uv pip sync --python .venv/bin/python --require-hashes requirements/superset.txt

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Smart Factory dashboards" \
      org.opencontainers.image.description="Superset with the Smart Factory's dashboards and saved queries" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin factory \
 && install -d -o factory -g factory -m 750 /superset /secrets
# Superset writes to SUPERSET_HOME; secrets and the cache are in SMART_FACTORY_HOME.
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SMART_FACTORY_HOME=/superset \
    SUPERSET_HOME=/superset \
    SUPERSET_CONFIG_PATH=/app/superset/superset_config.py
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY superset superset
RUN python -m compileall -q superset
USER factory
CMD ["gunicorn", "--bind", "0.0.0.0:8088", "--workers", "1", "--worker-class", "gthread", "--threads", "12", \
     "--timeout", "120", "--graceful-timeout", "10", "--limit-request-line", "0", "--limit-request-field_size", "0", \
     "--no-control-socket", "--worker-tmp-dir", "/tmp", "superset.app:create_app()"]
