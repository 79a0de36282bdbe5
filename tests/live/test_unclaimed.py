"""Mail for an address that nobody owns waits, and is its owner's from the moment that there is one."""

from __future__ import annotations

from tests.support.clients import beneath_trace, deliver, imap, message, read_imap, read_pop3
from tests.support.hosts import MailkeepUp, Person


def claim(up: MailkeepUp, address: str) -> Person:
    """As an operator does it: by the command line, while the hosts run."""
    up.cli("users", "add", address)
    return Person(address, up.cli("keys", "create", address)["api_key"])


def test_mail_that_waited_is_there_at_once(mailkeep: MailkeepUp) -> None:
    address = mailkeep.unclaimed()
    sent = [message(address, f"Number {number}") for number in range(3)]
    for octets in sent:
        deliver(mailkeep, address, octets)
    person = claim(mailkeep, address)
    by_imap = read_imap(mailkeep, person)
    assert [beneath_trace(octets) for octets in by_imap] == sent
    assert read_pop3(mailkeep, person) == by_imap
    deliver(mailkeep, address, message(address, "after"))
    with imap(mailkeep, person) as client:
        assert client.select()[1] == [b"4"]
        assert client.uid("SEARCH", "ALL")[1] == [b"1 2 3 4"]


def test_mail_for_another_address_of_a_user_joins_what_they_have(mailkeep: MailkeepUp) -> None:
    person = mailkeep.add_person()
    second = mailkeep.unclaimed()
    deliver(mailkeep, person.address, message(person.address, "own"))
    deliver(mailkeep, second, message(second, "waited"))
    with imap(mailkeep, person) as client:
        assert client.select()[1] == [b"1"]
        mailkeep.cli("addresses", "add", person.address, second)
        client.noop()
        assert client.response("EXISTS")[1][-1] == b"2"
    assert [b"Subject: own" in octets for octets in read_imap(mailkeep, person)] == [True, False]
    deliver(mailkeep, second, message(second))
    assert len(read_imap(mailkeep, person)) == 3


def test_mail_for_a_tagged_address_reaches_its_owner(mailkeep: MailkeepUp) -> None:
    person = mailkeep.add_person()
    name, _, domain = person.address.partition("@")
    deliver(mailkeep, f"{name}+lists@{domain}", message(person.address))
    deliver(mailkeep, person.address.upper(), message(person.address))
    assert len(read_imap(mailkeep, person)) == 2
