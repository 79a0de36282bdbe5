"""Mail of a real Dovecot kept in a mailbox here: new mail, flags both ways, renumbering, kill -9."""

from __future__ import annotations

import asyncio
import base64
import imaplib
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from bench.peers.dovecot import Dovecot
from bench.peers.peer import Account
from imapclient import IMAPClient
from tests.conftest import open_test_store
from tests.support.clients import SECONDS, deliver, message
from tests.support.hosts import MailkeepUp, Person
from tests.support.otlp_collector import Collector, Seen
from tests.support.programs import private_file, program

from mailkeep.model.address import Address
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.storage.interface import Store
from mailkeep.upstream.config import AccountConfig, open_account, read_config
from mailkeep.upstream.sync import remote
from mailkeep.upstream.sync.account import sync_account
from mailkeep.upstream.sync.folder import FolderResult

PREFIX = "THEIRS"
T = TypeVar("T")


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    program("dovecot")
    with Dovecot("sdbox") as running:
        yield running


class There:
    """A mailbox at Dovecot, through imaplib."""

    def __init__(self, dovecot: Dovecot) -> None:
        self.dovecot = dovecot
        self.account: Account = dovecot.account(f"there-{secrets.token_hex(4)}")
        self.sent = 0

    @contextmanager
    def client(self, folder: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4("127.0.0.1", self.dovecot.ports["imap"], timeout=SECONDS)
        client.login(self.account.address, self.account.password)
        client.select(folder)
        try:
            yield client
        finally:
            client.logout()

    def append(self, count: int, folder: str = "INBOX", flags: str = "") -> None:
        with self.client() as client:
            if folder != "INBOX":
                client.create(folder)
            for _ in range(count):
                self.sent += 1
                octets = (
                    f"Message-ID: <{self.sent}@there>\r\nSubject: no {self.sent}\r\n\r\nbody {self.sent}\r\n"
                )
                date = imaplib.Time2Internaldate(1_700_000_000 + self.sent)
                assert client.append(folder, flags, date, octets.encode())[0] == "OK"

    def fill(self, count: int, doublings: int) -> None:
        """Many messages, by copying: 2 ** doublings of each."""
        self.append(count)
        with self.client() as client:
            for _ in range(doublings):
                client.copy("1:*", "INBOX")

    def flags(self) -> dict[str, str]:
        """Subject -> flags."""
        with self.client() as client:
            return listed(client)


def listed(client: imaplib.IMAP4) -> dict[str, str]:
    _, rows = client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    found = {}
    for row in rows:
        if isinstance(row, tuple):
            subject = row[1].decode().partition(":")[2].strip()
            words = row[0].decode().partition("FLAGS (")[2].partition(")")[0].split()
            found[subject] = " ".join(sorted(set(words) - {"\\Recent"}))
    return found


class Here:
    """The same mail in a mailbox of ours, and the command that brings it."""

    def __init__(self, up: MailkeepUp, person: Person, there: There, directory: Path) -> None:
        self.up, self.person = up, person
        self.name = f"work-{secrets.token_hex(4)}"
        text = f"{PREFIX}_IMAP_PASSWORD={there.account.password}\n"
        self.env_file = private_file(directory / "their.env", text)
        self.server = f"none://127.0.0.1:{there.dovecot.ports['imap']}"
        self.address = there.account.address
        self.told: list[tuple[str, int, int]] = []
        """What the last sync said of its progress."""

    def add(self, **options: Any) -> None:
        """The account, with these settings of AccountConfig."""
        places = {"imap": self.server, "env_file": str(self.env_file), "prefix": PREFIX}
        config = AccountConfig(self.address, **{**places, **options})

        async def work(store: Store) -> None:
            user = await store.directory.user_by_address(Address.parse(self.person.address))
            assert user is not None
            await store.upstreams.add(user.id, self.name, config.to_json())

        self._with_store(work)

    def add_filter(self, name: str, changes: dict[str, Any]) -> None:
        """Of the user's."""

        async def work(store: Store) -> None:
            user = await store.directory.user_by_address(Address.parse(self.person.address))
            assert user is not None
            await store.filters.add(user.id, name, changes)

        self._with_store(work)

    def forget(self) -> None:
        """The account; its mail stays."""

        async def work(store: Store) -> None:
            for record in await store.upstreams.list():
                if record.name == self.name:
                    await store.upstreams.remove(record.id)

        self._with_store(work)

    def records(self) -> Sequence[UpstreamRecord]:
        """Of all accounts elsewhere."""
        return self._with_store(lambda store: store.upstreams.list())

    def sync(self) -> dict[str, FolderResult]:
        """By mailbox here. In this process, as `mailkeep upstream sync` does it in its own."""

        async def work(store: Store) -> dict[str, FolderResult]:
            [record] = [one for one in await store.upstreams.list() if one.name == self.name]
            config = read_config(record.config)
            account = open_account(record.name, config)
            self.told.clear()
            done = await sync_account(store, record, config, account, lambda *told: self.told.append(told))
            return {one.mailbox: one.result for one in done}

        return self._with_store(work)

    def _with_store(self, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
        async def run() -> T:
            async with open_test_store(self.up.store_settings) as store:
                return await work(store)

        return asyncio.run(run())

    @contextmanager
    def client(self, mailbox: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        host, port = self.up.place("imaps")
        client = imaplib.IMAP4_SSL(host, port, ssl_context=self.up.tls, timeout=SECONDS)
        client.login(self.person.address, self.person.api_key)
        client.select(mailbox)
        try:
            yield client
        finally:
            client.logout()

    def count(self) -> int:
        """Messages in INBOX."""

        return self._with_store(self._messages)

    def killed(self, times: int) -> list[int]:
        """How many messages were here after each kill -9 of a sync that has committed some."""

        async def work(store: Store) -> list[int]:
            counts = [0]
            for _ in range(times):
                process = start(self)
                try:
                    async with asyncio.timeout(SECONDS):
                        while await self._messages(store) == counts[-1] and process.poll() is None:
                            await asyncio.sleep(0.002)
                finally:
                    process.kill()
                    process.wait()
                counts.append(await self._messages(store))
            return counts[1:]

        return self._with_store(work)

    async def _messages(self, store: Store) -> int:
        user = await store.directory.user_by_address(Address.parse(self.person.address))
        assert user is not None
        return (await store.mailboxes.get(user.account_id, "INBOX")).messages

    def subjects(self) -> list[str]:
        """Of all messages, those that come twice as well."""
        with self.client() as client:
            _, rows = client.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        return [row[1].decode().partition(":")[2].strip() for row in rows if isinstance(row, tuple)]

    def flags(self, mailbox: str = "INBOX") -> dict[str, str]:
        with self.client(mailbox) as client:
            return listed(client)


@pytest.fixture
def there(dovecot: Dovecot) -> There:
    return There(dovecot)


@pytest.fixture
def here(mailkeep: MailkeepUp, person: Person, there: There, tmp_path: Path) -> Iterator[Here]:
    made = Here(mailkeep, person, there, tmp_path)
    yield made
    made.forget()  # or the next test's daemon would keep it in step too


def test_new_mail_comes_once_with_its_flags_and_dates(there: There, here: Here) -> None:
    there.append(3, flags="\\Seen")
    there.append(2)
    here.add()
    assert here.sync()["INBOX"].fetched == 5
    assert (here.told[0], here.told[-1]) == (("INBOX", 0, 5), ("INBOX", 5, 5))
    assert here.sync()["INBOX"] == FolderResult()
    assert here.flags() == there.flags()
    with here.client() as client:
        _, rows = client.fetch("1", "(INTERNALDATE)")
    assert b"14-Nov-2023" in rows[0]
    there.append(1)
    assert here.sync()["INBOX"].fetched == 1


def test_flags_go_both_ways(there: There, here: Here) -> None:
    there.append(4)
    here.add()
    here.sync()
    with there.client() as client:
        client.store("1", "+FLAGS", "(\\Seen $Work)")
        client.store("3", "+FLAGS", "(\\Flagged)")
    with here.client() as client:
        client.store("2", "+FLAGS", "(\\Answered \\Seen)")
        client.store("3", "+FLAGS", "(\\Seen)")
    here.sync()
    assert {name: set(words.lower().split()) for name, words in here.flags().items()} == {
        name: set(words.lower().split()) for name, words in there.flags().items()
    }
    assert set(there.flags()["no 3"].split()) == {"\\Seen", "\\Flagged"}
    with there.client() as client:
        client.store("1", "-FLAGS", "(\\Seen)")
    here.sync()
    assert "\\Seen" not in here.flags()["no 1"]


@pytest.mark.parametrize("mode", ["pull", "push", "none"])
def test_flags_go_only_where_they_may(there: There, here: Here, mode: str) -> None:
    there.append(2)
    here.add(flags=mode)
    here.sync()
    with there.client() as client:
        client.store("1", "+FLAGS", "(\\Flagged)")
    with here.client() as client:
        client.store("2", "+FLAGS", "(\\Answered)")
    here.sync()
    assert ("\\Flagged" in here.flags()["no 1"]) is (mode == "pull")
    assert ("\\Answered" in there.flags()["no 2"]) is (mode == "push")


@pytest.mark.parametrize(("deletions", "left"), [("keep", 3), ("mirror", 2)])
def test_deletions_are_followed_if_asked(there: There, here: Here, deletions: str, left: int) -> None:
    there.append(3)
    here.add(deletions=deletions)
    here.sync()
    with there.client() as client:
        client.store("2", "+FLAGS", "(\\Deleted)")
        client.expunge()
    assert here.sync()["INBOX"].gone == 1
    assert len(here.flags()) == left
    assert here.sync()["INBOX"].fetched == 0


@pytest.mark.parametrize("knows", ["QRESYNC", "CONDSTORE", "neither"])
def test_servers_are_asked_for_changes_as_well_as_they_can_tell(
    there: There, here: Here, knows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dovecot knows both; what it is kept from telling must be found otherwise."""
    there.append(4)
    here.add(deletions="mirror")
    hidden = {"QRESYNC": (), "CONDSTORE": ("QRESYNC",)}.get(knows, ("QRESYNC", "CONDSTORE"))
    has = IMAPClient.has_capability
    monkeypatch.setattr(
        IMAPClient, "has_capability", lambda self, name: name not in hidden and has(self, name)
    )
    if knows == "neither":
        select = remote.select
        monkeypatch.setattr(remote, "select", lambda *a, **b: replace(select(*a, **b), modseq=0))
    here.sync()
    asked: list[str] = []
    for name in ("everything", "changes_since", "uids"):
        work = getattr(remote, name)
        noted = partial(lambda name, work, *a: asked.append(name) or work(*a), name, work)
        monkeypatch.setattr(remote, name, noted)
    with there.client() as client:
        client.store("1", "+FLAGS", "(\\Flagged)")
        client.store("2", "+FLAGS", "(\\Deleted)")
        client.expunge()
    result = here.sync()["INBOX"]
    assert (result.fetched, result.flags_here, result.gone) == (0, 1, 1)
    assert here.flags() == there.flags()
    ways = {"QRESYNC": ["changes_since"], "CONDSTORE": ["changes_since", "uids"]}
    assert asked == ways.get(knows, ["everything", "uids"])
    assert here.sync()["INBOX"] == FolderResult()


def test_what_is_new_goes_through_the_users_filters(there: There, here: Here) -> None:
    """A first sync of many messages is no news and is left as it was there; this one is of two."""
    there.append(2)
    here.add()
    here.add_filter("discarding", {"subject": "no 1", "discard": True})
    here.sync()
    assert list(here.flags()) == ["no 2"]
    assert here.sync()["INBOX"] == FolderResult()


def test_no_secret_of_the_account_lies_in_the_store(there: There, here: Here) -> None:
    there.append(1)
    here.add()
    here.sync()
    secret = there.account.password
    assert all(secret not in record.config + record.said for record in here.records())
    for path in here.up.data_dir.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_what_was_deleted_here_does_not_come_back(there: There, here: Here) -> None:
    there.append(2)
    here.add()
    here.sync()
    with here.client() as client:
        client.store("1", "+FLAGS", "(\\Deleted)")
        client.expunge()
    assert here.sync()["INBOX"].fetched == 0
    assert list(here.flags()) == ["no 2"]
    assert len(there.flags()) == 2


def test_all_folders_lie_below_the_one_that_was_named(there: There, here: Here) -> None:
    there.append(1)
    there.append(2, "Projects")
    here.add(folders=("*",), into="Work")
    fetched = {(name, result.fetched) for name, result in here.sync().items()}
    assert fetched >= {("Work/INBOX", 1), ("Work/Projects", 2)}
    assert len(here.flags("Work/Projects")) == 2


def test_a_renumbered_folder_is_known_again(there: There, here: Here) -> None:
    there.append(4, "Moves")
    here.add(folders=("Moves",))
    here.sync()
    with there.client() as client:
        client.create("Other")
        client.select("Moves")
        client.copy("3:4", "Other")  # other numbers in another order
        client.copy("1:2", "Other")
        client.select("INBOX")
        client.delete("Moves")
        time.sleep(1.1)  # UIDVALIDITY is the time, in seconds
        client.rename("Other", "Moves")
    there.append(1, "Moves")
    assert here.sync()["Moves"].fetched == 1
    assert sorted(here.flags("Moves")) == [f"no {number}" for number in range(1, 6)]


def start(here: Here) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("mailkeep")), "upstream", "sync", here.name]
    command += ["--data-dir", str(here.up.data_dir)]
    return subprocess.Popen(
        command, env=here.up.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def test_killed_at_any_moment_it_loses_and_doubles_nothing(there: There, here: Here) -> None:
    there.fill(50, doublings=6)
    here.add()
    killed_at = here.killed(times=3)
    assert 0 < killed_at[-1] < 3200, "none was killed in mid-sync"
    assert here.sync()["INBOX"].fetched == 3200 - killed_at[-1]
    assert Counter(here.subjects()) == {f"no {number}": 64 for number in range(1, 51)}


def test_two_syncs_of_one_account_exclude_each_other(there: There, here: Here) -> None:
    there.append(300)
    here.add()
    processes = [start(here) for _ in range(2)]
    codes = sorted(process.wait(60) for process in processes)
    assert codes in ([0, 0], [0, 1])  # one after the other, or the second turned away
    here.sync()
    assert len(here.flags()) == 300


def test_the_command_adds_lists_syncs_and_removes(there: There, here: Here) -> None:
    there.append(1)
    words = ["--user", here.person.address, "--address", here.address, "--imap", here.server]
    here.up.cli("upstream", "add", here.name, *words, "--env-file", str(here.env_file), "--prefix", PREFIX)
    [row] = here.up.cli("upstream", "sync", here.name)
    assert (row["folder"], row["fetched"]) == ("INBOX", 1)
    assert state(here) == "ok"
    here.up.cli("upstream", "remove", here.name)
    assert len(here.flags()) == 1


def test_a_refused_password_is_told_and_noted(there: There, here: Here) -> None:
    private_file(here.env_file, f"{PREFIX}_IMAP_PASSWORD=wrong\n")
    here.add()
    with pytest.raises(subprocess.CalledProcessError) as caught:
        here.up.cli("upstream", "sync", here.name)
    assert "refused the password" in caught.value.stderr.decode()
    [row] = [row for row in here.up.cli("upstream", "list") if row["name"] == here.name]
    assert row["state"] == "password_refused"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


def fetched(spans: list[Seen]) -> int:
    """By all syncs that were traced."""
    synced = [one for one in spans if (one.service, one.name) == ("mailkeep-upstream", "upstream sync")]
    return sum(one.attributes.get("mailkeep.messages.fetched", 0) for one in synced)


def test_the_daemon_hears_of_mail_of_new_secrets_and_of_a_reload(
    mailkeep: MailkeepUp, there: There, here: Here, tmp_path: Path, collector: Collector
) -> None:
    """From a host of ours, which tells of mail at once; the interval is five minutes. Each sync is a span."""
    other = mailkeep.add_person()
    private_file(here.env_file, f"{PREFIX}_IMAP_PASSWORD=wrong\n")
    host, port = mailkeep.place("imaps")
    here.address = other.address
    here.add(imap=f"{host}:{port}", ca_file=mailkeep.ca_file)
    command = [str(Path(sys.executable).with_name("mailkeep")), "upstream", "run"]
    command += ["--data-dir", str(mailkeep.data_dir)]
    log = tmp_path / "log"
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    environ = {**mailkeep.environment, **traced}
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=file)
    try:
        wait_until(lambda: state(here) == "password_refused")
        deliver(mailkeep, other.address, message(other.address))
        private_file(here.env_file, f"{PREFIX}_IMAP_PASSWORD={other.api_key}\n")  # read when it changes
        wait_until(lambda: len(here.flags()) == 1)
        deliver(mailkeep, other.address, message(other.address))
        wait_until(lambda: len(here.flags()) == 2)
        collector.until(lambda spans: fetched(spans) == 2)
        before = replacements(log, here.name)  # by the file that changed
        here.up.cli("upstream", "reload")
        wait_until(lambda: replacements(log, here.name) == before + 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        print(log.read_text())  # shown if it fails
    for secret in (other.api_key, base64.b64encode(other.api_key.encode()).decode()):
        assert secret not in log.read_text()
    with pytest.raises(subprocess.CalledProcessError) as caught:
        here.up.cli("upstream", "reload")
    assert "is running on this data directory" in caught.value.stderr.decode()


def replacements(log: Path, account: str) -> int:
    """How often the daemon has taken the account's configuration anew; others may have theirs."""
    lines = log.read_text().splitlines()
    return sum("configuration was replaced" in line and f"account={account}" in line for line in lines)


def test_a_reload_in_mid_sync_neither_breaks_it_off_nor_doubles(
    mailkeep: MailkeepUp, there: There, here: Here
) -> None:
    """SIGHUP again and again while the first sync runs, at last with secrets that cannot be used: the old
    ones stay in force."""
    there.fill(100, doublings=6)
    here.add(interval_seconds=10)
    command = [str(Path(sys.executable).with_name("mailkeep")), "upstream", "run"]
    command += ["--data-dir", str(mailkeep.data_dir)]
    process = subprocess.Popen(
        command, env=mailkeep.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: here.count() > 0)
        began = here.count()
        for _ in range(10):
            process.send_signal(signal.SIGHUP)
            time.sleep(0.02)
        private_file(here.env_file, "nothing of use\n")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: here.count() >= 6400)
        there.append(1)
        wait_until(lambda: here.count() >= 6401)  # by the password that is in force still
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert began < 6400, "the sync was over before the first SIGHUP"
    assert Counter(here.subjects()) == {f"no {n}": 64 for n in range(1, 101)} | {"no 101": 1}


def state(here: Here) -> str:
    return next(row["state"] for row in here.up.cli("upstream", "list") if row["name"] == here.name)


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.2)
