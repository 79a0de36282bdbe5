"""An earlier version's store under this version's hosts, and these over the next version's tables."""

from __future__ import annotations

import hashlib
import imaplib
import json
import poplib
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError
from tests.support.clients import deliver, message, read_imap
from tests.support.hosts import HOSTS, MailkeepUp, Person
from tests.support.old_store import STORES, OldStore
from tests.support.postgres import run_apart

from mailkeep.storage import migrating

OLD = sorted(path.stem for path in STORES.glob("*.json"))


# --- an earlier version's store -------------------------------------------------------------------


@pytest.mark.parametrize("version", OLD)
def test_everything_of_an_earlier_version_is_there(
    own_mailkeep: Callable[..., MailkeepUp], version: str
) -> None:
    old = OldStore.load(version)
    up = own_mailkeep("--no-demo")
    run_apart(old.put(up.store_settings))
    with up:
        assert up.cli("verify")["faults"] == []
        for address, key in old.seen["keys"].items():
            seen = old.seen[address]
            assert by_imap(up, address, key) == {name: seen[name] for name in ("mailboxes", "subscribed")}
            uidl, octets = by_pop3(up, address, key)
            assert (uidl, octets) == (seen.get("uidl", uidl), seen.get("pop3", octets))
            assert by_api(up, key) == ids_in_inbox(old, address)
        with pytest.raises(LoginError):
            imap(up, "alice@example.test", old.seen["revoked"])
        mail_goes_on(up, Person("alice@example.test", old.seen["keys"]["alice@example.test"]))
        assert waiting_mail_is_claimed(up, "carol@example.test") == 2
        assert up.cli("verify")["faults"] == []


def imap(up: MailkeepUp, address: str, key: str) -> IMAPClient:
    host, port = up.place("imaps")
    client = IMAPClient(host, port, ssl_context=up.tls)
    client.login(address, key)
    return client


def by_imap(up: MailkeepUp, address: str, key: str) -> dict[str, Any]:
    """In the shape of what was seen: names, UIDs, flags, dates, sizes, structures, octets."""
    found = {}
    with imap(up, address, key) as client:
        for flags, _, name in client.list_folders():
            if b"\\Noselect" not in flags:
                told = client.select_folder(name, readonly=True)
                found[name] = {
                    "uidvalidity": told[b"UIDVALIDITY"],
                    "uidnext": told[b"UIDNEXT"],
                    "messages": list(messages(client)) if told[b"EXISTS"] else [],
                }
        return {"mailboxes": found, "subscribed": sorted(name for _, _, name in client.list_sub_folders())}


def messages(client: IMAPClient) -> Any:
    items = ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[]"]
    for uid, told in sorted(client.fetch(client.search("ALL"), items).items()):
        yield {
            "uid": uid,
            "flags": sorted(flag.decode() for flag in told[b"FLAGS"] if flag != b"\\Recent"),
            "date": str(told[b"INTERNALDATE"]),
            "size": told[b"RFC822.SIZE"],
            "envelope": repr(told[b"ENVELOPE"]),
            "bodystructure": repr(told[b"BODYSTRUCTURE"]),
            "sha256": hashlib.sha256(told[b"BODY[]"]).hexdigest(),
        }


def by_pop3(up: MailkeepUp, address: str, key: str) -> tuple[list[str], list[str]]:
    """What UIDL says, and each message's digest."""
    host, port = up.place("pop3s")
    client = poplib.POP3_SSL(host, port, context=up.tls, timeout=20)
    client.user(address)
    client.pass_(key)
    octets = [
        b"".join(line + b"\r\n" for line in client.retr(number)[1])
        for number in range(1, client.stat()[0] + 1)
    ]
    uidl = [line.decode() for line in client.uidl()[1]]
    client.quit()
    return uidl, [hashlib.sha256(one).hexdigest() for one in octets]


