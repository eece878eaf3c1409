# The receiver. Build with: docker build -t milepost .
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
RUN python -m venv /opt/milepost
COPY requirements.lock ./
RUN /opt/milepost/bin/pip install --require-hashes -r requirements.lock
COPY hooks/requirements.lock hooks/requirements.lock
RUN python -m pip install --require-hashes --no-deps --no-compile --target build/hook \
    -r hooks/requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY hooks hooks
COPY receiver receiver
COPY sql sql
RUN python -m hooks.bundle build/hook receiver/milepost-hook.pyz \
    && cp hooks/milepost-hook.sh receiver/milepost-hook.sh \
    && /opt/milepost/bin/pip install --no-deps --editable . \
    && rm -rf build

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Milepost" \
    org.opencontainers.image.licenses="Apache-2.0"
# A number, so that Kubernetes can check runAsNonRoot.
RUN useradd --system --uid 10001 --home-dir /var/lib/milepost --create-home milepost
COPY --from=build /opt/milepost /opt/milepost
COPY --from=build /app /app
ENV PATH=/opt/milepost/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    MILEPOST_DATA_DIR=/var/lib/milepost
WORKDIR /app
USER 10001
VOLUME /var/lib/milepost
EXPOSE 8080
# gunicorn's master: it lets requests end before it goes.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=4s --start-period=20s --start-interval=2s CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/livez', timeout=3)"]
ENTRYPOINT ["milepost"]
CMD ["serve", "--bind", "0.0.0.0:8080"]
