"""IMAPClient, and IDLE across processes."""

from __future__ import annotations

import imaplib

import imapclient
import pytest
from tests.support.clients import SECONDS, deliver, imap, message
from tests.support.hosts import MailkeepUp, Person


@pytest.fixture
def client(mailkeep: MailkeepUp, person: Person) -> imapclient.IMAPClient:
    host, port = mailkeep.place("imaps")
    made = imapclient.IMAPClient(host, port, ssl=True, ssl_context=mailkeep.tls, timeout=SECONDS)
    made.login(person.address, person.api_key)
    return made


def test_it_logs_in_after_starttls(mailkeep: MailkeepUp, person: Person) -> None:
    host, port = mailkeep.place("imap")
    with imapclient.IMAPClient(host, port, ssl=False, timeout=SECONDS) as client:
        client.starttls(mailkeep.tls)
        client.login(person.address, person.api_key)
        assert client.select_folder("INBOX")[b"EXISTS"] == 0


def test_it_finds_what_it_needs(client: imapclient.IMAPClient) -> None:
    offered = {word.decode() for word in client.capabilities()}
    assert {"IMAP4REV1", "IDLE", "UIDPLUS", "MOVE", "NAMESPACE", "ID", "UNSELECT", "ENABLE"} <= offered
    assert {"SPECIAL-USE", "CHILDREN", "SASL-IR"} <= offered
    assert client.namespace().personal == (("", "/"),)
    assert client.find_special_folder(b"\\Sent") == "Sent"
    assert client.find_special_folder(b"\\Trash") == "Trash"
    assert client.id_({"name": "test"})


def test_mailboxes_are_shared_and_limited(
    mailkeep: MailkeepUp, person: Person, client: imapclient.IMAPClient
) -> None:
    """Two people of one domain, each with the client's own commands for rights, quotas and namespaces."""
    friend = mailkeep.add_person()
    client.create_folder("Team")
    client.append("Team", b"Subject: x\r\n\r\nx\r\n")
    client.setacl("Team", friend.address, "lrs")
    assert (friend.address.encode(), b"lrs") in client.getacl("Team")
    host, port = mailkeep.place("imaps")
    with imapclient.IMAPClient(host, port, ssl=True, ssl_context=mailkeep.tls, timeout=SECONDS) as other:
        other.login(friend.address, friend.api_key)
        (prefix, _), *_ = other.namespace().other
        name = f"{prefix}{person.address}/Team"
        assert name in [found for _, _, found in other.list_folders(prefix, "*")]
        assert other.select_folder(name)[b"EXISTS"] == 1
        other.add_flags([1], [imapclient.SEEN])
        with pytest.raises(imapclient.exceptions.IMAPClientError):
            other.append(name, b"Subject: y\r\n\r\ny\r\n")
    assert client.folder_status("Team", "UNSEEN")[b"UNSEEN"] == 0
    roots, quotas = client.get_quota_root("INBOX")
    assert (roots.quota_roots, quotas) == ([], [])  # no limit is set


def test_folders_with_names_of_all_the_world(client: imapclient.IMAPClient) -> None:
    for name in ("Entwürfe", "日本語/箱", "a & b", 'with "quotes"', "back\\slash", "über/ärger/öl"):
        client.create_folder(name)
        assert client.folder_exists(name)
        client.append(name, b"Subject: x\r\n\r\nx\r\n")
        assert client.select_folder(name)[b"EXISTS"] == 1
    client.rename_folder("über", "oben")
    assert client.folder_exists("oben/ärger/öl")
    client.delete_folder("oben/ärger/öl")
    assert not client.folder_exists("oben/ärger/öl")


