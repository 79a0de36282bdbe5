"""The screens that the guide shows, taken of the real hosts with mail that is always the same.

`make pictures` keeps them; every run takes them, so that the guide shows no screen that is no more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx2
import pytest
from tests.support.browser.running import Chromium, running_chromium
from tests.support.clients import deliver
from tests.support.hosts import MailkeepUp, Person
from tests.support.pictures import KEPT, keep, with_usual_ports

DOCS = KEPT.parent
NAMED = re.compile(r"pictures/([a-z-]+)\.png")
LETTERS = (
    (
        "Iris Lind",
        "iris@remote.example",
        "Minutes of the harbour board",
        "Dear Anna,\n\nhere are the minutes.\n",
    ),
    (
        "Post Office",
        "parcels@remote.example",
        "Your parcel is on its way",
        "It comes tomorrow before noon.\n",
    ),
    ("Jonas Weber", "jonas@remote.example", "Re: Sails", "The new sails fit. See you at the boat?\n"),
    ("Library", "desk@remote.example", "Two books are due on Friday", "You may renew them once more.\n"),
    ("Mira Holm", "mira@remote.example", "Photographs from the island", "They came out well.\n"),
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with running_chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.mark.parametrize("backend", ["sqlite"], scope="session")  # the screens are the same on both
def test_every_screen_of_the_guide(own_mailkeep: Callable[..., MailkeepUp], chromium: Chromium) -> None:
    with with_usual_ports(own_mailkeep("--no-demo", MAILKEEP_API_OPERATORS="anna@example.test")) as up:
        up.cli("domains", "add", "example.test")
        anna = up.add_person("anna")
        furnish(up, anna)
        taken = {
            "mail": mail(chromium, up, anna),
            "keys": made_key(chromium, up),
            "setup": set_up(chromium, up),
        }
        taken["operator"] = operator(chromium, up)
        taken["phone"] = phone(chromium, up, anna)
    for name, png in taken.items():
        keep(name, png)
    assert set(taken) == {path.stem for path in KEPT.glob("*.png") if "thunderbird" not in path.stem}


def test_the_guide_shows_every_picture_that_is_kept() -> None:
    pages = [*DOCS.glob("*.md"), DOCS.parent / "README.md"]
    shown = {name for page in pages for name in NAMED.findall(page.read_text())}
    assert shown == {path.stem for path in KEPT.glob("*.png")}


def furnish(up: MailkeepUp, person: Person) -> None:
    """Letters, labels, a second user, and mail for somebody who has not come yet."""
    with httpx2.Client(
        base_url=up.api_url, headers={"Authorization": f"Bearer {person.api_key}"}, trust_env=False
    ) as api:
        labels = [
            api.post("/api/labels", json={"name": name, "color": color}).json()["id"]
            for name, color in (("Harbour", "#0b6e99"), ("Important", "#c0392b"))
        ]
        for name, sender, subject, text in LETTERS:
            deliver(up, person.address, letter(name, sender, person.address, subject, text), sender)
        emails = {one["subject"]: one["id"] for one in api.get("/api/emails").json()["items"]}
        for subject, label in (("Minutes of the harbour board", labels[0]), ("Re: Sails", labels[1])):
            api.post(f"/api/labels/emails/{emails[subject]}", json={"labelId": label}).raise_for_status()
        read = [emails[subject] for subject in ("Your parcel is on its way", "Two books are due on Friday")]
        api.post("/api/emails/bulk/mark-read", json={"emailIds": read, "isRead": True}).raise_for_status()
    up.add_person("bob")
    deliver(
        up,
        "newcomer@example.test",
        letter("Bob", "bob@remote.example", "newcomer@example.test", "Hello", "Hi.\n"),
    )


def letter(name: str, sender: str, to: str, subject: str, text: str) -> bytes:
    header = (
        f"From: {name} <{sender}>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{len(text)}.{sender}>\r\n"
    )
    return (header + "\r\n" + text.replace("\n", "\r\n")).encode()


def sign_in(chromium: Chromium, up: MailkeepUp, person: Person) -> None:
    chromium.goto(f"{up.api_url}/console")
    chromium.fill("#key", person.api_key)
    chromium.press("Enter")
    chromium.arrive("/console/mail")


def mail(chromium: Chromium, up: MailkeepUp, person: Person) -> bytes:
    chromium.open("light", 960, 620)
    sign_in(chromium, up, person)
    chromium.see("#list", LETTERS[-1][2])
    return chromium.picture()


def made_key(chromium: Chromium, up: MailkeepUp) -> bytes:
    """The key that is shown has no more meaning than its picture: it ends with the test."""
    chromium.goto(f"{up.api_url}/console/keys")
    chromium.fill("#name", "Thunderbird on the laptop")
    chromium.click("text=Make the key")
    chromium.see("#made", "Your new key")
    up.keep_secret(chromium.text("#made-key"))
    return chromium.picture("#made")


def set_up(chromium: Chromium, up: MailkeepUp) -> bytes:
    chromium.goto(f"{up.api_url}/console/keys")
    chromium.unfold("#set-up-programs")
    return chromium.picture("#set-up-programs")


def operator(chromium: Chromium, up: MailkeepUp) -> bytes:
    chromium.resize(960, 860)
    chromium.goto(f"{up.api_url}/console/operator")
    chromium.see("main", "newcomer@example.test")
    return chromium.picture()


def phone(chromium: Chromium, up: MailkeepUp, person: Person) -> bytes:
    chromium.open("dark", 390, 640)
    sign_in(chromium, up, person)
    return chromium.picture()
