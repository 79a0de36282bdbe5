"""Dockerfile and docker-compose.yml, held against the settings that the hosts really have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.object_server.running import ObjectServer
from tests.support.programs import program, succeed

from mailkeep.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
HOSTS = ("smtp", "pop3", "imap", "api")
OURS = (*HOSTS, "upstream", "migrate", "tools")
METRICS_PORT = 9300
IMAGE = "docker.io/chrislusf/seaweedfs"


def stages() -> dict[str, list[str]]:
    """Stage name -> its instructions, with continued lines joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if match := re.match(r"FROM (\S+) AS (\w+)", line):
            current = found[match[2]] = [*found.get(match[1], ())]  # a stage inherits from the one it is from
        elif line and not line.startswith("#"):
            current.append(re.sub(r" +", " ", line))
    return found


def stage_environment(name: str) -> dict[str, str]:
    words = " ".join(line.removeprefix("ENV ") for line in stages()[name] if line.startswith("ENV ")).split()
    return dict(word.split("=", 1) for word in words)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return parsed


def settings_of(compose: dict[str, Any], name: str, secrets: Path) -> Settings:
    """What the host of a service would run with. Unknown variables are refused by the settings themselves."""
    service = compose["services"][name]
    environ = {**stage_environment(service["build"]["target"]), **(service.get("environment") or {})}
    for secret in service["secrets"]:
        (secrets / secret).write_text("postgresql://mailkeep:x@postgres/mailkeep")
    given = {
        key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value).replace("/run/secrets", str(secrets))
        for key, value in environ.items()
        if key.startswith("MAILKEEP_")
    }
    return load_settings(environ=given)


def listeners(settings: Settings, host: str) -> set[int]:
    section = getattr(settings, host)
    names = {
        "smtp": ("mx", "submission", "submissions"),
        "pop3": ("plain", "tls"),
        "imap": ("plain", "tls"),
        "api": ("listen",),
    }[host]
    return {int(place.rpartition(":")[2]) for name in names for place in getattr(section, name)}


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(compose: dict[str, Any], name: str, tmp_path: Path) -> None:
    settings = settings_of(compose, name, tmp_path)
    assert settings.store.database_url.startswith("postgresql+asyncpg://mailkeep:x@postgres/")
    assert settings.store.data_dir == "/var/lib/mailkeep"
    assert settings.log.format == "json"


@pytest.mark.parametrize("host", HOSTS)
def test_published_ports_are_listened_on(compose: dict[str, Any], host: str, tmp_path: Path) -> None:
    settings = settings_of(compose, host, tmp_path)
    published = {int(port.rpartition(":")[2]) for port in compose["services"][host]["ports"]}
    exposed = {
        int(port)
        for line in stages()[host]
        if line.startswith("EXPOSE ")
        for port in line.removeprefix("EXPOSE ").split()
    }
    assert published == listeners(settings, host)
    assert exposed == published | {METRICS_PORT}
    assert min(published) >= 1024  # nobody in there may bind another


@pytest.mark.parametrize("host", HOSTS)
def test_health_is_asked_where_the_host_answers(compose: dict[str, Any], host: str, tmp_path: Path) -> None:
    settings = settings_of(compose, host, tmp_path)
    assert getattr(settings.metrics, host) == (f"*:{METRICS_PORT}",)
    (check,) = [line for line in stages()[host] if line.startswith("HEALTHCHECK")]
    assert "mailkeep.observe.probe" in check
    assert f"http://127.0.0.1:{METRICS_PORT}/health/ready" in check


@pytest.mark.parametrize("host", HOSTS)
def test_images_run_their_host_as_nobody_in_particular(host: str) -> None:
    lines = stages()[host]
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    assert lines[-1] == f'ENTRYPOINT ["/opt/mailkeep/bin/python", "-m", "mailkeep_{host}"]'


def test_build_tools_stay_in_the_build() -> None:
    tools = "hatchling editables pathspec pluggy trove-classifiers setuptools pip"
    assert f"uninstall --yes --quiet {tools}" in " ".join(stages()["build"])
    assert not [line for line in stages()["runtime"] if "pip" in line or "apt" in line]


@pytest.mark.parametrize("name", OURS)
def test_containers_hold_little_and_may_do_less(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]


