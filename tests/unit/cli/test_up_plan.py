"""Where everything listens, and what the hosts are told."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from mailkeep.errors import SettingsError
from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import load_settings
from mailkeep_cli.up_files import clear_ready_file, write_private, write_ready_file
from mailkeep_cli.up_plan import LISTENERS, UpPlan
from mailkeep_cli.up_provision import Provisioned
from mailkeep_cli.up_report import print_table, ready_object

CA = DevelopmentCa(Path("/tls/ca.pem"), Path("/tls/server.pem"), Path("/tls/server.key"))


def test_the_hosts_read_back_what_was_planned() -> None:
    plan = UpPlan(Path("/data"), database="postgresql://u:secret@db/mail", insecure_loopback_auth=True)
    settings = load_settings(environ=plan.environment({"MAILKEEP_LOG_LEVEL": "debug"}, CA))
    assert settings.store.data_dir == "/data"
    assert settings.store.database_url == "postgresql+asyncpg://u:secret@db/mail"
    assert settings.smtp.mx == ("127.0.0.1:2025",)
    assert settings.smtp.submission == ("127.0.0.1:2587",)
    assert settings.smtp.submissions == ("127.0.0.1:2465",)
    assert settings.imap.plain == ("127.0.0.1:2143",)
    assert settings.imap.tls == ("127.0.0.1:2993",)
    assert settings.pop3.plain == ("127.0.0.1:2110",)
    assert settings.pop3.tls == ("127.0.0.1:2995",)
    assert settings.api.listen == ("127.0.0.1:2080",)
    assert settings.metrics.smtp == ("127.0.0.1:2901",)
    assert settings.metrics.api == ("127.0.0.1:2904",)
    assert settings.notify.api_url == "http://127.0.0.1:2080"
    assert settings.notify.key_file == "/data/internal.key"
    assert (settings.tls.certificate, settings.tls.key) == ("/tls/server.pem", "/tls/server.key")
    assert settings.auth.insecure_loopback_auth
    assert settings.api.public_url == "http://127.0.0.1:2080"
    assert settings.log.level == "debug"  # what the user has set besides stays


def test_login_in_clear_is_off_unless_asked_for() -> None:
    environment = UpPlan(Path("/data")).environment({"MAILKEEP_AUTH_INSECURE_LOOPBACK_AUTH": "true"}, CA)
    assert not load_settings(environ=environment).auth.insecure_loopback_auth


@pytest.mark.parametrize(
    ("relay", "inherited", "route"),
    [
        (False, {}, "off"),
        (True, {}, "direct"),
        (
            False,
            {"MAILKEEP_RELAY_ROUTE": "smarthost", "MAILKEEP_RELAY_SMARTHOST": "a.example:587"},
            "smarthost",
        ),
    ],
    ids=["tried out", "asked for", "set besides"],
)
def test_nothing_leaves_the_machine_unless_asked_for(
    relay: bool, inherited: dict[str, str], route: str
) -> None:
    environment = UpPlan(Path("/data"), relay=relay).environment(inherited, CA)
    assert load_settings(environ={**inherited, **environment}).relay.route == route


@pytest.mark.parametrize(
    ("host", "reached", "url"),
    [
        ("127.0.0.1", "127.0.0.1", "http://127.0.0.1:2080"),
        ("*", "127.0.0.1", "http://127.0.0.1:2080"),
        ("0.0.0.0", "127.0.0.1", "http://127.0.0.1:2080"),
        ("::", "::1", "http://[::1]:2080"),
        ("::1", "::1", "http://[::1]:2080"),
        ("mail.example.test", "mail.example.test", "http://mail.example.test:2080"),
    ],
)
def test_clients_are_told_an_address_that_they_can_reach(host: str, reached: str, url: str) -> None:
    plan = UpPlan(Path("/data"), host=host)
    assert plan.client_endpoint("imap").host == reached
    assert plan.api_url == url
    assert reached in plan.certificate_names


@pytest.mark.parametrize("port_base", [-1, 64541, 100000])
def test_ports_stay_ports(port_base: int) -> None:
    with pytest.raises(SettingsError, match="between 0 and 64540"):
        UpPlan(Path("/data"), port_base=port_base)


def test_the_ready_file_names_every_listener_and_new_keys_alone() -> None:
    plan = UpPlan(Path("/data"), port_base=3000)
    first = ready_object(plan, Provisioned("demo@example.test", "mk_a", "mk_b"), CA.ca_file)
    assert first["domain"] == "example.test"
    assert first["address"] == "demo@example.test"
    assert (first["api_key"], first["internal_key"]) == ("mk_a", "mk_b")
    assert first["ca_file"] == "/tls/ca.pem"
    assert first["submissions"] == {"host": "127.0.0.1", "port": 3465}
    assert first["api"] == {"url": "http://127.0.0.1:3080"}
    assert set(LISTENERS) <= set(first)
    second = ready_object(plan, Provisioned("demo@example.test"), CA.ca_file)
    assert "api_key" not in second
    assert "internal_key" not in second
    assert json.loads(json.dumps(second)) == second


def test_files_with_keys_are_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    path.write_text("old")
    path.chmod(0o644)
    write_ready_file(path, {"api_key": "mk_a"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {"api_key": "mk_a"}
    write_private(tmp_path / "key", "text\n")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["key", "ready.json"]
    clear_ready_file(path)
    clear_ready_file(path)
    assert not path.exists()


def test_a_ready_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written: No such file or directory"):
        write_ready_file(tmp_path / "absent" / "ready.json", {})
    (tmp_path / "directory").mkdir()
    with pytest.raises(SettingsError, match="cannot be replaced"):
        clear_ready_file(tmp_path / "directory")


def test_the_table_shows_a_new_key_once(capsys: pytest.CaptureFixture[str]) -> None:
    plan = UpPlan(Path("/data"))
    print_table(plan, Provisioned("demo@example.test", "mk_new_key"), CA.ca_file, 1.5)
    shown = capsys.readouterr().out
    assert shown.count("mk_new_key") == 1
    for word in (
        "IMAP",
        "POP3",
        "SMTP",
        "2993",
        "2143",
        "2995",
        "2110",
        "2465",
        "2587",
        "STARTTLS",
        "SSL/TLS",
    ):
        assert word in shown
    print_table(plan, Provisioned("demo@example.test"), CA.ca_file, 1.5)
    shown = capsys.readouterr().out
    assert "keys create demo@example.test --data-dir /data\n" in shown
    assert "mk_new_key" not in shown


def test_a_public_address_that_was_set_besides_is_kept() -> None:
    """A proxy or a name of this machine stands in front of it."""
    named = {"MAILKEEP_API_PUBLIC_URL": "https://mail.example.org"}
    settings = load_settings(environ=UpPlan(Path("/data")).environment(named, CA))
    assert settings.api.public_url == "https://mail.example.org"
    assert settings.notify.api_url == "http://127.0.0.1:2080"
