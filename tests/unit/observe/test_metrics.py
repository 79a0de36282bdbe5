"""What is exposed, and that dashboard and alerts speak of nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from mailkeep.observe import metrics, timed

DEPLOY = Path(__file__).parents[3] / "deploy"
_NAME = re.compile(r"\b(?:mailkeep|process)_[a-z0-9_]+")
_SAMPLES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "gauge": ("",),
    "info": ("_info",),
    "summary": ("_sum", "_count"),
}


def exposed() -> set[str]:
    """Names of all samples that there can be, also of labels that nobody has used yet."""
    assert timed.TIMINGS  # its numbers are in the registry once it is imported
    told = {family.name + suffix for family in metrics.REGISTRY.collect() for suffix in _SAMPLES[family.type]}
    return told | {"mailkeep_workers"}  # of a parent of workers, which has no instruments


def named_in(text: str) -> set[str]:
    return set(_NAME.findall(text))


def alerts() -> list[dict[str, str]]:
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    rules: list[dict[str, str]] = group["rules"]
    return rules


def dashboard_expressions() -> list[str]:
    panels = json.loads((DEPLOY / "grafana" / "mailkeep.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def test_the_exposition_is_what_prometheus_reads() -> None:
    families = {
        family.name: family for family in text_string_to_metric_families(metrics.exposition().decode())
    }
    assert families["mailkeep_connections"].type == "gauge"
    assert families["mailkeep_commit_seconds"].type == "histogram"
    assert "process_resident_memory_bytes" in families


def test_alerts_name_only_metrics_that_exist() -> None:
    named = named_in(" ".join(rule["expr"] for rule in alerts()))
    assert len(named) >= 10
    assert named <= exposed()


def test_the_dashboard_names_only_metrics_that_exist() -> None:
    named = named_in(" ".join(dashboard_expressions()))
    assert len(named) >= 20
    assert named <= exposed()


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    shown = named_in(" ".join(dashboard_expressions()))
    ours = {family.name for family in metrics.REGISTRY.collect() if family.name.startswith("mailkeep_")}
    unseen = {name for name in ours if not any(one.startswith(name) for one in shown)}
    assert unseen == {"mailkeep_build"}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_wrong_and_how_to_mend_it(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["mend"]


def test_what_is_no_name_would_be_noticed() -> None:
    assert not named_in("mailkeep_no_such_thing_total") <= exposed()
