"""Mail as its owner sees it: whatever a stranger wrote stays text, or harmless HTML."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID, uuid4

import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import BOB, RICH, deliver
from tests.unit.api.console.conftest import Visitor
from tests.unit.api.console.test_pages import HOSTILE, assert_private

from mailkeep.mime.answering import quoted
from mailkeep_api import event_streams
from mailkeep_api.console.answers import prefixed

HTML = b"""\
From: "<i>Eve</i>" <eve@other.test>\r
Reply-To: "Eve, list" <list@other.test>, other@other.test\r
Subject: %s\r
Message-ID: <html@other.test>\r
Content-Type: text/html\r
\r
<p>Hello <b>you</b></p><img src=https://x.test/pixel.gif><script>alert(1)</script><a href=javascript:x>y</a>
"""


async def hostile(api: ApiHost) -> UUID:
    return await deliver(api, HTML % HOSTILE.encode())


async def test_the_list_escapes_names_and_subjects(api: ApiHost, ann: Visitor) -> None:
    email_id = await hostile(api)
    shown = await ann.page("/console/mail")
    assert f'href="/console/mail/{email_id}"' in shown
    assert "&lt;i&gt;Eve&lt;/i&gt;" in shown
    assert "<script>alert" not in shown
    assert "<i>Eve" not in shown
    assert "1 message, 1 unread in all" in shown


async def test_html_is_shown_without_what_loads_or_runs(api: ApiHost, ann: Visitor) -> None:
    answer = await ann.client.get(f"/console/mail/{await hostile(api)}")
    assert_private(answer)
    assert "<p>Hello <b>you</b></p>" in answer.text
    for word in ("<img", "pixel.gif", "<script>alert", "javascript:"):
        assert word not in answer.text


async def test_html_that_cannot_be_taken_apart_is_shown_as_text(api: ApiHost, ann: Visitor) -> None:
    octets = HTML % b"Deep" + b"<div>" * 300_000
    shown = await ann.page(f"/console/mail/{await deliver(api, octets)}")
    assert "too intricate to be shown" in shown


async def test_reading_by_itself_changes_nothing(api: ApiHost, ann: Visitor) -> None:
    email_id = await hostile(api)
    await ann.page(f"/console/mail/{email_id}")
    assert not (await ann.client.get(f"/api/emails/{email_id}")).json()["isRead"]


async def test_files_and_addressees_are_shown_and_bcc_is_not(api: ApiHost, ann: Visitor) -> None:
    shown = await ann.page(f"/console/mail/{await deliver(api, RICH)}")
    assert "x.pdf</a>" in shown
    assert "C, D &lt;c@other.test&gt;" in shown
    assert "secret@" not in shown


async def test_a_file_is_saved_by_the_session_alone(api: ApiHost, ann: Visitor) -> None:
    email_id = await deliver(api, RICH)
    shown = await ann.page(f"/console/mail/{email_id}")
    (path,) = re.findall(r'href="(/api/emails/[^"]+/attachments/[^"]+)"', shown)
    answer = await ann.client.get(path)
    assert (answer.status_code, answer.content) == (200, b"hello")
    assert answer.headers["content-disposition"].startswith("attachment;")
    async with api.client() as nobody:
        assert (await nobody.get(path)).status_code == 401


async def test_what_is_another_s_does_not_exist(api: ApiHost, ann: Visitor) -> None:
    await api.user(str(BOB))
    of_bob = await deliver(api, HTML % b"For Bob", BOB)
    answers = [
        await ann.client.get(path)
        for email_id in (of_bob, uuid4())
        for path in (f"/console/mail/{email_id}", f"/console/compose?reply={email_id}")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert "For Bob" not in await ann.page("/console/mail")


@pytest.mark.parametrize(
    "path",
    ["/console/mail/nonsense", "/console/compose?reply=x", "/console/mail?label=x", "/console/mail?page=x"],
)
async def test_an_address_of_the_wrong_form_is_no_page(ann: Visitor, path: str) -> None:
    assert (await ann.client.get(path)).status_code == 404


async def test_search_and_labels_narrow_the_list(api: ApiHost, ann: Visitor) -> None:
    await deliver(api, HTML % b"Needle")
    labelled = await deliver(api, HTML % b"Other")
    headers = await ann.csrf()
    name = {"name": HOSTILE, "color": "red"}
    label = (await ann.client.post("/api/labels", json=name, headers=headers)).json()["id"]
    await ann.client.post(f"/api/labels/emails/{labelled}", json={"labelId": label}, headers=headers)
    found, with_label = (
        await ann.page("/console/mail?q=needle"),
        await ann.page(f"/console/mail?label={label}"),
    )
    assert "Needle" in found
    assert "Other" not in found
    assert "Other" in with_label
    assert "Needle" not in with_label
    assert "<script>alert" not in found + with_label


async def test_pages_of_a_list_lead_to_each_other(api: ApiHost, ann: Visitor) -> None:
    for number in range(21):
        await deliver(api, HTML % f"Number {number}".encode())
    first, second = await ann.page("/console/mail"), await ann.page("/console/mail?page=2")
    assert 'href="/console/mail?page=2">Older' in first
    assert "Newer" not in first
    assert 'href="/console/mail?page=1">Newer' in second
    assert "Older" not in second


async def test_only_a_list_that_new_mail_can_appear_in_listens(ann: Visitor) -> None:
    for path, is_live in (("", True), ("?folder=sent", False), ("?q=x", False), ("?page=2", False)):
        assert ("data-live" in await ann.page(f"/console/mail{path}")) is is_live


async def test_an_answer_goes_where_its_author_wants_it(api: ApiHost, ann: Visitor) -> None:
    shown = await ann.page(f"/console/compose?reply={await hostile(api)}")
    assert "&#34;Eve, list&#34; &lt;list@other.test&gt;, other@other.test" in shown
    assert "Re: &#34;&gt;&lt;script&gt;" in shown
    assert "<script>alert" not in shown


async def test_a_text_cannot_leave_the_form(api: ApiHost, ann: Visitor) -> None:
    octets = b"From: eve@other.test\r\nSubject: x\r\n\r\n</textarea><script>alert(1)</script>\r\n"
    email_id = await deliver(api, octets)
    for path in (f"/console/compose?reply={email_id}", f"/console/compose?forward={email_id}"):
        assert "<script>alert" not in await ann.page(path)
    assert "&gt; &lt;/textarea&gt;" in await ann.page(f"/console/compose?reply={email_id}")


def test_subjects_get_their_prefix_once_and_stay_one_line() -> None:
    assert prefixed("Re:", "RE: Hello") == "RE: Hello"
    assert prefixed("Re:", "Hello\r\nBcc: x") == "Re: Hello Bcc: x"
    assert len(prefixed("Fwd:", "x" * 2000)) == 900


def test_quotes_of_quotes_are_not_spaced() -> None:
    assert quoted("a\n> b\n\nc") == "> a\n>> b\n> \n> c"


async def test_a_stream_of_events_ends_with_the_session(
    api: ApiHost, ann: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams, "KEEPALIVE_SECONDS", 0.05)
    async with ann.client.stream("GET", "/api/events") as stream:
        heard = stream.aiter_lines()
        while not (await anext(heard)).startswith(":"):
            pass
        left = await ann.client.post("/oauth/logout", headers=await ann.csrf())
        assert left.status_code == 204
        async with asyncio.timeout(10):
            async for _ in heard:
                pass
    assert (await ann.client.get("/api/events")).status_code == 401
