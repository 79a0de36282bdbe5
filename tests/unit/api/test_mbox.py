"""mboxrd: what is quoted can be unquoted, wherever the octets are cut, and readers find every message."""

from __future__ import annotations

import mailbox
import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, BOB, NOON, deliver, keep, plain, reading

from mailkeep_api.mbox import Quoter

PIECES = st.lists(
    st.sampled_from([b"From ", b"From", b"F", b">", b"\r\n", b"\n", b"\r", b" ", b"x", b">From "]),
    max_size=30,
)


def quoted(*pieces: bytes) -> bytes:
    quoter = Quoter()
    return b"".join(map(quoter.feed, pieces)) + quoter.finish()


def unquoted(octets: bytes) -> bytes:
    """What an mboxrd reader makes of one message: without the empty line at its end."""
    assert octets.endswith(b"\n\n")
    return re.sub(rb"(?m)^>(>*From )", rb"\1", octets[:-1])


@pytest.mark.parametrize(
    ("octets", "written"),
    [
        (b"From here\r\n", b">From here\n\n"),
        (b"a\r\n>From b\r\n>>From c\r\n From d\r\n", b"a\n>>From b\n>>>From c\n From d\n\n"),
        (b"Fromage\r\nxFrom \r\n", b"Fromage\nxFrom \n\n"),
        (b"no end", b"no end\n\n"),
        (b"From", b"From\n\n"),
        (b"a\r", b"a\n\n"),
        (b"", b"\n\n"),
    ],
)
def test_vectors(octets: bytes, written: bytes) -> None:
    assert quoted(octets) == written
    assert quoted(*(octets[at : at + 1] for at in range(len(octets)))) == written


@given(PIECES)
def test_quoting_is_reversible_and_knows_no_pieces(pieces: list[bytes]) -> None:
    octets = b"".join(pieces)
    assert quoted(*pieces) == quoted(octets)
    if octets.endswith(b"\n"):
        assert unquoted(quoted(octets)) == octets.replace(b"\r\n", b"\n")


@given(PIECES)
def test_no_line_looks_like_a_separator(pieces: list[bytes]) -> None:
    assert not re.search(rb"(?m)^From ", quoted(*pieces))


async def test_the_standard_library_reads_the_export(api: ApiHost, tmp_path: Path) -> None:
    body = "From the start\r\n\r\nFrom the middle\r\n>From quoted"
    async with await reading(api) as client:
        for number in range(3):
            await deliver(api, plain(f"n{number}", body), at=NOON + timedelta(hours=number))
        await deliver(api, plain("for Bob"), BOB)
        await keep(api, ANN, "Sent", plain("sent"))
        answer = await client.get("/api/emails/export/mbox")
        part = await client.get(
            "/api/emails/export/mbox?fromDate=2026-03-01T13:00:00Z&toDate=2026-03-01T13:00:00"
        )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/mbox")
    assert re.match(
        r'attachment; filename="emails_\d{8}_\d{6}\.mbox"\Z', answer.headers["content-disposition"]
    )
    assert answer.content.startswith(
        b"From b@other.test Sun Mar  1 14:00:00 2026\nFrom: Bob <b@other.test>\n"
    )
    path = tmp_path / "exported"
    path.write_bytes(answer.content)
    found = list(mailbox.mbox(path))
    assert [message["Subject"] for message in found] == ["n2", "n1", "n0"]
    assert found[0].get_payload() == ">From the start\n\n>From the middle\n>>From quoted\n"
    assert (part.content.count(b"\nSubject: "), b"Subject: n1\n" in part.content) == (1, True)


async def test_nothing_gives_an_empty_file_and_a_wrong_date_400(api: ApiHost) -> None:
    async with await reading(api) as client:
        assert (await client.get("/api/emails/export/mbox")).content == b""
        assert (await client.get("/api/emails/export/mbox?fromDate=soon")).status_code == 400
