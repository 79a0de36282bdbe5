"""/metrics and /health of a real host: they count what was done, and tell when the database is away."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.hosts import free_port_base
from tests.support.imap_host import ImapHost, imap_user
from tests.support.operator import Operator
from tests.support.postgres import PostgresCluster

from mailkeep.net.development import DevelopmentCa, ensure_ca
from mailkeep.settings import StoreSettings

SECONDS = 30.0


class Watched:
    """A host with its operators' listener."""

    def __init__(self, host: ImapHost, port: int) -> None:
        self.host = host
        self.port = port

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def samples(self) -> dict[str, float]:
        """Sample and its labels, as text -> value."""
        status, text = self.ask("/metrics")
        assert status == 200
        return {
            " ".join(
                (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items())))
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentCa:
    return ensure_ca(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def own_cluster(postgres_cluster: PostgresCluster) -> Iterator[PostgresCluster]:
    """A PostgreSQL that may be stopped; the shared one has said by now whether there can be any."""
    with PostgresCluster() as cluster:
        yield cluster


def watched(store: StoreSettings, ca: DevelopmentCa) -> tuple[ImapHost, int]:
    port = free_port_base()
    options = {"METRICS_IMAP": f"127.0.0.1:{port}", "AUTH_INSECURE_LOOPBACK_AUTH": "true"}
    return ImapHost(store, ca, options), port


def test_what_was_done_is_counted(store_settings: StoreSettings, ca: DevelopmentCa) -> None:
    host, port = watched(store_settings, ca)
    with closing(Operator(store_settings)) as operator, host:
        seen = Watched(host, port)
        user = imap_user(operator)
        with host.log_in(user, "INBOX") as client:
            client.append("INBOX", b"Subject: one\r\n\r\nbody\r\n")
            with host.connect() as stranger:
                stranger.line()
                stranger.send(f"a LOGIN {user.address} mk_wrong\r\n".encode())
                stranger.play("S: a NO ...")
                now = seen.samples()
                assert now["mailkeep_connections"] == 2
            assert now["mailkeep_sessions"] == 1
            assert now["mailkeep_ready"] == 1
            assert now["mailkeep_operations_total operation=Append"] == 1
            assert now["mailkeep_commit_seconds_count"] >= 1
            assert now["mailkeep_snapshots"] == 1
            assert now["mailkeep_snapshot_entries"] == 1
            assert now["mailkeep_snapshot_bytes"] > 0
            assert now["mailkeep_logins_total mechanism=LOGIN outcome=success reason="] == 1
            refused = [name for name in now if "outcome=failure" in name and "_total" in name]
            assert len(refused) == 1
            assert now[f"mailkeep_certificate_expiry_timestamp_seconds file={ca.certificate}"] > time.time()
            assert now["mailkeep_build_info host=imap version=0.1.0"] == 1
            operator.deliver(user.address, b"Subject: two\r\n\r\nfrom another process\r\n")
            deadline = time.monotonic() + SECONDS
            while seen.samples()["mailkeep_feed_lag_seconds_count"] == 0:
                assert time.monotonic() < deadline
                time.sleep(0.05)


def test_readiness_follows_the_database_and_life_does_not(
    own_cluster: PostgresCluster, tmp_path: Path, ca: DevelopmentCa
) -> None:
    cluster = own_cluster
    store = StoreSettings(data_dir=str(tmp_path), database=cluster.url(cluster.create_database()))
    host, port = watched(store, ca)
    with host:
        seen = Watched(host, port)
        assert seen.ask("/health/ready") == (200, '{"status": "ok"}\n')
        cluster.stop(immediate=True)
        status, told = seen.ask("/health/ready")
        assert (status, json.loads(told)) == (503, {"status": "The database does not answer."})
        assert seen.ask("/health/live")[0] == 200
        assert seen.samples()["mailkeep_ready"] == 0
        cluster.start()
        deadline = time.monotonic() + SECONDS
        while seen.ask("/health")[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_what_is_not_there_is_refused_in_words(tmp_path: Path, ca: DevelopmentCa) -> None:
    host, port = watched(StoreSettings(data_dir=str(tmp_path)), ca)
    with host:
        seen = Watched(host, port)
        assert seen.ask("/")[0] == 404
        assert seen.ask("/metrics", "POST")[0] == 405
        assert seen.ask("/health/live", "HEAD") == (200, "")
        assert seen.ask(f"/metrics?{'x' * 100}")[0] == 200
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        connection.request("GET", f"/{'x' * 7_000}")
        assert connection.getresponse().status == 404
        connection.close()
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            seen.ask(f"/{'x' * 20_000}")
        assert seen.ask("/health/live")[0] == 200
