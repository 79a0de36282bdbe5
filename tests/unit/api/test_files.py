"""Attachments and whole messages as octets, harmless to a browser."""

from __future__ import annotations

import base64
import hashlib
import random
from uuid import uuid4

import httpx2
import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, BOB, RICH, deliver, plain, reading


def with_file(content_type: str, encoding: str, body: bytes, disposition: str = "attachment") -> bytes:
    head = (
        "From: b@other.test\r\nSubject: files\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
        f"text\r\n--b\r\nContent-Type: {content_type}\r\nContent-Disposition: {disposition}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n--b--\r\n"


async def downloaded(api: ApiHost, client: httpx2.AsyncClient, octets: bytes) -> httpx2.Response:
    """The message's first file."""
    email_id = await deliver(api, octets)
    opened = (await client.get(f"/api/emails/{email_id}")).json()
    file = opened["attachments"][0]
    answer = await client.get(f"/api/emails/{email_id}/attachments/{file['id']}")
    assert len(answer.content) == file["sizeBytes"]
    return answer


async def test_a_file_comes_decoded_and_is_not_shown(api: ApiHost) -> None:
    async with await reading(api) as client:
        answer = await downloaded(api, client, RICH)
    assert (answer.status_code, answer.content) == (200, b"hello")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'attachment; filename="x.pdf"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")


@pytest.mark.parametrize(
    ("content_type", "encoding", "body", "expected"),
    [
        ("text/html; charset=koi8-r", "8bit", b"<script>", "text/html; charset=koi8-r"),
        ("text/plain; charset=utf8", "quoted-printable", b"a=\r\nb", "text/plain; charset=utf8"),
        ("application/x-a", "7bit", b"octets", "application/x-a"),
        ("message/rfc822", "7bit", b"Subject: inner\r\n\r\nHello.", "message/rfc822"),
        ("no type\x01", "7bit", b"octets", "text/plain; charset=us-ascii"),
    ],
)
async def test_the_type_is_the_senders(
    api: ApiHost, content_type: str, encoding: str, body: bytes, expected: str
) -> None:
    async with await reading(api) as client:
        answer = await downloaded(api, client, with_file(content_type, encoding, body))
    assert answer.headers["content-type"] == expected
    assert answer.content == body.replace(b"=\r\n", b"")


async def test_a_name_beyond_ascii_comes_in_both_forms(api: ApiHost) -> None:
    name = "attachment; filename*=utf-8''%C3%BCber%20uns.txt"
    async with await reading(api) as client:
        answer = await downloaded(api, client, with_file("text/csv", "7bit", b"x", name))
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"_ber uns.txt\"; filename*=UTF-8''%C3%BCber%20uns.txt"
    )


NESTED = b"""\
From: b@other.test\r
Subject: nested\r
Content-Type: multipart/mixed; boundary=o\r
\r
--o\r
Content-Type: message/rfc822\r
Content-Disposition: attachment; filename=inner.eml\r
\r
Subject: inner\r
Content-Type: multipart/mixed; boundary=i\r
\r
--i\r
Content-Disposition: attachment; filename=not-ours.txt\r
\r
not ours\r
--i--\r
--o\r
Content-Type: multipart/mixed; boundary=p\r
\r
--p\r
\r
text\r
--p\r
Content-Type: image/png; name=last.png\r
Content-Transfer-Encoding: base64\r
\r
bGFzdA==\r
--p--\r
--o--\r
"""


async def test_files_among_embedded_messages_are_told_apart(api: ApiHost) -> None:
    async with await reading(api) as client:
        email_id = await deliver(api, NESTED)
        files = (await client.get(f"/api/emails/{email_id}")).json()["attachments"]
        path = f"/api/emails/{email_id}/attachments"
        bodies = [(await client.get(f"{path}/{file['id']}")).content for file in files]
    assert [file["fileName"] for file in files] == ["inner.eml", "last.png"]
    assert bodies[0].startswith(b"Subject: inner\r\n")
    assert bodies[0].endswith(b"--i--")
    assert bodies[1] == b"last"


async def test_a_large_file_comes_whole(api: ApiHost) -> None:
    octets = random.Random(1).randbytes(3_000_001)
    async with await reading(api) as client:
        answer = await downloaded(
            api, client, with_file("video/mp4", "base64", base64.encodebytes(octets).replace(b"\n", b"\r\n"))
        )
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(octets).digest()


async def test_what_is_no_file_of_the_callers_is_404(api: ApiHost) -> None:
    async with await reading(api) as ann, await reading(api, BOB) as bob:
        email_id = await deliver(api, RICH, BOB)
        file_id = (await bob.get(f"/api/emails/{email_id}")).json()["attachments"][0]["id"]
        other = await deliver(api, RICH, ANN)
        for path in (
            f"/api/emails/{email_id}/attachments/{file_id}",
            f"/api/emails/{email_id}/export/eml",
            f"/api/emails/{other}/attachments/{uuid4()}",
            f"/api/emails/{other}/attachments/{file_id}",
            f"/api/emails/{uuid4()}/export/eml",
        ):
            assert (await ann.get(path)).status_code == 404


@pytest.mark.parametrize(
    "octets", [RICH, plain("one"), b"\xff\x00odd\n\nbare\nlines\r", plain("x", "y" * 700_000)]
)
async def test_a_message_comes_octet_for_octet(api: ApiHost, octets: bytes) -> None:
    async with await reading(api) as client:
        email_id = await deliver(api, octets)
        answer = await client.get(f"/api/emails/{email_id}/export/eml")
    assert answer.content == octets
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-length"] == str(len(octets))


async def test_a_message_is_named_by_subject_and_day(api: ApiHost) -> None:
    async with await reading(api) as client:
        email_id = await deliver(api, plain("a/b"))
        answer = await client.get(f"/api/emails/{email_id}/export/eml")
    assert answer.headers["content-disposition"] == 'attachment; filename="a-b_20260301.eml"'
