"""The console in a real browser, at the real hosts: mail appears by itself, and everybody can use it."""

from __future__ import annotations

import imaplib
import re
import socket
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import httpx2
import pytest
from tests.support.browser.running import Chromium, running_chromium
from tests.support.clients import SECONDS, deliver, imap, message
from tests.support.hosts import MailkeepUp, Person
from tests.support.postgres import run_apart

from mailkeep.model.mailbox import INBOX
from mailkeep.storage import open_store
from mailkeep_api.console import words
from mailkeep_cli.up_plan import DEMO_ADDRESS

PAGES = (
    "/",
    *(path for path, _ in words.PAGES),
    "/console/operator",
    "/console/operator/domains/example.test",
)


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
    chromium.click("#copy")
    chromium.see("#said", "The key is copied.")
    assert chromium.copied() == made
    assert (chromium.axe(), chromium.overflow()) == ([], 0)
    phone = Person(person.address, made)
    with imap(mailkeep, phone):
        pass
    chromium.goto(f"{mailkeep.api_url}/console/keys")
    chromium.click("li:has-text('Phone') >> text=Rotate")
    chromium.see("#made", "Your new key")
    successor = chromium.text("#made-key")
    mailkeep.keep_secret(successor)
    assert successor != made
    chromium.goto(f"{mailkeep.api_url}/console/keys")
    for _ in ("the former", "its successor"):
        chromium.click("li:has-text('Phone') >> text=Revoke")
        chromium.arrive("/console/keys")
    chromium.see("ul.cards:not(:has-text('Phone'))", "test")
    for key in (made, successor):
        with pytest.raises(imaplib.IMAP4.error), imap(mailkeep, Person(person.address, key)):
            pass


def test_the_keyboard_alone_opens_a_message(mailkeep: MailkeepUp, person: Person, chromium: Chromium) -> None:
    deliver(mailkeep, person.address, message(person.address, "By keys"))
    chromium.open()
    sign_in(chromium, mailkeep, person)
    chromium.see("#list", "By keys")
    chromium.press("Tab")
    assert chromium.focused() == "Skip to the content"
    chromium.press("Enter")
    for _ in range(12):
        chromium.press("Tab")
        if "By keys" in chromium.focused():
            break
    chromium.press("Enter")
    chromium.see("#message h1", "By keys")


def test_an_address_is_verified_by_the_code_that_was_mailed_there(
    mailkeep: MailkeepUp, person: Person, chromium: Chromium
) -> None:
    second = mailkeep.unclaimed()
    deliver(mailkeep, second, message(second, "It has waited"))
    chromium.open()
    sign_in(chromium, mailkeep, person)
    chromium.goto(f"{mailkeep.api_url}/console/addresses")
    chromium.fill("#address", second)
    chromium.click("text=Mail a code")
    chromium.see(".cards", "Waits for the code")
    assert (chromium.axe(), chromium.overflow()) == ([], 0)
    chromium.fill("[data-form=verify] input", "00000-00000")
    chromium.click("text=Verify")
    chromium.see(".error", "The code is wrong, too old, or was tried too often")
    chromium.fill("[data-form=verify] input", run_apart(mailed_code(mailkeep, second)))
    chromium.click("text=Verify")
    chromium.see(".cards", "Yours since")
    chromium.goto(f"{mailkeep.api_url}/console/mail")
    chromium.see("#list", "It has waited")


async def mailed_code(mailkeep: MailkeepUp, address: str) -> str:
    """Read by whoever can read the mailbox, which nobody has yet but the operator."""
    store = await open_store(mailkeep.store_settings)
    try:
        accounts = {one.address: one.account_id for one in await store.directory.addresses()}
        inbox = await store.mailboxes.get(accounts[address], INBOX)
        last = (await store.messages.snapshot(inbox.id)).message_ids[-1]
        found = re.search(rb"\r\n    (\S+)\r\n", await (await store.messages.body(last)).read())
    finally:
        await store.close()
    assert found
    return found[1].decode()


