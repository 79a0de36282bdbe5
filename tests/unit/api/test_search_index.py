"""A search with the index of words finds what a search without it finds, and reads less."""

from __future__ import annotations

import random
from uuid import UUID

import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, deliver

from mailkeep.net.tasks import TaskRegistry
from mailkeep.storage.interface import EmailFilter, Store
from mailkeep_api.queries import Sought
from mailkeep_api.searching import search
from mailkeep_imap.searching import indexing
from mailkeep_imap.searching.indexing import Indexing

COUNT = 40
WORDS = (
    *(
        "alpha",
        "Beta",
        "gamma,",
        "stra\u00dfe",
        "\u00c9t\u00e9",
        "\ufb01n",
        "a\u00a0b",
        "x@y.test",
        "\u65e5\u672c\u8a9e",
    ),
    *("&eacute;", "<b>", "a"),
)
NEEDLES = (
    *(
        "ALPHA",
        "lpha b",
        "beta gamma, a",
        " a ",
        "a",
        "STRA\u00dfE",
        "strasse",
        "e\u0301t\u00e9",
        "\u672c",
        "@y.",
    ),
    *(
        "fin",
        "\ufb01n",
        "a b",
        "nowhere",
        "<b>",
        "href",
        "eacute",
        "\ufffd",
        "beta\r\nalpha",
        "inside",
        "attached",
    ),
)


def message(number: int) -> bytes:
    """Plain, HTML, both, with a file of text, within another message; in several charsets."""
    chance = random.Random(number)
    text = "".join(word + chance.choice([" ", "  ", "\r\n"]) for word in chance.choices(WORDS, k=9)) + "\0"
    charset = chance.choice(["utf-8", "utf-16", "iso-8859-1"])
    head = b"Subject: number %d\r\nFrom: b@other.test\r\n" % number

    def part(kind: str, body: str, more: str = "") -> bytes:
        said = f"Content-Type: {kind}; charset={charset}\r\n{more}\r\n"
        return said.encode() + body.encode(charset, "replace") + b"\r\n"

    html = f"<p>{text}</p><a href='x'>inside</a>"
    pieces = [
        [part("text/plain", text)],
        [part("text/html", html)],
        [part("text/plain", text), part("text/html", html)],
        [
            part("text/plain", "short"),
            part("text/plain", f"attached {text}", "Content-Disposition: attachment\r\n"),
        ],
        [part("text/plain", "short"), b"Content-Type: message/rfc822\r\n\r\n" + part("text/plain", text)],
    ][number % 5]
    if len(pieces) == 1:
        return head + pieces[0]
    joined = b"".join(b"--m\r\n" + piece for piece in pieces)
    return head + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n" + joined + b"--m--\r\n"


async def found(store: Store, account_id: int, needle: str) -> list[UUID]:
    rows, total = await search(store, account_id, Sought(needle, EmailFilter()), 0, 500)
    assert total == len(rows)
    return [row.email_id for row in rows]


async def test_it_finds_the_same_wherever_the_index_ends_and_reads_less(
    api: ApiHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "TAIL", 1)
    store = api.store
    await api.user(str(ANN))
    user = await store.directory.user_by_address(ANN)
    for number in range(COUNT):
        await deliver(api, message(number))
    inbox = await store.mailboxes.get(user.account_id, "INBOX")
    plain = {needle: await found(store, user.account_id, needle) for needle in NEEDLES}
    assert plain["ALPHA"]
    assert plain["href"]
    assert plain["nowhere"] == []
    tasks = TaskRegistry()
    await Indexing(store, tasks).index(inbox.id)
    await tasks.close()
    assert await store.texts.through(inbox.id) == COUNT
    for number in range(COUNT, COUNT + 10):  # come since
        await deliver(api, message(number))
    read: list[int] = []
    bodies = store.messages.bodies

    def counted(ids: list[int]) -> object:
        read.extend(ids)
        return bodies(ids)

    monkeypatch.setattr(store.messages, "bodies", counted)
    for needle in NEEDLES:
        now = await found(store, user.account_id, needle)
        assert [one for one in now if one in set(plain[needle])] == plain[needle], needle
        assert len(now) - len(plain[needle]) <= 10, needle
    read.clear()
    assert await found(store, user.account_id, "nowhere") == []
    assert len(read) == 10 + COUNT * 2 // 5  # what came since, and all HTML
