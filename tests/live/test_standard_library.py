"""smtplib, imaplib and poplib: mail comes in, is sent, is read, is deleted; and what is refused."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from tests.support.clients import (
    SECONDS,
    beneath_trace,
    deliver,
    imap,
    message,
    pop3,
    read_imap,
    read_pop3,
    submission,
)
from tests.support.hosts import MailkeepUp, Person

from mailkeep.model.scope import Scope

# --- incoming mail -----------------------------------------------------------------------------------


def test_mail_for_a_user_is_read_over_imap_and_pop3(mailkeep: MailkeepUp, person: Person) -> None:
    sent = message(person.address, "First light")
    deliver(mailkeep, person.address, sent)
    (by_imap,) = read_imap(mailkeep, person)
    (by_pop3,) = read_pop3(mailkeep, person)
    assert beneath_trace(by_imap) == sent
    assert by_pop3 == by_imap
    assert by_imap.startswith(b"Return-Path: <bob@remote.example>\r\nReceived: from remote.example")


def test_recipients_come_from_the_envelope_and_not_from_the_header(
    mailkeep: MailkeepUp, person: Person
) -> None:
    other = mailkeep.add_person()
    deliver(mailkeep, person.address, message(other.address))
    assert len(read_imap(mailkeep, person)) == 1
    assert read_imap(mailkeep, other) == []


def test_one_message_for_two_users_reaches_both(mailkeep: MailkeepUp, person: Person) -> None:
    other = mailkeep.add_person()
    with smtplib.SMTP(*mailkeep.place("mx"), timeout=SECONDS) as client:
        client.sendmail("", [person.address, other.address], message(person.address))
    assert [len(read_imap(mailkeep, one)) for one in (person, other)] == [1, 1]
    assert read_imap(mailkeep, person)[0].startswith(b"Return-Path: <>\r\n")


def test_mail_comes_in_over_starttls(mailkeep: MailkeepUp, person: Person) -> None:
    with smtplib.SMTP(*mailkeep.place("mx"), timeout=SECONDS) as client:
        client.starttls(context=mailkeep.tls)
        client.sendmail("bob@remote.example", [person.address], message(person.address))
    (stored,) = read_imap(mailkeep, person)
    assert b" with ESMTPS" in stored.partition(b"From:")[0]  # RFC 3848


def test_the_mx_offers_what_works(mailkeep: MailkeepUp) -> None:
    with smtplib.SMTP(*mailkeep.place("mx"), timeout=SECONDS) as client:
        client.ehlo()
        offered = set(client.esmtp_features)
    assert {"size", "8bitmime", "smtputf8", "pipelining", "enhancedstatuscodes", "starttls"} <= offered
    assert "auth" not in offered


def test_the_mx_does_not_relay(mailkeep: MailkeepUp) -> None:
    with smtplib.SMTP(*mailkeep.place("mx"), timeout=SECONDS) as client:
        client.ehlo()
        client.mail("bob@remote.example")
        code, reply = client.rcpt("carol@elsewhere.example")
    assert code == 550
    assert reply.startswith(b"5.7.1 ")


def test_a_message_with_its_size_declared_too_large_is_refused_before_it_is_sent(
    mailkeep: MailkeepUp,
) -> None:
    with smtplib.SMTP(*mailkeep.place("mx"), timeout=SECONDS) as client:
        client.ehlo()
        code, reply = client.mail("bob@remote.example", ["SIZE=999999999"])
    assert code == 552
    assert reply.startswith(b"5.3.4 ")


# --- submission ------------------------------------------------------------------------------------


def test_a_user_sends_to_another_over_starttls_and_over_tls(mailkeep: MailkeepUp, person: Person) -> None:
    other = mailkeep.add_person()
    first = message(other.address, sender=person.address)
    with submission(mailkeep, person) as client:
        client.sendmail(person.address, [other.address], first)
    second = message(other.address, sender=person.address)
    host, port = mailkeep.place("submissions")
    with smtplib.SMTP_SSL(host, port, context=mailkeep.tls, timeout=SECONDS) as client:
        client.login(person.address, person.api_key)
        client.sendmail(person.address, [other.address], second)
    assert [beneath_trace(one) for one in read_imap(mailkeep, other)] == [first, second]
    assert read_imap(mailkeep, person, "Sent") == []


@pytest.mark.parametrize("mechanism", ["auth_plain", "auth_login"])
def test_the_mechanisms_that_clients_use(mailkeep: MailkeepUp, person: Person, mechanism: str) -> None:
    with smtplib.SMTP(*mailkeep.place("submission"), timeout=SECONDS) as client:
        client.starttls(context=mailkeep.tls)
        client.ehlo()
        client.user, client.password = person.address, person.api_key
        code, _ = client.auth(mechanism.removeprefix("auth_").upper(), getattr(client, mechanism))
    assert code == 235


def test_authentication_needs_tls(mailkeep: MailkeepUp, person: Person) -> None:
    with smtplib.SMTP(*mailkeep.place("submission"), timeout=SECONDS) as client:
        client.ehlo()
        assert "auth" not in client.esmtp_features
        code, reply = client.docmd("AUTH", "PLAIN AGEAYg==")
    assert code == 538
    assert reply.startswith(b"5.7.11 ")


def test_submission_needs_authentication(mailkeep: MailkeepUp, person: Person) -> None:
    with smtplib.SMTP(*mailkeep.place("submission"), timeout=SECONDS) as client:
        client.starttls(context=mailkeep.tls)
        client.ehlo()
        code, reply = client.mail(person.address)
    assert code == 530
    assert reply.startswith(b"5.7.0 ")


def test_a_user_sends_only_as_own_addresses(mailkeep: MailkeepUp, person: Person) -> None:
    other = mailkeep.add_person()
    with submission(mailkeep, person) as client, pytest.raises(smtplib.SMTPSenderRefused) as refused:
        client.sendmail(other.address, [person.address], message(person.address, sender=other.address))
    assert refused.value.smtp_code == 550
    assert b"5.7.1 " in bytes(refused.value.smtp_error)


def test_what_is_tried_out_sends_nothing_into_the_world(mailkeep: MailkeepUp, person: Person) -> None:
    """`mailkeep up` relays when it is asked to; see test_relay.py."""
    with submission(mailkeep, person) as client:
        client.mail(person.address)
        code, reply = client.rcpt("carol@elsewhere.example")
        client.rset()
    assert code == 550
    assert reply.startswith(b"5.7.1 ")


# --- who may not in --------------------------------------------------------------------------------


def test_a_wrong_key_is_refused_everywhere(mailkeep: MailkeepUp, person: Person) -> None:
    # The last characters are the checksum: another secret with a wrong checksum, and of right form.
    wrong = Person(person.address, person.api_key[:-7] + "0" * 7)
    with pytest.raises(smtplib.SMTPAuthenticationError) as by_smtp, submission(mailkeep, wrong):
        pass
    assert by_smtp.value.smtp_code == 535
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"), imap(mailkeep, wrong):
        pass
    with pytest.raises(poplib.error_proto, match="AUTH"), pop3(mailkeep, wrong):
        pass


def test_a_key_opens_only_the_hosts_that_it_was_made_for(mailkeep: MailkeepUp) -> None:
    for_imap = mailkeep.add_person("", "example.test", Scope.IMAP)
    with imap(mailkeep, for_imap) as client:
        assert client.noop()[0] == "OK"
    with pytest.raises(poplib.error_proto, match="AUTH"), pop3(mailkeep, for_imap):
        pass
    with pytest.raises(smtplib.SMTPAuthenticationError), submission(mailkeep, for_imap):
        pass
    for_pop3 = mailkeep.add_person("", "example.test", Scope.POP3)
    with pop3(mailkeep, for_pop3) as client:
        assert client.stat() == (0, 0)
    with pytest.raises(imaplib.IMAP4.error), imap(mailkeep, for_pop3):
        pass


def test_imap_refuses_login_in_clear(mailkeep: MailkeepUp, person: Person) -> None:
    with imaplib.IMAP4(*mailkeep.place("imap"), timeout=SECONDS) as client:
        assert "LOGINDISABLED" in client.capabilities
        assert not [word for word in client.capabilities if word.startswith("AUTH=")]
        with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
            client.login(person.address, person.api_key)
        client.starttls(mailkeep.tls)
        assert client.login(person.address, person.api_key)[0] == "OK"


def test_pop3_refuses_login_in_clear(mailkeep: MailkeepUp, person: Person) -> None:
    client = poplib.POP3(*mailkeep.place("pop3"), timeout=SECONDS)
    assert "USER" not in client.capa()
    with pytest.raises(poplib.error_proto):
        client.user(person.address)
    client.stls(mailkeep.tls)
    client.user(person.address)
    assert client.pass_(person.api_key).startswith(b"+OK")
    client.quit()


# --- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["PLAIN", "XOAUTH2", "OAUTHBEARER"])
def test_imap_takes_the_key_by_every_mechanism(mailkeep: MailkeepUp, person: Person, mechanism: str) -> None:
    responses = {
        "PLAIN": f"\0{person.address}\0{person.api_key}",
        "XOAUTH2": f"user={person.address}\x01auth=Bearer {person.api_key}\x01\x01",
        "OAUTHBEARER": f"n,a={person.address},\x01auth=Bearer {person.api_key}\x01\x01",
    }
    host, port = mailkeep.place("imaps")
    with imaplib.IMAP4_SSL(host, port, ssl_context=mailkeep.tls, timeout=SECONDS) as client:
        assert client.authenticate(mechanism, lambda _: responses[mechanism].encode())[0] == "OK"
        assert client.select()[0] == "OK"


def test_every_account_has_its_mailboxes(mailkeep: MailkeepUp, person: Person) -> None:
    with imap(mailkeep, person) as client:
        _, lines = client.list()
    listed = b"\n".join(line for line in lines if isinstance(line, bytes))
    for name, use in [("Drafts", "Drafts"), ("Sent", "Sent"), ("Junk", "Junk"), ("Trash", "Trash")]:
        (line,) = [line for line in listed.split(b"\n") if name.encode() in line.rpartition(b'"/"')[2]]
        assert f"\\{use}".encode() in line


def test_a_mailbox_lives_through_append_store_copy_move_search_and_expunge(
    mailkeep: MailkeepUp, person: Person
) -> None:
    octets = [message(person.address, f"Number {number}") for number in range(3)]
    with imap(mailkeep, person) as client:
        assert client.create("Work/Ä".encode("utf-7").decode().replace("+", "&"))[0] == "OK"
        assert client.create("Work/Done")[0] == "OK"
        for one in octets:
            answer = client.append("Work", "(\\Seen)", imaplib.Time2Internaldate(datetime.now(UTC)), one)
            assert b"APPENDUID" in answer[1][0]
        assert client.select("Work")[1] == [b"3"]
        assert client.search(None, 'SUBJECT "number 1"')[1] == [b"2"]
        assert client.search(None, "SEEN")[1] == [b"1 2 3"]
        client.store("2", "+FLAGS", "(\\Flagged $Label1)")
        assert client.search(None, "KEYWORD", "$Label1")[1] == [b"2"]
        client.copy("1", "Trash")
        assert client.uid("MOVE", "2", "Work/Done")[0] == "OK"
        assert client.search(None, "ALL")[1] == [b"1 2"]
        client.store("1:2", "+FLAGS", "\\Deleted")
        client.expunge()
        assert client.select("Work")[1] == [b"0"]
        assert client.select("Work/Done")[1] == [b"1"]
        _, answers = client.fetch("1", "(FLAGS BODY.PEEK[])")
        assert b"$Label1" in answers[0][0] or b"$Label1" in answers[1]
        assert octets[1] in [answer[1] for answer in answers if isinstance(answer, tuple)]
    assert read_imap(mailkeep, person, "Trash") == [octets[0]]


def test_pop3_deletes_when_it_quits_and_not_before(mailkeep: MailkeepUp, person: Person) -> None:
    for number in range(3):
        deliver(mailkeep, person.address, message(person.address, f"Number {number}"))
    host, port = mailkeep.place("pop3s")
    broken = poplib.POP3_SSL(host, port, context=mailkeep.tls, timeout=SECONDS)
    broken.user(person.address)
    broken.pass_(person.api_key)
    broken.dele(1)
    broken.close()  # without QUIT nothing is deleted (RFC 1939 section 6)
    _wait_until_free(mailkeep, person)
    with pop3(mailkeep, person) as client:
        assert client.stat()[0] == 3
        uids = client.uidl()[1]
        client.dele(2)
    with pop3(mailkeep, person) as client:
        assert [line.split()[1] for line in client.uidl()[1]] == [
            uids[0].split()[1],
            uids[2].split()[1],
        ]
        assert b"Subject: Number 2" in client.top(2, 0)[1]


def _wait_until_free(mailkeep: MailkeepUp, person: Person) -> None:
    """The host has the maildrop in use until it has seen that the client is gone."""
    deadline = time.monotonic() + SECONDS
    is_free = False
    while not is_free and time.monotonic() < deadline:
        with suppress(poplib.error_proto), pop3(mailkeep, person):
            is_free = True
    assert is_free


def test_a_maildrop_is_held_by_one_session(mailkeep: MailkeepUp, person: Person) -> None:
    with (
        pop3(mailkeep, person),
        pytest.raises(poplib.error_proto, match="IN-USE"),
        pop3(mailkeep, person),
    ):
        pass
    with pop3(mailkeep, person) as client:
        assert client.stat() == (0, 0)
