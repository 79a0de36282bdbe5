"""Numbers of several workers as those of one host."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from mailkeep.observe import metrics
from mailkeep.observe.gathered import SAME_FOR_ALL, gathered

ONE = """\
# HELP mailkeep_connections Connections open now.
# TYPE mailkeep_connections gauge
mailkeep_connections 3.0
# HELP mailkeep_ready 1 if the host accepts.
# TYPE mailkeep_ready gauge
mailkeep_ready 1.0
# HELP mailkeep_logins_total Attempts.
# TYPE mailkeep_logins_total counter
mailkeep_logins_total{mechanism="PLAIN",outcome="granted"} 2.0
# HELP mailkeep_commit_seconds Time.
# TYPE mailkeep_commit_seconds histogram
mailkeep_commit_seconds_bucket{le="0.1"} 1.0
mailkeep_commit_seconds_bucket{le="+Inf"} 2.0
mailkeep_commit_seconds_count 2.0
mailkeep_commit_seconds_sum 0.5
"""
OTHER = ONE.replace("mailkeep_ready 1.0", "mailkeep_ready 0.0").replace("granted", "refused")


def values(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_counts_are_added_and_what_is_one_thing_is_not() -> None:
    found = values(gathered([ONE, OTHER], 2, 3))
    assert found["mailkeep_connections", ()] == 6
    assert found["mailkeep_ready", ()] == 1
    assert found["mailkeep_logins_total", (("mechanism", "PLAIN"), ("outcome", "granted"))] == 2
    assert found["mailkeep_logins_total", (("mechanism", "PLAIN"), ("outcome", "refused"))] == 2
    assert found["mailkeep_commit_seconds_bucket", (("le", "0.1"),)] == 2
    assert found["mailkeep_commit_seconds_sum", ()] == 1
    assert found["mailkeep_workers", (("state", "ready"),)] == 2
    assert found["mailkeep_workers", (("state", "wanted"),)] == 3


def test_what_one_process_exposes_passes_through_unchanged() -> None:
    before = values(metrics.exposition())
    after = values(gathered([metrics.exposition().decode()], 1, 1))
    assert {name for name, _ in before if not name.endswith("_created")} <= {name for name, _ in after}


def test_no_worker_makes_no_numbers_but_how_many_there_are() -> None:
    assert set(values(gathered([], 0, 2))) == {
        ("mailkeep_workers", (("state", "ready"),)),
        ("mailkeep_workers", (("state", "wanted"),)),
    }


def test_the_exceptions_exist() -> None:
    exposed = {family.name for family in metrics.REGISTRY.collect()}
    assert exposed >= SAME_FOR_ALL