@pytest.mark.parametrize("host", [*HOSTS, "upstream"])
def test_hosts_start_after_the_migration_of_a_database_that_answers(
    compose: dict[str, Any], host: str
) -> None:
    services = compose["services"]
    assert services[host]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert services["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert services["migrate"]["command"] == ["migrate"]
    assert services["postgres"]["healthcheck"]["test"][0] == "CMD"


def test_what_is_named_is_declared(compose: dict[str, Any]) -> None:
    services = compose["services"].values()
    secrets = {secret for service in services for secret in service.get("secrets", ())}
    volumes = {volume.partition(":")[0] for service in services for volume in service.get("volumes", ())}
    assert secrets == set(compose["secrets"])
    assert {name for name in volumes if not name.startswith(".")} == set(compose["volumes"])
    for mounted in (name for name in volumes if name.startswith(".")):
        assert (ROOT / mounted).exists()
    targets = {service["build"]["target"] for service in services if "build" in service}
    assert targets <= set(stages())


def test_every_service_is_limited_and_ends_with_its_restart_policy(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["mem_limit"], name
        assert service["restart"] == (
            "no" if name in ("migrate", "tools", "objects-bucket") else "unless-stopped"
        ), name


@pytest.mark.parametrize(
    ("profiles", "more"),
    [
        ((), set()),
        (("monitoring",), {"prometheus", "grafana"}),
        (("tools",), {"tools"}),
        (("objects",), {"objects", "objects-bucket"}),
    ],
)
def test_compose_itself_takes_the_file(profiles: tuple[str, ...], more: set[str]) -> None:
    """Without an engine: it reads, checks and merges all of it, and says what it would start."""
    options = [word for name in profiles for word in ("--profile", name)]
    command = [program("docker-compose"), "-f", str(ROOT / "docker-compose.yml"), *options, "config"]
    assert succeed([*command, "--quiet"]) == b""
    started = set(succeed([*command, "--services"]).decode().split())
    assert started >= {*HOSTS, "postgres", "migrate", "upstream"} | more


@pytest.mark.parametrize("name", OURS)
def test_the_object_store_is_used_where_its_bucket_is_named(
    compose: dict[str, Any], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_of(compose, name, tmp_path).objects.bucket == ""
    monkeypatch.setitem(compose["services"][name]["environment"], "MAILKEEP_OBJECTS_BUCKET", "mail")
    settings = settings_of(compose, name, tmp_path).objects
    assert (settings.bucket, settings.endpoint) == ("mail", "http://objects:8333")
    assert settings.secret_key
    assert "objects" in compose["services"][name]["networks"]


def test_the_object_store_is_reached_by_the_hosts_alone(compose: dict[str, Any]) -> None:
    assert compose["networks"]["objects"] == {"internal": True}
    for name in ("objects", "objects-bucket"):
        assert compose["services"][name]["networks"] == ["objects"]
        assert "ports" not in compose["services"][name]


def test_the_object_store_knows_its_arguments_and_makes_its_bucket_once(
    compose: dict[str, Any], object_server: ObjectServer
) -> None:
    """The program of the image, with what the file tells it."""
    command = compose["services"]["objects"]["command"]
    known = object_server.help(command[0])
    for word in command[1:]:
        assert f"  {word.partition('=')[0]}" in known, word
    object_server.settings()  # whose bucket's name begins as that of the file does
    (script,) = compose["services"]["objects-bucket"]["command"]
    for _ in range(2):
        object_server.run_script(script.replace("objects:9333", object_server.master))
    assert object_server.buckets().count("mail") == 1
    images = {compose["services"][name]["image"] for name in ("objects", "objects-bucket")}
    assert images == {f"{IMAGE}:{object_server.version}"}


def test_prometheus_scrapes_the_hosts(compose: dict[str, Any]) -> None:
    scrape = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    (job,) = scrape["scrape_configs"]
    targets = {entry["labels"]["host"]: entry["targets"] for entry in job["static_configs"]}
    assert targets == {host: [f"{host}:{METRICS_PORT}"] for host in HOSTS}
    assert set(HOSTS) <= set(compose["services"])


def test_only_what_an_image_needs_goes_into_the_build() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")]
    copied = [
        word
        for line in stages()["build"]
        if line.startswith("COPY ")
        for word in line.removeprefix("COPY ").split()[:-1]
    ]
    assert sorted(allowed) == sorted(copied)
    for name in copied:
        assert (ROOT / name).exists()
