"""The console in a real browser, at the real hosts: mail appears by itself, and everybody can use it."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator

import pytest
from tests.support.browser.running import Chromium, running_chromium
from tests.support.clients import deliver, imap, message
from tests.support.hosts import MailkeepUp, Person

PAGES = ("mail", "compose", "keys", "addresses", "accounts", "sign-ins")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with running_chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


def sign_in(browser: Chromium, mailkeep: MailkeepUp, person: Person) -> None:
    """By keyboard alone."""
    browser.goto(f"{mailkeep.api_url}/console")
    browser.fill("#key", person.api_key)
    browser.press("Enter")
    browser.arrive("/console/mail")


def test_mail_appears_without_a_reload_and_is_read(
    mailkeep: MailkeepUp, person: Person, chromium: Chromium
) -> None:
    chromium.open()
    sign_in(chromium, mailkeep, person)
    chromium.see("#list", "Nothing here.")
    chromium.mark()
    deliver(mailkeep, person.address, message(person.address, "First light"))
    chromium.see("#list", "First light")
    assert chromium.is_marked()
    assert "First light" in chromium.text("#said")
    chromium.click("#list >> text=First light")
    chromium.see("#message h1", "First light")
    chromium.goto(f"{mailkeep.api_url}/console/mail")
    chromium.see("#list", "1 message, 0 unread in all")
    assert chromium.complaints() == []


def test_html_is_shown_and_nothing_of_it_runs_or_loads(
    mailkeep: MailkeepUp, person: Person, chromium: Chromium
) -> None:
    html = "<p>Hello <b>you</b></p><img src=https://remote.example/x.gif><script>throw 1</script>\r\n"
    octets = message(person.address, "In colour", html)
    deliver(mailkeep, person.address, b"Content-Type: text/html\r\n" + octets)
    chromium.open()
    sign_in(chromium, mailkeep, person)
    chromium.click("#list >> text=In colour")
    chromium.see("#message .rich b", "you")
    assert chromium.complaints() == []  # what the policy had to stop would be one


def test_a_message_is_sent(mailkeep: MailkeepUp, person: Person, chromium: Chromium) -> None:
    other = mailkeep.add_person()
    chromium.open()
    sign_in(chromium, mailkeep, person)
    chromium.goto(f"{mailkeep.api_url}/console/compose")
    chromium.fill("#to", f'"One, two" <{other.address}>')
    chromium.fill("#subject", "By hand")
    chromium.fill("#text", "Hello.")
    chromium.click("text=Send")
    chromium.see("h1", "Sent")
    chromium.see("#list", "By hand")
    chromium.open()
    sign_in(chromium, mailkeep, other)
    chromium.see("#list", "By hand")


def test_a_key_is_made_for_a_mail_program_and_revoked(
    mailkeep: MailkeepUp, person: Person, chromium: Chromium
) -> None:
    chromium.open()
    sign_in(chromium, mailkeep, person)
    chromium.goto(f"{mailkeep.api_url}/console/keys")
    chromium.fill("#name", "Phone")
    chromium.click("text=Make the key")
    chromium.see("#made", "Your new key")
    made = chromium.text("#made-key")
    mailkeep.keep_secret(made)
    phone = Person(person.address, made)
    with imap(mailkeep, phone):
        pass
    chromium.goto(f"{mailkeep.api_url}/console/keys")
    chromium.click("li:has-text('Phone') >> text=Revoke")
    chromium.see("ul.cards:not(:has-text('Phone'))", "test")
    with pytest.raises(imaplib.IMAP4.error), imap(mailkeep, phone):
        pass


def test_signing_out_ends_it(mailkeep: MailkeepUp, person: Person, chromium: Chromium) -> None:
    chromium.open()
    sign_in(chromium, mailkeep, person)
    chromium.click("text=Sign out")
    chromium.arrive("/console/sign-in")
    chromium.goto(f"{mailkeep.api_url}/console/keys")
    assert chromium.address() == "/console/sign-in"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 360)])
def test_axe_finds_nothing_and_nothing_is_cut_off(
    mailkeep: MailkeepUp, person: Person, chromium: Chromium, scheme: str, width: int
) -> None:
    deliver(mailkeep, person.address, message(person.address, "Quite a long subject " * 5))
    chromium.open(scheme, width)
    chromium.goto(f"{mailkeep.api_url}/console/sign-in")
    assert chromium.axe() == []
    sign_in(chromium, mailkeep, person)
    chromium.click("#list >> text=Quite a long subject")
    chromium.see("#message h1", "Quite a long subject")
    found = {"message": (chromium.axe(), chromium.overflow())}
    for page in PAGES:
        chromium.goto(f"{mailkeep.api_url}/console/{page}")
        found[page] = (chromium.axe(), chromium.overflow())
    assert found == {page: ([], 0) for page in found}
    assert chromium.complaints() == []
