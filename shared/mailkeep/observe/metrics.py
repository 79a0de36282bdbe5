"""What a host counts of itself, in Prometheus' form; every name that it can expose stands here.

Instruments are made once, with their labels, so that a hot path pays half a microsecond a count. What is
known only by asking (open connections, the store's pool) is asked when somebody reads. Labels have few
values, all of them ours: nothing that a peer chose becomes one. The registry holds one process; which host
it is, the scrape configuration says.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256)

BUILD = Info("mailkeep_build", "Which version of Mailkeep runs, and as which host.", registry=REGISTRY)
READY = Gauge("mailkeep_ready", "1 if the host accepts and its database answers.", registry=REGISTRY)

# --- connections and logins -----------------------------------------------------------------------

CONNECTIONS = Gauge("mailkeep_connections", "Connections open now.", registry=REGISTRY)
CONNECTED = Counter("mailkeep_connections_admitted", "Connections that were let in.", registry=REGISTRY)
TURNED_AWAY = Counter("mailkeep_connections_refused", "Those past a limit.", ["limit"], registry=REGISTRY)
SESSIONS = Gauge("mailkeep_sessions", "Sessions that are logged in now.", registry=REGISTRY)
LOGINS = Counter(
    "mailkeep_logins",
    "Attempts to log in, by SASL mechanism (or command), outcome, and the reason of a refusal.",
    ["mechanism", "outcome", "reason"],
    registry=REGISTRY,
)

# --- the store ------------------------------------------------------------------------------------

OPERATIONS = Counter(
    "mailkeep_operations", "Writes that were committed, by what they did.", ["operation"], registry=REGISTRY
)
DELIVERED = Counter(
    "mailkeep_delivered_messages",
    "Messages of others that were put into mailboxes here, each once for all its recipients.",
    registry=REGISTRY,
)
BATCHES = Histogram(
    "mailkeep_commit_batch_operations", "Writes that shared a commit.", buckets=_BATCH, registry=REGISTRY
)
COMMITS = Histogram(
    "mailkeep_commit_seconds",
    "From a batch's first statement to its commit.",
    buckets=_FAST,
    registry=REGISTRY,
)
COMMIT_FAILURES = Counter(
    "mailkeep_commit_failures", "Batches that the database did not take.", registry=REGISTRY
)
WAITING = Gauge("mailkeep_commit_waiting_operations", "Writes that wait for a commit.", registry=REGISTRY)
WAITING_OCTETS = Gauge("mailkeep_commit_waiting_bytes", "What they hold in memory.", registry=REGISTRY)
FEED_LAG = Histogram(
    "mailkeep_feed_lag_seconds",
    "From another process's commit to hearing of it here.",
    buckets=_FAST,
    registry=REGISTRY,
)
FEED_GAPS = Counter("mailkeep_feed_gaps", "Times that news may have been missed.", registry=REGISTRY)
SNAPSHOTS = Gauge("mailkeep_snapshots", "Mailboxes that sessions have open.", registry=REGISTRY)
SNAPSHOT_ENTRIES = Gauge("mailkeep_snapshot_entries", "Messages in them.", registry=REGISTRY)
SNAPSHOT_OCTETS = Gauge("mailkeep_snapshot_bytes", "Memory that they take.", registry=REGISTRY)
POOL_IN_USE = Gauge("mailkeep_store_in_use", "Database connections that work now.", registry=REGISTRY)
POOL_LIMIT = Gauge("mailkeep_store_limit", "How many there may be.", registry=REGISTRY)
STORE_FAILURES = Counter("mailkeep_store_failures", "Times that the database failed.", registry=REGISTRY)

# --- the object store -----------------------------------------------------------------------------

OBJECTS_MOVED = Counter(
    "mailkeep_objects_moved",
    "Large contents that went there (out) or came back (in).",
    ["way"],
    registry=REGISTRY,
)
OBJECT_OCTETS_MOVED = Counter(
    "mailkeep_objects_moved_bytes", "What that was, as it is stored.", ["way"], registry=REGISTRY
)
OBJECT_FRAMES_READ = Counter(
    "mailkeep_object_frames_read", "Pieces of content that were read there.", registry=REGISTRY
)
OBJECT_FRAMES_REMEMBERED = Counter(
    "mailkeep_object_frames_remembered", "Those that were still in memory.", registry=REGISTRY
)
OBJECT_READ_SECONDS = Histogram(
    "mailkeep_object_read_seconds", "Requests to read there.", buckets=_FAST, registry=REGISTRY
)
OBJECT_FAILURES = Counter(
    "mailkeep_object_failures",
    "Requests that the object store did not answer as it should, by what was asked: get, put, delete.",
    ["operation"],
    registry=REGISTRY,
)

# --- what waits -----------------------------------------------------------------------------------

OUTBOX = Gauge("mailkeep_outbox_notifications", "News that the API has not heard.", registry=REGISTRY)
QUEUE = Gauge("mailkeep_queue_recipients", "Recipients of outgoing mail.", ["state"], registry=REGISTRY)
QUEUE_AGE = Gauge("mailkeep_queue_oldest_seconds", "How long the oldest has waited.", registry=REGISTRY)

# --- mail that leaves -----------------------------------------------------------------------------

RELAYED = Counter(
    "mailkeep_relayed_recipients",
    "Attempts for recipients elsewhere, by what became of them: sent, later, never.",
    ["verdict"],
    registry=REGISTRY,
)
IN_DOUBT = Counter(
    "mailkeep_relayed_in_doubt",
    "Those that may have arrived though no reply came, and are sent again.",
    registry=REGISTRY,
)
RELAY_SESSIONS = Counter(
    "mailkeep_relay_sessions",
    "Sessions with other servers, by what protects them: none, encrypted, verified; or failed.",
    ["protection"],
    registry=REGISTRY,
)

# --- the process ----------------------------------------------------------------------------------

LOOP_LAG = Histogram(
    "mailkeep_loop_lag_seconds", "How late the event loop is.", buckets=_FAST, registry=REGISTRY
)
CERTIFICATE_END = Gauge(
    "mailkeep_certificate_expiry_timestamp_seconds",
    "When the certificate in a file ends.",
    ["file"],
    registry=REGISTRY,
)


def exposition() -> bytes:
    """Everything, as text for a scraper."""
    from prometheus_client import generate_latest  # noqa: PLC0415  only who is asked pays for it

    text: bytes = generate_latest(REGISTRY)
    return text