def by_api(up: MailkeepUp, key: str) -> set[UUID]:
    """The ids of received mail."""
    asked = urllib.request.Request(f"{up.api_url}/api/emails", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return {UUID(email["id"]) for email in json.load(answer)["items"]}


def ids_in_inbox(old: OldStore, address: str) -> set[UUID]:
    """What its rows call the messages that lie in mailboxes of received mail."""
    (account,) = [row["account_id"] for row in old.rows("address") if row["address"] == address]
    boxes = {row["id"] for row in old.rows("mailbox") if row["account_id"] == account}
    held = {row["message_id"] for row in old.rows("entry") if row["mailbox_id"] in boxes}
    return {UUID(bytes=row["email_id"]) for row in old.rows("message") if row["id"] in held}


def mail_goes_on(up: MailkeepUp, person: Person) -> None:
    """New mail beside the old, by SMTP, with the UID that the old version would have given next."""
    with imap(up, person.address, person.api_key) as client:
        uidnext = client.select_folder("INBOX")[b"UIDNEXT"]
        deliver(up, person.address, message(person.address, "after the upgrade"))
        deadline = time.monotonic() + 20
        while not client.search(["UID", f"{uidnext}", "SUBJECT", "after the upgrade"]):
            assert time.monotonic() < deadline
            client.noop()


def waiting_mail_is_claimed(up: MailkeepUp, address: str) -> int:
    """How many messages an address had before anybody owned it."""
    return len(read_imap(up, up.add_person(address.partition("@")[0])))


# --- this version's hosts, and the next one's tables ------------------------------------------------

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "9001"
down_revision = "{head}"
branch_labels = depends_on = None
oldest = "{oldest}"

def upgrade():
    for table in ("account", "mailbox", "message", "entry", "change", "blob", "api_key", "queue_message"):
        op.add_column(table, sa.Column("further", sa.Text(), nullable=False, server_default="new"))
    op.create_table("further", sa.Column("id", sa.Integer(), primary_key=True))
    op.create_index("ix_message_further", "message", ["further"])
"""
MIGRATE = """
import sys
from pathlib import Path
from mailkeep.storage import migrating
migrating.SCRIPTS, migrating.HEAD = Path(sys.argv.pop(1)), "9001"
from mailkeep_cli.main import main
main()
"""


def migrate_on(up: MailkeepUp, directory: Path, oldest: str) -> subprocess.CompletedProcess[str]:
    """`mailkeep migrate` of a next version, whose migration adds what most migrations add."""
    scripts = directory / "migrations"
    shutil.copytree(migrating.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "9001_next.py").write_text(NEXT.format(head=migrating.HEAD, oldest=oldest))
    return subprocess.run(
        [sys.executable, "-c", MIGRATE, str(scripts), "migrate", "--data-dir", str(up.data_dir)],
        env=up.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class Load:
    """One client that delivers and one that reads without a pause. Neither may be told of any trouble."""

    def __init__(self, up: MailkeepUp, person: Person) -> None:
        self._up = up
        self._person = person
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._deliver, self._read)]
        self.acknowledged: list[str] = []
        self.rounds = 0
        self.troubles: list[str] = []

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        self.wait_for_more()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self) -> None:
        """Until both have been served again."""
        sent, rounds = len(self.acknowledged), self.rounds
        deadline = time.monotonic() + 60
        while len(self.acknowledged) < sent + 3 or self.rounds < rounds + 3:
            assert not self.troubles, self.troubles
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _deliver(self) -> None:
        try:
            with smtplib.SMTP(*self._up.place("mx"), timeout=60) as smtp:
                while not self._ended.is_set():
                    name = f"<{len(self.acknowledged)}@client.test>"
                    text = f"Message-ID: {name}\r\nSubject: on and on\r\n\r\n{name}\r\n"
                    smtp.sendmail("a@client.test", [self._person.address], text)
                    self.acknowledged.append(name)
        except (OSError, smtplib.SMTPException) as error:
            self.troubles.append(f"SMTP: {error!r}")

    def _read(self) -> None:
        try:
            with imap(self._up, self._person.address, self._person.api_key) as client:
                client.select_folder("INBOX")
                while not self._ended.is_set():
                    client.append("Archive", message(self._person.address), flags=["\\Seen"])
                    uids = client.search("ALL")[-5:]
                    client.add_flags(uids, ["$Looked"])
                    client.fetch(uids, ["FLAGS", "ENVELOPE", "BODY.PEEK[]"])
                    self.rounds += 1
        except (OSError, imaplib.IMAP4.error) as error:
            self.troubles.append(f"IMAP: {error!r}")


def test_hosts_run_on_while_the_next_version_migrates_and_may_start_again(
    own_mailkeep: Callable[..., MailkeepUp], tmp_path: Path
) -> None:
    up = own_mailkeep("--no-demo")
    with up:
        up.cli("domains", "add", "example.test")
        person = up.add_person()
        with Load(up, person) as load:
            ran = migrate_on(up, tmp_path, oldest=migrating.HEAD)
            assert ran.returncode == 0, ran.stderr
            load.wait_for_more()
        assert load.troubles == []
        up.stop(signal.SIGTERM)
        up.start()
        held = b"".join(read_imap(up, person))
        assert set(load.acknowledged) <= set(re.findall(r"<[0-9]+@client\.test>", held.decode()))
        assert up.cli("verify")["faults"] == []
        assert [len(up.pids(host)) for host in HOSTS] == [1] * len(HOSTS)


def test_hosts_do_not_start_on_tables_that_they_would_misread(
    own_mailkeep: Callable[..., MailkeepUp], tmp_path: Path
) -> None:
    up = own_mailkeep("--no-demo")
    with up:
        ran = migrate_on(up, tmp_path, oldest="9001")
        assert ran.returncode == 0, ran.stderr
    with pytest.raises(RuntimeError, match="The store was made by a newer Mailkeep"):
        up.start()
