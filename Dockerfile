# The four hosts, each an image of its own over one set of libraries: --target smtp, pop3, imap, api or tools.
#
#   docker build --target imap -t mailkeep-imap .
#
# BASE is any image with Python 3.11 or newer and its venv module at python3; both stages use it.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

# --- build: the libraries by their hashes, then Mailkeep itself; nothing of this stage but /opt/mailkeep goes on
FROM ${BASE} AS build
WORKDIR /src
RUN python3 -m venv /opt/mailkeep
COPY locks/runtime.txt locks/otel.txt locks/objects.txt locks/
# The extras too: nobody can add them to an image later, and they are imported only where settings ask for them.
RUN /opt/mailkeep/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
      -r locks/runtime.txt -r locks/otel.txt -r locks/objects.txt
COPY pyproject.toml README.md LICENSE ./
COPY hosts hosts
COPY shared shared
RUN /opt/mailkeep/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
 && /opt/mailkeep/bin/pip uninstall --yes --quiet hatchling editables pathspec pluggy trove-classifiers setuptools pip \
 && rm -f /opt/mailkeep/bin/pip*

# --- what all hosts share: no build tools, no root, nothing to write to but the state directory
FROM ${BASE} AS runtime
COPY --from=build /opt/mailkeep /opt/mailkeep
RUN mkdir -p /var/lib/mailkeep/upstream && chown -R 10001:10001 /var/lib/mailkeep \
 && chmod -R 0700 /var/lib/mailkeep
ENV PATH=/opt/mailkeep/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MAILKEEP_STORE_DATA_DIR=/var/lib/mailkeep \
    MAILKEEP_LOG_FORMAT=json
WORKDIR /var/lib/mailkeep
VOLUME /var/lib/mailkeep
USER 10001:10001
STOPSIGNAL SIGTERM

FROM runtime AS tools
ENTRYPOINT ["/opt/mailkeep/bin/mailkeep"]
CMD ["--help"]

FROM runtime AS smtp
ENV MAILKEEP_SMTP_MX=*:2525 MAILKEEP_SMTP_SUBMISSION=*:2587 MAILKEEP_METRICS_SMTP=*:9300
EXPOSE 2525 2587 2465 9300
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["/opt/mailkeep/bin/python", "-m", "mailkeep.observe.probe", "http://127.0.0.1:9300/health/ready"]
ENTRYPOINT ["/opt/mailkeep/bin/python", "-m", "mailkeep_smtp"]

FROM runtime AS pop3
ENV MAILKEEP_POP3_PLAIN=*:2110 MAILKEEP_METRICS_POP3=*:9300
EXPOSE 2110 2995 9300
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["/opt/mailkeep/bin/python", "-m", "mailkeep.observe.probe", "http://127.0.0.1:9300/health/ready"]
ENTRYPOINT ["/opt/mailkeep/bin/python", "-m", "mailkeep_pop3"]

FROM runtime AS imap
ENV MAILKEEP_IMAP_PLAIN=*:2143 MAILKEEP_METRICS_IMAP=*:9300
EXPOSE 2143 2993 9300
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["/opt/mailkeep/bin/python", "-m", "mailkeep.observe.probe", "http://127.0.0.1:9300/health/ready"]
ENTRYPOINT ["/opt/mailkeep/bin/python", "-m", "mailkeep_imap"]

FROM runtime AS api
ENV MAILKEEP_API_LISTEN=*:8080 MAILKEEP_METRICS_API=*:9300
EXPOSE 8080 9300
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["/opt/mailkeep/bin/python", "-m", "mailkeep.observe.probe", "http://127.0.0.1:9300/health/ready"]
ENTRYPOINT ["/opt/mailkeep/bin/python", "-m", "mailkeep_api"]