def test_the_operator_holds_what_waits_and_locks_a_user_out(
    own_mailkeep: Callable[..., MailkeepUp], chromium: Chromium
) -> None:
    """What waits is for a smarthost that does not answer."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        smarthost = f"127.0.0.1:{nobody.getsockname()[1]}"
        with own_mailkeep(
            MAILKEEP_API_OPERATORS=DEMO_ADDRESS,
            MAILKEEP_RELAY_ROUTE="smarthost",
            MAILKEEP_RELAY_SMARTHOST=smarthost,
        ) as up:
            other = up.add_person()
            with httpx2.Client(trust_env=False, headers={"Authorization": f"Bearer {other.api_key}"}) as api:
                sent = {"to": ["far@elsewhere.example"], "subject": "x", "textBody": "x"}
                assert api.post(f"{up.api_url}/api/emails", json=sent).status_code == 202
            chromium.open()
            sign_in(chromium, up, up.demo)
            chromium.click("text=Server")
            chromium.see("table", "far@elsewhere.example")
            chromium.click("text=Hold >> nth=-1")
            chromium.see("tr:has-text('far@elsewhere.example')", "held")
            assert (chromium.axe(), chromium.overflow()) == ([], 0)
            chromium.click("tr:has-text('far@elsewhere.example') >> text=Drop")
            chromium.see("main:not(:has-text('far@elsewhere.example'))", "0 waiting")
            chromium.click(f"tr:has-text('{other.address}') >> text=Lock out")
            chromium.see(f"tr:has-text('{other.address}')", "disabled")
            with pytest.raises(imaplib.IMAP4.error), imap(up, other):
                pass
            chromium.click(f"tr:has-text('{other.address}') >> text=Let in")
            chromium.see(f"tr:has-text('{other.address}')", "active")
            with imap(up, other):
                pass


def test_a_sign_in_that_was_not_mine_ends_with_its_key(
    mailkeep: MailkeepUp, person: Person, chromium: Chromium
) -> None:
    headers = {"Authorization": f"Bearer {person.api_key}"}
    with httpx2.Client(base_url=mailkeep.api_url, headers=headers, trust_env=False) as api:
        lost = api.post("/api/smtp-credentials", json={"name": "Lost phone", "scopes": ["imap"]}).json()
    phone = Person(person.address, lost["apiKey"])
    mailkeep.keep_secret(phone.api_key)
    chromium.open()
    sign_in(chromium, mailkeep, person)
    with imap(mailkeep, phone) as client:
        deadline = time.monotonic() + SECONDS
        chromium.goto(f"{mailkeep.api_url}/console/sign-ins")
        while "Lost phone" not in chromium.text("main"):  # the log is written within half a second
            assert time.monotonic() < deadline
            chromium.goto(f"{mailkeep.api_url}/console/sign-ins")
        chromium.click("li:has-text('Lost phone') >> text=Not me: revoke the key")
        chromium.see("li:has-text('Lost phone')", "This key does not work any more.")
        with pytest.raises((imaplib.IMAP4.error, OSError)):
            use_for_a_while(client)
    with pytest.raises(imaplib.IMAP4.error), imap(mailkeep, phone):
        pass


def use_for_a_while(client: imaplib.IMAP4) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        client.noop()


def test_signing_out_ends_it(mailkeep: MailkeepUp, person: Person, chromium: Chromium) -> None:
    chromium.open()
    sign_in(chromium, mailkeep, person)
    chromium.click("text=Sign out")
    chromium.arrive("/console/sign-in")
    chromium.goto(f"{mailkeep.api_url}/console/keys")
    assert chromium.address() == "/console/sign-in"


def test_mail_is_sorted_and_the_settings_are_heeded(
    mailkeep: MailkeepUp, person: Person, chromium: Chromium
) -> None:
    chromium.open()
    sign_in(chromium, mailkeep, person)
    chromium.goto(f"{mailkeep.api_url}/console/labels")
    for name in ("Work", "Home"):
        chromium.fill("#label-name", name)
        chromium.click("text=Make the label")
        chromium.see(".cards", name)
    chromium.click("li:has-text('Work') >> text=Earlier")
    chromium.see(".cards li:first-child", "Work")
    chromium.goto(f"{mailkeep.api_url}/console/filters")
    chromium.fill("#name-new", "Bills")
    chromium.fill("#subject-new", "bill")
    chromium.choose("#label-new", "Work")
    chromium.click("text=Make the filter")
    chromium.see(".cards", "Acted 0 times")
    deliver(mailkeep, person.address, message(person.address, "A bill"))
    chromium.click("text=Try it")
    chromium.see("main", "It matches 1 of your newest 1 message.")
    chromium.goto(f"{mailkeep.api_url}/console/mail")
    chromium.see("#list li:has-text('A bill') .label", "Work")
    chromium.click("#list >> text=A bill")
    chromium.click("text=Conversation")
    chromium.see("main", "1 message, oldest first")
    chromium.goto(f"{mailkeep.api_url}/console/settings")
    chromium.choose("#theme", "Dark")
    chromium.click("text=Save")
    chromium.see("html[data-theme=dark]", "Settings")
    chromium.goto(f"{mailkeep.api_url}/console/sign-ins")
    chromium.see("main", "(this one)")
    chromium.click("text=Sign out everywhere >> nth=-1")
    chromium.arrive("/console/sign-in")
    assert chromium.complaints() == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 360)], ids=["desk", "phone"])
def test_axe_finds_nothing_on_any_page_and_nothing_is_cut_off(
    mailkeep: MailkeepUp, chromium: Chromium, scheme: str, width: int
) -> None:
    """As the server's operator, who sees every page, with something on each, light and dark."""
    operator = mailkeep.demo
    with httpx2.Client(headers={"Authorization": f"Bearer {operator.api_key}"}, trust_env=False) as api:
        label = {"name": f"On {scheme}", "color": "#ff8800"}
        made = {
            "/api/labels": label,
            "/api/filters": {"name": "Any", "subjectContains": "Quite"},
        }
        answers = [api.post(f"{mailkeep.api_url}{path}", json=body) for path, body in made.items()]
        assert [answer.status_code for answer in answers] == [201, 201]
        trial = f"/console/filters/{answers[1].json()['id']}"
    deliver(mailkeep, operator.address, message(operator.address, "Quite a long subject " * 5))
    chromium.open(scheme, width)
    chromium.goto(f"{mailkeep.api_url}/console/sign-in")
    assert chromium.axe() == []
    sign_in(chromium, mailkeep, operator)
    chromium.click("#list >> text=Quite a long subject")
    chromium.see("#message h1", "Quite a long subject")
    found = {"message": (chromium.axe(), chromium.overflow())}
    chromium.click("text=Conversation")
    chromium.see("main", "oldest first")
    found["thread"] = (chromium.axe(), chromium.overflow())
    for page in (*PAGES, trial):
        chromium.goto(f"{mailkeep.api_url}{page}")
        chromium.unfold()
        found[page] = (chromium.axe(), chromium.overflow())
    assert found == {page: ([], 0) for page in found}
    assert chromium.complaints() == []
    chromium.goto(f"{mailkeep.api_url}/console/threads/{UUID(int=1)}")
    chromium.see("h1", "That is not possible")
    assert (chromium.axe(), chromium.overflow()) == ([], 0)
