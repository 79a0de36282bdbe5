"""Labels, filters, settings and conversations, as their owner sees them."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from tests.support.api_host import ApiHost
from tests.support.api_mail import NOON, deliver, plain
from tests.unit.api.console.conftest import Visitor
from tests.unit.api.console.test_pages import HOSTILE

ANSWER = b"""\
From: Cy <c@other.test>\r
Subject: Re: first\r
Message-ID: <answer@t>\r
References: <first@t>\r
Content-Type: text/html\r
\r
<p>As <b>HTML</b> alone</p><script>alert(1)</script>
"""


async def test_a_label_has_its_colour_and_hostile_ones_stay_text(ann: Visitor) -> None:
    headers = await ann.csrf()
    for name, color in (("Work", "#ff8800"), (HOSTILE, '"/><script>x')):
        answer = await ann.client.post("/api/labels", json={"name": name, "color": color}, headers=headers)
        assert answer.status_code == 201
    for page in ("/console/labels", "/console/mail"):
        shown = await ann.page(page)
        assert 'fill="#ff8800"' in shown
        assert 'fill="gray"' in shown
        assert "<script>" not in shown


async def test_a_filter_is_shown_with_its_counts_and_tried_without_harm(api: ApiHost, ann: Visitor) -> None:
    headers = await ann.csrf()
    made = await ann.client.post(
        "/api/filters",
        json={"name": HOSTILE, "subjectContains": "bill", "markAsRead": True, "hasAttachments": False},
        headers=headers,
    )
    await deliver(api, plain("the bill"))
    await deliver(api, plain("other"))
    shown = await ann.page("/console/filters")
    assert "Acted 1 time, last" in shown
    assert 'value="bill"' in shown
    assert '<option value="no" selected>' in shown
    assert "<script>alert" not in shown
    trial = await ann.page(f"/console/filters/{made.json()['id']}")
    assert "It matches 1 of your newest 2 messages." in trial
    assert "the bill" in trial
    assert (await ann.client.get(f"/console/filters/{uuid4()}")).status_code == 404


async def test_settings_are_shown_and_heeded(api: ApiHost, ann: Visitor) -> None:
    for number in range(11):
        await deliver(api, plain(f"n{number}"), at=NOON + timedelta(minutes=number))
    before = await ann.page("/console/mail")
    assert "Older" not in before
    assert before.index("n10") < before.index("n0")
    assert '<span class="preview">Hello.</span>' in before
    chosen = {
        "theme": "dark",
        "displayDensity": "compact",
        "emailsPerPage": 10,
        "defaultSort": "receivedAt-asc",
        "showPreview": False,
        "groupByDate": True,
        "desktopNotifications": True,
        "emailDigest": True,
        "digestFrequency": "weekly",
        "digestTime": "07:30",
    }
    assert (
        await ann.client.put("/api/preferences", json=chosen, headers=await ann.csrf())
    ).status_code == 200
    shown = await ann.page("/console/settings")
    for said in (
        'data-theme="dark"',
        '<option value="compact" selected>',
        'value="10"',
        'name="grouped" checked',
        'name="digest" checked',
        '<option value="weekly" selected>',
        'value="07:30"',
        "At (UTC)",
    ):
        assert said in shown
    mail = await ann.page("/console/mail")
    assert "Older" in mail
    assert "data-grouped data-notifies" in mail
    assert "n10" not in mail
    assert mail.index("n0") < mail.index("n9")
    assert "Hello." not in mail
    assert 'data-theme="dark" data-density="compact"' in await ann.page("/console/accounts")
    refused = await ann.client.get(f"/console/mail/{uuid4()}")
    assert 'data-theme="dark" data-density="compact"' in refused.text
    last = await ann.page("/console/mail?page=2")
    assert "n10" in last
    assert "Older" not in last


async def test_a_conversation_is_read_as_text_oldest_first(api: ApiHost, ann: Visitor) -> None:
    await deliver(api, plain("first"))
    answer = await deliver(api, ANSWER, at=NOON + timedelta(minutes=1))
    message = await ann.page(f"/console/mail/{answer}")
    thread_id = (await ann.client.get(f"/api/emails/{answer}")).json()["threadId"]
    assert f'href="/console/threads/{thread_id}"' in message
    shown = await ann.page(f"/console/threads/{thread_id}")
    assert "2 messages, oldest first" in shown
    assert shown.index("Hello.") < shown.index("As HTML alone")
    assert "alert(1)" not in shown
    assert f'href="/console/compose?reply={answer}"' in shown
    assert (await ann.client.get(f"/console/threads/{uuid4()}")).status_code == 404
