# syntax=docker/dockerfile:1
# Everything that uses the lakehouse: plant, pipeline, SQL warehouse, alerts, acts.

FROM python:3.11-slim-bookworm AS java
RUN apt-get update \
 && apt-get install -y --no-install-recommends openjdk-17-jre-headless \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log

# Packages and jars: rebuilt only when a pinned version changes.
FROM java AS packages
WORKDIR /app
COPY requirements/bootstrap.txt requirements/spark.txt requirements/
COPY scripts scripts
RUN --mount=type=cache,target=/root/.cache/uv \
    UV_LINK_MODE=copy python -m scripts.setup --runtime \
 && rm -rf .cache

# Compile the suites, so that no update has to import Great Expectations.
FROM packages AS suites
COPY expectations expectations
COPY pipeline pipeline
RUN SMART_FACTORY_HOME=/tmp/home .venv/bin/python -m pipeline dry-run --json >/dev/null && chmod -R a+rX .cache/expectations

FROM java
LABEL org.opencontainers.image.title="Smart Factory lakehouse" \
      org.opencontainers.image.description="Sensor readings from landing files to gold tables: plant, pipeline, SQL warehouse, alerts" \
      org.opencontainers.image.licenses="Apache-2.0"
# Spark looks up the name of its user id.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin factory \
 && install -d -o factory -g factory -m 750 /lakehouse /secrets /scratch
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app \
    SMART_FACTORY_HOME=/lakehouse
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY --from=packages /app/.jars .jars
COPY --from=suites /app/.cache/expectations .cache/expectations
COPY . .
RUN python -m compileall -q pipeline generators alerts demo docker
USER factory
CMD ["python", "-m", "pipeline", "--help"]
