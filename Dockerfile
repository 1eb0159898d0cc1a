# syntax=docker/dockerfile:1

# Builds the environment: everything it installs is pinned with hashes, our own wheel is built from this checkout.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
COPY requirements-build.lock requirements-runtime.lock ./
RUN python -m venv /tools \
 && /tools/bin/pip install --require-hashes -r requirements-build.lock \
 && python -m venv /opt/reminders \
 && /opt/reminders/bin/pip install --require-hashes -r requirements-runtime.lock
COPY pyproject.toml hatch_build.py package.json package-lock.json .npmrc README.md LICENSE ./
COPY docs/measures.md docs/assessment.md docs/
COPY docs/zh_Hans docs/zh_Hans
COPY locales locales
COPY assessments assessments
COPY mappings mappings
COPY templates templates
COPY reminders reminders
RUN /tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/reminders/bin/pip install --no-deps --no-index --find-links /wheels reminders

# Runs it: no compilers, no sources, no root.
FROM python:3.13-slim
LABEL org.opencontainers.image.title="reminders" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin reminders \
 && install --directory --owner=reminders --group=reminders /data
COPY --from=build /opt/reminders /opt/reminders
ENV PATH=/opt/reminders/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# The default SQLite database lies here: mount a volume, or set REMINDERS_DATABASE_URL.
WORKDIR /data
USER reminders
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# The command may be any of the product's: serve, web, worker, migrate, …
ENTRYPOINT ["reminders"]
CMD ["serve", "--host", "0.0.0.0"]
