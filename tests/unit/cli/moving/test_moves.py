"""Mail in from files and out again: nothing twice, nothing lost, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.storage.making import new_user
from tests.support.corpus import python_corpus

from mailkeep.errors import MailboxNotFound, OverQuota
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store
from mailkeep_cli.moving import importing
from mailkeep_cli.moving.carried import Carried, TooLarge, with_crlf
from mailkeep_cli.moving.exporting import Exporter
from mailkeep_cli.moving.importing import Imported, Importer
from mailkeep_cli.moving.maildir import MaildirSource
from mailkeep_cli.moving.mbox import MboxSource

LIMIT = 1_000_000
AT = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)


def silent(_more: float) -> None:
    """No progress."""


class Listed:
    """Messages from a list; the first `fails_after` of them come, and then the disk is broken."""

    weight = 0

    def __init__(self, *messages: Carried | TooLarge, fails_after: int = 1_000_000) -> None:
        self._messages = messages
        self._fails_after = fails_after

    def messages(self, _limit: int) -> Any:
        for number, message in enumerate(self._messages):
            if number == self._fails_after:
                raise OSError(5, "Input/output error", "disk")
            yield message


def message(number: int, mailbox: str = "", *flags: str) -> Carried:
    octets = b"Subject: %d\r\n\r\nbody of %d\r\n" % (number, number)
    return Carried(mailbox, octets, f"message {number}", len(octets), AT, Flags.parse(flags))


async def bring(store: Store, account_id: int, source: Any, below: str = "", limit: int = LIMIT) -> Imported:
    return await Importer(store, account_id, below, limit).run(source, silent)


async def contents(store: Store, account_id: int) -> dict[str, list[tuple[bytes, tuple[str, ...], int]]]:
    """Mailbox -> octets, flags and dates of its messages."""
    found = {}
    for mailbox in await store.mailboxes.list(account_id):
        snapshot = await store.messages.snapshot(mailbox.id)
        rows = []
        for place in range(len(snapshot)):
            entry = snapshot.entry_at(place)
            body = await store.messages.body(entry.message_id)
            rows.append((await body.read(), snapshot.flags_at(place).names(), entry.internal_date))
        found[mailbox.name] = rows
    return {name: rows for name, rows in found.items() if rows}


async def test_messages_come_with_flags_dates_and_folders(store: Store) -> None:
    user = await new_user(store)
    source = Listed(message(1, "", "\\Seen", "work"), message(2, "Archive/2026"), message(3, "Archive/2026"))
    done = await bring(store, user.account_id, source)
    assert (done.added, done.present, done.too_large) == (3, 0, [])
    held = await contents(store, user.account_id)
    when = int(AT.timestamp())
    assert held["INBOX"] == [(message(1).octets, ("\\Seen", "work"), when)]
    assert [row[0] for row in held["Archive/2026"]] == [message(2).octets, message(3).octets]
    assert "Archive/2026" in await store.mailboxes.subscriptions(user.account_id)


async def test_a_second_import_adds_nothing_whatever_became_of_the_flags(store: Store) -> None:
    user = await new_user(store)
    twice = [message(1), message(1), message(2)]
    assert (await bring(store, user.account_id, Listed(*twice))).added == 3
    inbox = await store.mailboxes.get(user.account_id, "INBOX")
    await store.committer.store_flags(inbox.id, UidSet.of([1]), FlagAction.ADD, Flags.parse(["\\Seen"]))
    again = await bring(store, user.account_id, Listed(*twice, message(3)))
    assert (again.added, again.present) == (1, 3)
    assert len((await contents(store, user.account_id))["INBOX"]) == 4


async def test_an_import_that_was_broken_off_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep_cli.moving.importing.BATCH_MESSAGES", 3)
    user = await new_user(store)
    everything = [message(number) for number in range(10)]
    with pytest.raises(OSError, match="Input/output"):
        await bring(store, user.account_id, Listed(*everything, fails_after=7))
    assert len((await contents(store, user.account_id))["INBOX"]) == 6
    done = await bring(store, user.account_id, Listed(*everything))
    assert (done.added, done.present) == (4, 6)


async def test_a_mailbox_to_put_it_below_and_messages_that_are_too_large(store: Store) -> None:
    user = await new_user(store)
    source = Listed(message(1), message(2, "Sub"), TooLarge("a file", 1), message(10**60))
    done = await bring(store, user.account_id, source, "Old", limit=100)
    assert done.too_large == ["a file", f"message {10**60}"]
    assert set(await contents(store, user.account_id)) == {"Old", "Old/Sub"}


@pytest.mark.parametrize("form", ["mbox", "maildir"])
async def test_what_is_exported_comes_back_the_same(store: Store, tmp_path: Path, form: str) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    corpus = [with_crlf(octets.replace(b"\r\n", b"\n")) for octets in python_corpus().values()]
    # One is out of an mbox, with a field that is the format's own.
    corpus = [octets for octets in corpus if b"\r\nStatus: R\r\n" not in octets]
    # The format ends every message with a line end.
    kept = [octets if octets.endswith(b"\r\n") else octets + b"\r\n" for octets in corpus]
    messages = [
        Carried(("", "Ordner/Ä.b")[number % 2], octets, "", 0, AT, Flags.parse(["\\Seen", "w"][: number % 3]))
        for number, octets in enumerate(kept)
    ]
    await bring(store, alice.account_id, Listed(*messages))
    target = tmp_path / "out"
    exporter = Exporter(store, alice.account_id)
    write = exporter.to_mbox if form == "mbox" else exporter.to_maildir
    done = await write(await exporter.mailboxes(), target, silent)
    assert done.written == len(messages)
    source = MboxSource(target) if form == "mbox" else MaildirSource(target)
    brought = await bring(store, bob.account_id, source)
    assert brought.added == len(messages)
    before, after = await contents(store, alice.account_id), await contents(store, bob.account_id)
    assert before.keys() == after.keys()
    for name in before:
        assert sorted(before[name]) == sorted(after[name])


async def test_a_maildir_is_added_to_and_an_mbox_is_written_anew(store: Store, tmp_path: Path) -> None:
    user = await new_user(store)
    await bring(store, user.account_id, Listed(message(1), message(2)))
    for added in (2, 1):
        exporter = Exporter(store, user.account_id)
        done = await exporter.to_maildir(await exporter.mailboxes("INBOX"), tmp_path / "maildir", silent)
        assert (done.written, done.present) == (added, 2 - added if added == 2 else 2)
        await Exporter(store, user.account_id).to_mbox(
            await exporter.mailboxes("INBOX"), tmp_path / "mbox", silent
        )
        await bring(store, user.account_id, Listed(message(1), message(2), message(3)))
    assert (tmp_path / "mbox" / "INBOX.mbox").read_bytes().count(b"\nFrom ") == 2
    assert [one.name for one in (tmp_path / "mbox").iterdir()] == ["INBOX.mbox"]


async def test_a_message_that_lies_in_its_mailbox_twice_is_written_twice(
    store: Store, tmp_path: Path
) -> None:
    user = await new_user(store)
    await bring(store, user.account_id, Listed(message(1)))
    inbox = await store.mailboxes.get(user.account_id, "INBOX")
    await store.committer.copy(inbox.id, UidSet.of([1]), inbox.id)
    exporter = Exporter(store, user.account_id)
    done = await exporter.to_maildir(await exporter.mailboxes(), tmp_path, silent)
    assert done.written == 2


async def test_a_mailbox_that_is_not_there_is_refused(store: Store) -> None:
    user = await new_user(store)
    with pytest.raises(MailboxNotFound):
        await Exporter(store, user.account_id).mailboxes("nowhere")


async def test_batches_on_their_way_keep_the_order_of_the_source(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_MESSAGES", 2)
    user = await new_user(store)
    numbers = [number for pair in zip(range(20), range(20, 40), strict=True) for number in pair]
    brought = await bring(store, user.account_id, Listed(*map(message, numbers)))
    assert brought.added == 40
    assert [octets for octets, _, _ in (await contents(store, user.account_id))["INBOX"]] == [
        message(number).octets for number in numbers
    ]


async def test_after_a_refusal_nothing_more_is_written_and_what_was_written_is_counted(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_MESSAGES", 2)
    async with open_test_store(replace(store_settings, quota_messages=5)) as store:
        user = await new_user(store)
        importer = Importer(store, user.account_id, "", LIMIT)
        with pytest.raises(OverQuota):
            await importer.run(Listed(*map(message, range(20))), silent)
        held = (await contents(store, user.account_id))["INBOX"]
        assert [octets for octets, _, _ in held] == [message(number).octets for number in range(4)]
        assert importer.done.added == 4
