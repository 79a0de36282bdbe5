"""`mailkeep doctor`: each check, well and ill, and the whole command."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mailkeep.model.dns import Answer, DnsUnavailable, MailExchanger, NoSuchName
from mailkeep.model.finding import Finding, State
from mailkeep.net import published
from mailkeep.net.development import DevelopmentCa, ensure_ca
from mailkeep.net.listen import Endpoint, bind
from mailkeep.settings import (
    ApiSettings,
    AuthSettings,
    ImapSettings,
    NotifySettings,
    Settings,
    SmtpSettings,
    StoreSettings,
    TlsSettings,
)
from mailkeep.storage import migrate
from mailkeep_cli import context
from mailkeep_cli.checks import certified, configured, listening, machine, stored
from mailkeep_cli.main import main

HOST = "mail.example.test"
MX = SmtpSettings(hostname=HOST, mx=("*:25",))


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "configure", lambda _settings: None)


def states(findings: list[Finding]) -> list[State]:
    return [finding.state for finding in findings]


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (Settings(), "No host listens"),
        (Settings(smtp=SmtpSettings(mx=("127.0.0.1:25",))), "calls itself 'localhost'"),
        (Settings(smtp=MX), "without TLS"),
        (
            Settings(imap=ImapSettings(plain=("*:143",)), auth=AuthSettings(insecure_loopback_auth=True)),
            "in the clear",
        ),
        (
            Settings(api=ApiSettings(listen=("*:80",)), auth=AuthSettings(development_tokens="on")),
            "development key",
        ),
    ],
)
def test_what_a_server_should_not_have(settings: Settings, word: str) -> None:
    findings = list(configured.check(settings))
    assert [finding for finding in findings if word in finding.sentence]
    assert all(finding.mend for finding in findings)


def test_a_key_that_everybody_can_read(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("x")
    settings = Settings(imap=ImapSettings(plain=("127.0.0.1:1",)), notify=NotifySettings(key_file=str(key)))
    key.chmod(0o640)
    assert states(list(configured.check(settings))) == [State.OK]
    key.chmod(0o644)
    assert states(list(configured.check(settings))) == [State.FAILURE]


# --- the store ------------------------------------------------------------------------------------


async def look(settings: Settings) -> dict[str, Finding]:
    return {finding.check: finding async for finding in stored.check(settings, [])}


async def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    found = await look(Settings(store=StoreSettings(data_dir=str(directory))))
    assert found["migrations"].state is State.FAILURE
    assert not directory.exists()


async def test_a_store_that_is_behind_is_not_migrated(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "HEAD", "9999")
    found = await look(Settings(store=store_settings))
    assert list(found) == ["migrations"]
    assert found["migrations"].mend == "mailkeep migrate"


async def test_a_store_that_is_well(store_settings: StoreSettings) -> None:
    await migrate(store_settings)
    found = await look(Settings(store=store_settings))
    assert found["migrations"].state is State.OK
    assert "answers within" in found["database"].sentence
    assert found["domains"].state is State.WARNING
    assert found["keys"].state is State.OK


async def test_a_database_that_does_not_answer() -> None:
    settings = Settings(store=StoreSettings(database="postgresql://x@127.0.0.1:1/x"))
    assert (await look(settings))["database"].state is State.FAILURE


# --- ports ----------------------------------------------------------------------------------------


@pytest.fixture
def saying() -> Iterator[Callable[[bytes], str]]:
    """Listens on loopback and says something to one who comes; gives the address."""
    opened = []

    def listen(text: bytes) -> str:
        listener = bind(Endpoint("127.0.0.1", 0))
        listener.setblocking(True)
        opened.append(listener)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(text)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield listen
    for one in opened:
        one.close()


async def ports(settings: Settings) -> list[Finding]:
    return [finding async for finding in listening.check(settings)]


async def test_who_answers_in_the_right_protocol_is_ours(saying: Callable[[bytes], str]) -> None:
    settings = Settings(
        smtp=SmtpSettings(mx=(saying(b"220 mail ESMTP\r\n"),)),
        imap=ImapSettings(plain=(saying(b"* OK IMAP4rev2\r\n"),)),
        api=ApiSettings(listen=(saying(b"HTTP/1.1 200 OK\r\n\r\n"),)),
    )
    assert states(await ports(settings)) == [State.OK] * 3


async def test_who_does_not_is_named(saying: Callable[[bytes], str]) -> None:
    other, clear = saying(b"SSH-2.0-x\r\n"), saying(b"* OK in the clear\r\n")
    settings = Settings(imap=ImapSettings(plain=(other, "127.0.0.1:1"), tls=(clear,)))
    found = await ports(settings)
    assert states(found) == [State.FAILURE] * 3
    assert "is not the imap host" in found[0].sentence
    assert "Nobody answers at 127.0.0.1:1" in found[1].sentence
    assert "speaks no TLS" in found[2].sentence


# --- certificates ---------------------------------------------------------------------------------


@pytest.fixture
def ca(tmp_path: Path) -> DevelopmentCa:
    return ensure_ca(tmp_path / "ca", [HOST])


def certificates(ca: DevelopmentCa, trusted: str | None, host: str = HOST) -> list[Finding]:
    tls = TlsSettings(str(ca.certificate), str(ca.key))
    return list(certified.check(Settings(smtp=replace(MX, hostname=host), tls=tls), trusted))


def test_a_chain_that_clients_trust(ca: DevelopmentCa) -> None:
    assert states(certificates(ca, str(ca.ca_file))) == [State.OK]


def test_a_chain_that_they_do_not_trust_and_a_name_that_is_not_in_it(ca: DevelopmentCa) -> None:
    (untrusted,) = certificates(ca, None)
    assert (untrusted.state, "self-signed" in untrusted.sentence) == (State.FAILURE, True)
    (misnamed,) = certificates(ca, str(ca.ca_file), "other.example")
    assert (misnamed.state, "Hostname mismatch" in misnamed.sentence) == (State.FAILURE, True)


def test_a_certificate_that_ends(ca: DevelopmentCa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certified, "ENDS_SOON", certified.timedelta(days=1000))
    assert states(certificates(ca, str(ca.ca_file))) == [State.WARNING, State.OK]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    tls = TlsSettings(str(tmp_path / "a"), str(tmp_path / "b"))
    assert states(list(certified.check(Settings(tls=tls)))) == [State.FAILURE]
    assert list(certified.check(Settings())) == []


# --- DNS ------------------------------------------------------------------------------------------


class Zone:
    """Answers from a dictionary: (type, name) -> records."""

    def __init__(self, records: dict[tuple[str, str], tuple[Any, ...]]) -> None:
        self._records = records

    def __getattr__(self, kind: str) -> Callable[[str], Any]:
        async def ask(name: str) -> Answer[Any]:
            if (kind, name) not in self._records:
                raise NoSuchName("no")
            return Answer(self._records[kind, name])

        return ask


WELL = {
    ("a", HOST): ("192.0.2.1",),
    ("ptr", "192.0.2.1"): (HOST,),
    ("mx", "example.test"): (MailExchanger(10, HOST),),
    ("txt", "example.test"): (b"google-site-verification=1", b"v=spf1 mx -all"),
    ("txt", "_dmarc.example.test"): (b"v=DMARC1; p=none",),
    ("txt", "_smtp._tls.example.test"): (b"v=TLSRPTv1; rua=mailto:tls@example.test",),
}


async def zone(records: dict[tuple[str, str], tuple[Any, ...]]) -> list[Finding]:
    lookups: Any = Zone(records)
    return [one async for one in published.check(Settings(smtp=MX), ["example.test"], lookups)]


async def test_a_domain_that_is_set_up() -> None:
    assert states(await zone(WELL)) == [State.OK] * 5


@pytest.mark.parametrize(
    ("missing", "state", "record"),
    [
        (("a", HOST), State.FAILURE, "A or AAAA"),
        (("ptr", "192.0.2.1"), State.WARNING, "PTR"),
        (("mx", "example.test"), State.FAILURE, f"example.test. MX 10 {HOST}."),
        (("txt", "example.test"), State.WARNING, 'example.test. TXT "v=spf1 mx -all"'),
        (("txt", "_dmarc.example.test"), State.WARNING, '_dmarc.example.test. TXT "v=DMARC1'),
        (
            ("txt", "_smtp._tls.example.test"),
            State.WARNING,
            '_smtp._tls.example.test. TXT "v=TLSRPTv1; rua=mailto:postmaster@example.test"',
        ),
    ],
)
async def test_what_is_missing_is_given_as_a_record(
    missing: tuple[str, str], state: State, record: str
) -> None:
    found = await zone({key: value for key, value in WELL.items() if key != missing})
    (ill,) = [finding for finding in found if finding.state is not State.OK]
    assert ill.state is state
    assert record in ill.mend


async def test_reports_of_tls_that_would_go_nowhere() -> None:
    (ill,) = [
        finding
        for finding in await zone({**WELL, ("txt", "_smtp._tls.example.test"): (b"v=TLSRPTv1; rua=tls",)})
        if finding.state is not State.OK
    ]
    assert ill.state is State.WARNING
    assert "_smtp._tls.example.test is of no use" in ill.sentence


async def test_name_servers_that_do_not_answer_are_no_fault_of_the_domain() -> None:
    class Silent:
        def __getattr__(self, _kind: str) -> Callable[[str], Any]:
            async def ask(_name: str) -> Any:
                raise DnsUnavailable("no answer")

            return ask

    lookups: Any = Silent()
    found = [one async for one in published.check(Settings(smtp=MX), ["example.test"], lookups)]
    assert states(found) == [State.UNKNOWN]


# --- the machine, and the whole -------------------------------------------------------------------


def test_the_machine_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(store=StoreSettings(data_dir=str(tmp_path / "not" / "there")))
    assert [finding.check for finding in machine.check(settings)] == ["time", "disk"]
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _path: shutil_usage(100 << 30, 1 << 20))
    assert list(machine.check(settings))[1].state is State.FAILURE
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _path: shutil_usage(100 << 30, 2 << 30))
    assert list(machine.check(settings))[1].state is State.WARNING


def shutil_usage(total: int, free: int) -> Any:
    return machine.shutil._ntuple_diskusage(total, total - free, free)  # type: ignore[attr-defined]


def test_the_command_says_how_to_mend_and_ends_with_1(tmp_path: Path) -> None:
    environ = {"MAILKEEP_CONFIG": "", "MAILKEEP_STORE_DATABASE": "", "MAILKEEP_IMAP_PLAIN": "127.0.0.1:1"}
    words = ("doctor", "--no-dns", "--data-dir", str(tmp_path))
    told = CliRunner().invoke(main, words, env=environ)
    assert told.exit_code == 1
    assert "FAIL  ports       Nobody answers at 127.0.0.1:1 (imap)." in told.output
    assert "systemctl status mailkeep-imap" in told.output
    found = json.loads(CliRunner().invoke(main, (*words, "--json"), env=environ).stdout)
    assert {"check", "state", "sentence", "mend"} == set(found[0])
    assert {finding["check"] for finding in found} >= {"settings", "migrations", "ports", "time", "disk"}
