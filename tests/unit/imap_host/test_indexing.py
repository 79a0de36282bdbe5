"""A search with the text index finds what a search without it finds, wherever the index ends."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection
from datetime import UTC, datetime

import pytest

from mailkeep.imap.commands.search_keys import (
    FuzzyKey,
    HeaderKey,
    NotKey,
    OrKey,
    SearchKey,
    TextField,
    TextKey,
)
from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.message import NewMessage
from mailkeep.model.uids import UidSet
from mailkeep.net.tasks import TaskRegistry
from mailkeep.storage.interface import Choose, Containing, Field, Store
from mailkeep_imap.recent import RecentLedger
from mailkeep_imap.searching import indexing
from mailkeep_imap.searching.columns import Columns
from mailkeep_imap.searching.evaluate import find
from mailkeep_imap.searching.indexing import TAIL, Indexing
from mailkeep_imap.searching.plan import make_plan
from mailkeep_imap.selected import Selected

WORDS = [
    "alpha",
    "Beta",
    "gamma,",
    "stra\u00dfe",
    "\u00c9t\u00e9",
    "\u65e5\u672c\u8a9e\u306e\u6587",
    "x@y.test",
    "a",
]
NEEDLES = [
    "ALPHA", "lpha b", "beta gamma, a", " a ", "a", "STRASSE", "e\u0301t\u00e9", "\u672c\u8a9e", "@y.", "  ",
    "", "nowhere", "subject: number", "number 1", "<p>", "text alpha", "beta\r\nalpha", "quoted=20", "=?utf",
]  # fmt: skip


def message(number: int) -> bytes:
    chance = random.Random(number)
    subject = f"number {number} " + " ".join(chance.choices(WORDS, k=2))
    text = "".join(word + chance.choice([" ", "  ", "\r\n"]) for word in chance.choices(WORDS, k=12))
    kind = "html" if number % 5 == 0 else "plain"
    body = f"<p>text {text}</p>" if kind == "html" else text
    charset = "utf-8" if number % 2 else "utf-16"
    head = f"Subject: {subject}\r\nFrom: =?utf-8?q?=C3=89t=C3=A9?= <a{number}@y.test>\r\n"
    head += f"Content-Type: text/{kind}; charset={charset}\r\n"
    if number % 7 == 0:
        return head.encode() + b"Content-Transfer-Encoding: quoted-printable\r\n\r\nquoted=20al=\r\npha=\r\n"
    return head.encode() + b"\r\n" + body.encode(charset)


async def ended(tasks: TaskRegistry) -> None:
    while len(tasks):
        await asyncio.sleep(0.001)


class Nothing:
    """An index that is empty."""

    async def containing(self, mailbox_id: int, fields: Collection[Field], needle: str) -> Containing:
        return Containing()

    async def having(self, mailbox_id: int, fields: Collection[Field], choose: Choose) -> Containing:
        return Containing()


@pytest.fixture
async def inbox(store: Store) -> int:
    await store.directory.add_domain("example.test")
    user = await store.directory.add_user(Address.parse("ann@example.test"))
    return (await store.mailboxes.get(user.account_id, "INBOX")).id


async def append(store: Store, inbox: int, first: int, count: int) -> None:
    now = datetime.now(UTC)
    messages = [NewMessage(prepare(message(number)), now) for number in range(first, first + count)]
    await store.committer.append(inbox, messages)


async def found(store: Store, inbox: int, texts: object, key: SearchKey) -> list[int]:
    snapshot = await store.messages.snapshot(inbox)
    view = Selected(snapshot, "INBOX", read_only=True, ledger=RecentLedger())
    columns = Columns(view, 0.0)
    plan = make_plan([key], lambda _: ())
    return [columns.uids[place] for place in await find(plan, columns, store.messages, texts)]  # type: ignore[arg-type]


async def check(store: Store, inbox: int) -> None:
    keys: list[SearchKey] = []
    for needle in NEEDLES:
        keys += [TextKey(TextField.TEXT, needle), TextKey(TextField.SUBJECT, needle)]
    keys += [
        TextKey(TextField.BODY, "quoted=20"),
        TextKey(TextField.BODY, "beta"),
        HeaderKey("From", "e\u0301"),
    ]
    keys.append(NotKey(TextKey(TextField.BODY, "alpha a")))
    keys.append(OrKey(TextKey(TextField.BODY, "alpha"), TextKey(TextField.SUBJECT, "number 9")))
    for needle in ("aplha gamma", "STRASE", "ete nubmer", "Beta", "a", "!", "\u672c\u8a9e", "9 number"):
        keys += [FuzzyKey(TextKey(field, needle)) for field in (TextField.TEXT, TextField.SUBJECT)]
    keys.append(FuzzyKey(OrKey(TextKey(TextField.BODY, "bteta"), NotKey(HeaderKey("subject", "numbr")))))
    for key in keys:
        assert await found(store, inbox, store.texts, key) == await found(store, inbox, Nothing(), key), key


async def test_results_are_those_of_reading_everything(
    store: Store, inbox: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "STEP", 50)
    monkeypatch.setattr(indexing, "REST", 0.0)
    index = Indexing(store, TaskRegistry())
    await append(store, inbox, 1, TAIL + 40)
    await index.index(inbox)
    assert await store.texts.through(inbox) >= 40
    await check(store, inbox)
    await append(store, inbox, 200, 20)
    await store.committer.expunge(inbox, UidSet.of([3, 50, TAIL + 45]), only_deleted=False)
    await check(store, inbox)
    await append(store, inbox, 300, TAIL)
    await index.index(inbox)
    await check(store, inbox)


async def test_one_message_that_is_in_the_mailbox_twice(store: Store, inbox: int) -> None:
    await append(store, inbox, 1, TAIL)
    await store.committer.copy(inbox, UidSet(((1, TAIL),)), inbox)
    await Indexing(store, TaskRegistry()).index(inbox)
    assert await store.texts.through(inbox) == 2 * TAIL
    await check(store, inbox)


async def test_a_large_message_is_read_at_each_search(
    store: Store, inbox: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "LARGE", 300)
    await append(store, inbox, 1, TAIL)
    sizes = (await store.messages.snapshot(inbox)).sizes
    assert min(sizes) < 300 < max(sizes)
    await Indexing(store, TaskRegistry()).index(inbox)
    await check(store, inbox)


async def test_few_messages_are_not_worth_it_and_a_search_asks_in_the_background(
    store: Store, inbox: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "REST_BEFORE_SECONDS", 0.0)
    tasks = TaskRegistry()
    index = Indexing(store, tasks)
    await append(store, inbox, 1, TAIL - 1)
    await index.index(inbox)
    assert await store.texts.through(inbox) == 0
    await append(store, inbox, 100, 1)
    async with store.locks.hold(indexing.LOCK):  # another process is at it
        index.wanted(inbox)
        await ended(tasks)
    assert await store.texts.through(inbox) == 0
    index.wanted(inbox)
    index.wanted(inbox + 1000)
    await ended(tasks)
    assert await store.texts.through(inbox) == TAIL
