"""Thunderbird itself: it finds the servers by the address, takes a key for the password, and reads and sends.

What it shows on the way are the pictures of docs/thunderbird.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from imaplib import IMAP4

import httpx2
from tests.support.clients import deliver, imap, message
from tests.support.hosts import MailkeepUp, Person
from tests.support.pictures import keep, with_usual_ports
from tests.support.thunderbird import Thunderbird, running_thunderbird

CONTINUE = "#forward"
DIALOG = "dialog"
FLAG_SECONDS = 10.0
TO_ANNA = "Hello,\r\n\r\nthe boat is in the water. Come and see her on Sunday.\r\n\r\nBob\r\n"


def test_an_account_is_set_up_by_its_address_and_used(own_mailkeep: Callable[..., MailkeepUp]) -> None:
    up = with_usual_ports(own_mailkeep())
    up.environ["MAILKEEP_API_PUBLIC_URL"] = f"http://mail.example.test:{up.port_base + 80}"
    with up:
        anna, bob = up.add_person("anna"), up.add_person("bob")
        with running_thunderbird(up) as thunderbird:
            set_up(thunderbird, anna)
            deliver(up, anna.address, message(anna.address, "The boat", TO_ANNA, bob.address), bob.address)
            assert "the boat is in the water" in thunderbird.read("The boat")
            label(up, anna, thunderbird)
            keep("thunderbird-mail", thunderbird.picture())
            thunderbird.reply("On Sunday, then!")
        read_reply(up, bob)
        assert sent_subjects(up, anna) == ["Re: The boat"]


def set_up(thunderbird: Thunderbird, person: Person) -> None:
    """As docs/thunderbird.md tells it."""
    thunderbird.fill("#realName", "Anna Berg")
    thunderbird.fill("#email", person.address)
    keep("thunderbird-address", thunderbird.picture(DIALOG))
    thunderbird.press(CONTINUE)
    thunderbird.see("mail.example.test")
    keep("thunderbird-servers", thunderbird.picture(DIALOG))
    thunderbird.press(CONTINUE)
    thunderbird.fill("input#password", person.api_key)
    keep("thunderbird-key", thunderbird.picture(DIALOG))
    thunderbird.press(CONTINUE)
    thunderbird.see("Explore options")
    thunderbird.press(CONTINUE)
    thunderbird.open_inbox()


def label(up: MailkeepUp, person: Person, thunderbird: Thunderbird) -> None:
    """A label given over the API is a tag in Thunderbird, and the other way round."""
    with httpx2.Client(
        base_url=up.api_url, headers={"Authorization": f"Bearer {person.api_key}"}, trust_env=False
    ) as api:
        email = api.get("/api/emails").json()["items"][0]
        personal = api.post("/api/labels", json={"name": "Personal", "color": "#009900"}).json()
        important = api.post("/api/labels", json={"name": "Important", "color": "#ff0000"}).json()
        api.post(f"/api/labels/emails/{email['id']}", json={"labelId": personal["id"]}).raise_for_status()
        keywords = "return reader().gMessage.getStringProperty('keywords').includes(arguments[0])"
        thunderbird.wait(keywords, "$label3")
        thunderbird.run(
            "pane().goDoCommand ? pane().goDoCommand('cmd_tag1') : window.goDoCommand('cmd_tag1')"
        )
        thunderbird.wait(keywords, "$label1")
        with imap(up, person) as client:
            client.select("INBOX")
            wait_for_flag(client, b"$label1")
        assert important["id"] in api.get(f"/api/emails/{email['id']}").json()["labelIds"]


def wait_for_flag(client: IMAP4, flag: bytes) -> None:
    """Thunderbird shows a tag before it tells the server of it."""
    deadline = time.monotonic() + FLAG_SECONDS
    while flag not in (flags := client.fetch("1", "(FLAGS)")[1])[0]:
        assert time.monotonic() < deadline, flags
        time.sleep(0.05)


def read_reply(up: MailkeepUp, person: Person) -> None:
    """The reply is there, as an answer to what was sent."""
    with imap(up, person) as client:
        client.select("INBOX")
        _, found = client.fetch("1", "(BODY[])")
    assert b"On Sunday, then!" in found[0][1]
    assert b"In-Reply-To: <" in found[0][1]


def sent_subjects(up: MailkeepUp, person: Person) -> list[str]:
    """Thunderbird's copy, in the mailbox that the server says is for it (RFC 6154)."""
    with imap(up, person) as client:
        client.select("Sent")
        _, found = client.fetch("1:*", "(BODY[HEADER.FIELDS (SUBJECT)])")
    return [part[1].decode().strip().removeprefix("Subject: ") for part in found if isinstance(part, tuple)]
