"""MULTISEARCH (RFC 7377): one search in several mailboxes."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client, ImapHost, Login

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


@pytest.fixture
def boxes(host: ImapHost, user: Login) -> Client:
    """A session with nothing selected; a/b has one message, a/b/c two, Sent three, INBOX one."""
    client = host.log_in(user)
    for name, count in (("a/b", 1), ("a/b/c", 2), ("Sent", 3), ("INBOX", 1)):
        if "/" in name:
            client.command(f"CREATE {name}")
        for _ in range(count):
            client.append(name, MESSAGE)
    return client


def found(client: Client, arguments: str) -> dict[str, str]:
    """What was found, by mailbox."""
    lines = client.command(f"ESEARCH {arguments}")
    answers = {}
    for line in lines:
        head, _, answer = line.partition(") UID ")
        assert head.startswith('* ESEARCH (TAG "')
        name, _, uidvalidity = head.partition(" MAILBOX ")[2].partition(" UIDVALIDITY ")
        assert int(uidvalidity) > 0
        answers[name] = answer
    return answers


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        ("mailboxes (a/b nowhere Sent)", {"a/b", "Sent"}),
        ("mailboxes inbox", {"INBOX"}),
        ("subtree a", {"a/b", "a/b/c"}),
        ("subtree-one a", {"a/b"}),
        ("subtree-one a/b", {"a/b", "a/b/c"}),
        ("subtree a/b subtree a/b/c mailboxes INBOX", {"a/b", "a/b/c", "INBOX"}),
        ("personal", {"a/b", "a/b/c", "Sent", "INBOX"}),
        ("inboxes", {"a/b", "a/b/c", "Sent", "INBOX"}),
        ("subscribed", {"Sent", "INBOX"}),
        ('mailboxes "%"', set()),
    ],
)
def test_sources(boxes: Client, sources: str, names: set[str]) -> None:
    assert set(found(boxes, f"IN ({sources}) ALL")) == names


def test_results(boxes: Client) -> None:
    assert found(boxes, "IN (subtree (a Sent)) RETURN (MIN MAX COUNT) UID 2:9") == {
        "a/b/c": "MIN 2 MAX 2 COUNT 1",
        "Sent": "MIN 2 MAX 3 COUNT 2",
    }
    assert found(boxes, "IN (mailboxes Sent) RETURN (PARTIAL -1:-2) ALL") == {"Sent": "PARTIAL (-1:-2 2:3)"}
    assert found(boxes, "IN (mailboxes (Sent a/b)) 2:100") == {"Sent": "ALL 2:3"}
    assert found(boxes, "IN (personal) SUBJECT none") == {}
    assert found(boxes, "IN (personal) SUBJECT one LARGER 1 BODY body 1 $") == {}


def test_the_selected_mailbox(boxes: Client) -> None:
    assert boxes.refused("ESEARCH ALL").startswith("BAD")
    assert boxes.refused("ESEARCH IN (selected) ALL").startswith("BAD")
    boxes.command("SELECT Sent")
    assert found(boxes, "ALL") == {"Sent": "ALL 1:3"}
    assert found(boxes, "IN (selected personal) ALL") == {
        "Sent": "ALL 1:3",
        "INBOX": "ALL 1",
        "a/b": "ALL 1",
        "a/b/c": "ALL 1:2",
    }
    boxes.command("FETCH 3 FLAGS")  # it is still selected


def test_the_selected_mailbox_under_its_new_name(boxes: Client) -> None:
    """A renaming that the session has asked for itself, of the mailbox or of one above it."""
    boxes.command("SELECT a/b/c")
    boxes.command("RENAME a/b/c a/b/d")
    assert found(boxes, "IN (selected) ALL") == {"a/b/d": "ALL 1:2"}
    boxes.command("RENAME a z")
    assert found(boxes, "IN (selected) ALL") == {"z/b/d": "ALL 1:2"}
    boxes.command("RENAME INBOX a")
    boxes.command("RENAME Sent z/b/d2")
    assert found(boxes, "IN (selected) ALL") == {"z/b/d": "ALL 1:2"}


def test_saving(boxes: Client) -> None:
    boxes.command("SELECT Sent")
    assert boxes.refused("ESEARCH IN (personal) RETURN (SAVE) ALL").startswith("BAD")
    assert boxes.refused("ESEARCH IN (selected personal) RETURN (SAVE) ALL").startswith("BAD")
    assert found(boxes, "IN (selected) RETURN (SAVE) UID 2") == {}
    assert boxes.command("FETCH $ UID") == ["* 2 FETCH (UID 2)"]
    assert found(boxes, "$") == {"Sent": "ALL 2"}


def test_names_follow_the_form_of_the_session(boxes: Client) -> None:
    boxes.command("CREATE &APw-")
    boxes.append("&APw-", MESSAGE)
    assert found(boxes, "IN (mailboxes &APw-) ALL") == {"&APw-": "ALL 1"}
    boxes.command("ENABLE IMAP4rev2 UIDONLY")
    assert found(boxes, 'IN (mailboxes "\u00fc") ALL') == {'"\u00fc"': "ALL 1"}
    assert boxes.refused("ESEARCH IN (personal) 1:2").startswith("BAD [UIDREQUIRED]")


def test_other_options(boxes: Client) -> None:
    assert boxes.refused("ESEARCH IN (personal) RETURN (UPDATE) ALL").startswith("BAD")
    assert boxes.refused("ESEARCH IN (personal) RETURN (RELEVANCY) ALL").startswith("BAD")
    assert boxes.refused("ESEARCH IN (personal) CHARSET X-NONE SUBJECT x").startswith("NO [BADCHARSET")