def test_envelope_and_structure_are_parsed(
    mailkeep: MailkeepUp, person: Person, client: imapclient.IMAPClient
) -> None:
    octets = (
        b'From: "Bob B" <bob@remote.example>\r\nTo: a@x.example, Group: b@x.example;\r\n'
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Sun, 22 Nov 2026 01:02:03 +0100\r\n"
        b'Message-ID: <1@remote.example>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\none\r\ntwo\r\n"
        b'--b\r\nContent-Type: image/png; name="p.png"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        b"AAAA\r\n--b--\r\n"
    )
    deliver(mailkeep, person.address, octets)
    client.select_folder("INBOX", readonly=True)
    ((_, found),) = client.fetch("1", ["ENVELOPE", "BODYSTRUCTURE", "BODY[2]", "BODY[1]<4.3>"]).items()
    envelope = found[b"ENVELOPE"]
    assert envelope.from_[0].mailbox == b"bob"
    assert envelope.subject == b"=?utf-8?q?Gr=C3=BC=C3=9Fe?="
    assert envelope.message_id == b"<1@remote.example>"
    text, image = found[b"BODYSTRUCTURE"][0]
    assert (text[0].lower(), text[7]) == (b"text", 1)
    assert (image[0].lower(), image[1].lower(), image[6]) == (b"image", b"png", 4)
    assert found[b"BODY[2]"] == b"AAAA"


def test_flags_copy_move_and_expunge(
    mailkeep: MailkeepUp, person: Person, client: imapclient.IMAPClient
) -> None:
    for number in range(4):
        deliver(mailkeep, person.address, message(person.address, f"Number {number}"))
    client.select_folder("INBOX")
    uids = client.search("ALL")
    client.add_flags(uids[:2], [imapclient.FLAGGED, "Work"])
    assert client.search(["FLAGGED", "KEYWORD", "Work"]) == uids[:2]
    client.move(uids[:1], "Archive")
    client.copy(uids[1:2], "Trash")
    client.delete_messages(uids[1:3])
    client.uid_expunge(uids[1:2])
    assert client.search("ALL") == uids[2:]
    client.expunge()
    assert client.search("ALL") == uids[3:]
    client.select_folder("Archive")
    assert client.get_flags(client.search("ALL"))[1] >= (imapclient.FLAGGED,)


@pytest.mark.parametrize("source", ["smtp", "imap"])
def test_idle_hears_of_mail_from_another_process_and_from_another_session(
    mailkeep: MailkeepUp, person: Person, client: imapclient.IMAPClient, source: str
) -> None:
    client.select_folder("INBOX")
    client.idle()
    for number in (1, 2, 3):
        octets = message(person.address)
        if source == "smtp":
            deliver(mailkeep, person.address, octets)
        else:
            with imap(mailkeep, person) as other:
                other.append("INBOX", "", "", octets)
        heard: list[tuple[object, ...]] = []
        while (number, b"EXISTS") not in [event[:2] for event in heard]:
            events = client.idle_check(timeout=SECONDS)
            assert events, f"IDLE did not hear of message {number}"
            heard += events
    client.idle_done()
    assert client.search("ALL") == [1, 2, 3]


def test_idle_hears_of_flags_and_deletions(
    mailkeep: MailkeepUp, person: Person, client: imapclient.IMAPClient
) -> None:
    deliver(mailkeep, person.address, message(person.address))
    client.select_folder("INBOX")
    client.idle()
    with imap(mailkeep, person) as other:
        other.select("INBOX")
        other.store("1", "+FLAGS", "(\\Flagged \\Deleted)")
        other.expunge()
    heard: list[tuple[object, ...]] = []
    while (1, b"EXPUNGE") not in [event[:2] for event in heard]:
        events = client.idle_check(timeout=SECONDS)
        assert events, f"IDLE heard only {heard}"
        heard += events
    client.idle_done()


def test_an_idle_session_ends_when_its_key_is_revoked(mailkeep: MailkeepUp, person: Person) -> None:
    (key,) = mailkeep.cli("keys", "list", person.address)
    with pytest.raises(imaplib.IMAP4.abort, match="EOF"), imap(mailkeep, person) as client:  # noqa: PT012  LOGOUT finds the end
        client.select()
        client.send(b"a1 IDLE\r\n")
        assert client.readline().startswith(b"+ ")
        mailkeep.cli("keys", "revoke", str(key["id"]))
        assert client.readline().startswith(b"* BYE ")
        client.readline()
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"), imap(mailkeep, person):
        pass
