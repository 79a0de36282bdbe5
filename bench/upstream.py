"""A first sync of a Dovecot's mailbox: ours into SQLite, and isync's into a Maildir, in one run.

`python -m bench.upstream [MESSAGES]`; needs root, dovecot-imapd and isync. Both read the same messages of
the same server over plaintext on loopback and start from nothing in every round; wall time of the whole
process counts.
"""

from __future__ import annotations

import asyncio
import imaplib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.peers.dovecot import Dovecot
from bench.peers.peer import Account
from mailkeep.model.address import Address
from mailkeep.settings import StoreSettings
from mailkeep.storage import open_store
from mailkeep.upstream.config import AccountConfig

MESSAGES = 5000
SIZE = 4096
ROUNDS = 3
PREFIX = "BENCH"

_MBSYNC = """\
IMAPAccount there
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN

IMAPStore there
Account there

MaildirStore here
Path {path}/
Inbox {path}/INBOX
SubFolders Verbatim

Channel inbox
Far :there:
Near :here:
Patterns INBOX
Sync Pull
Create Near
SyncState *
"""


def main() -> None:
    """Print a table of rates and their ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    with Dovecot("sdbox") as dovecot, tempfile.TemporaryDirectory() as directory:
        account = dovecot.account("bench")
        _fill(dovecot, account, count)
        ours, theirs = [], []
        for number in range(ROUNDS):
            place = Path(directory) / str(number)
            ours.append(count / _mailkeep(dovecot, account, place / "mailkeep"))
            theirs.append(count / _isync(dovecot, account, place / "isync", count))
    print(f"{count} messages of {SIZE} octets, best of {ROUNDS} rounds each")
    print(f"Mailkeep {max(ours):,.0f}/s, isync {max(theirs):,.0f}/s: {max(ours) / max(theirs):.2f} times")


def _fill(dovecot: Dovecot, account: Account, count: int) -> None:
    client = imaplib.IMAP4("127.0.0.1", dovecot.ports["imap"])
    client.login(account.address, account.password)
    for number in range(count):
        head = f"From: a@there.example\r\nSubject: number {number}\r\nMessage-ID: <{number}@there>\r\n\r\n"
        body = (f"{number} " * SIZE)[: SIZE - len(head) - 2] + "\r\n"
        client.append("INBOX", "", imaplib.Time2Internaldate(time.time()), (head + body).encode())
    client.logout()


def _mailkeep(dovecot: Dovecot, account: Account, place: Path) -> float:
    place.mkdir(parents=True)
    secrets = place / "account.env"
    secrets.touch(mode=0o600)
    secrets.write_text(f"{PREFIX}_IMAP_PASSWORD={account.password}\n")
    server = f"none://127.0.0.1:{dovecot.ports['imap']}"
    config = AccountConfig(account.address, imap=server, env_file=str(secrets), prefix=PREFIX)
    asyncio.run(_prepare(place / "data", config))
    command = [str(Path(sys.executable).with_name("mailkeep")), "upstream", "sync", "bench"]
    return _seconds([*command, "--data-dir", str(place / "data"), "--json"])


async def _prepare(data_dir: Path, config: AccountConfig) -> None:
    store = await open_store(StoreSettings(data_dir=str(data_dir)))
    try:
        await store.directory.add_domain("example.test")
        user = await store.directory.add_user(Address("bench", "example.test"))
        await store.upstreams.add(user.id, "bench", config.to_json())
    finally:
        await store.close()


def _isync(dovecot: Dovecot, account: Account, place: Path, count: int) -> float:
    program = shutil.which("mbsync")
    if program is None:
        sys.exit("mbsync is not installed: install the package isync.")
    maildir = place / "mail"
    maildir.mkdir(parents=True)
    configuration = place / "mbsyncrc"
    configuration.touch(mode=0o600)
    configuration.write_text(
        _MBSYNC.format(
            port=dovecot.ports["imap"], user=account.address, password=account.password, path=maildir
        )
    )
    seconds = _seconds([program, "-q", "-c", str(configuration), "-a"])
    found = sum(1 for sub in ("new", "cur") for _ in os.scandir(maildir / "INBOX" / sub))
    if found != count:
        sys.exit(f"isync fetched {found} of {count} messages.")
    return seconds


def _seconds(command: list[str]) -> float:
    began = time.monotonic()
    ran = subprocess.run(command, capture_output=True, check=False)
    if ran.returncode:
        sys.exit(ran.stderr.decode())
    return time.monotonic() - began


if __name__ == "__main__":
    main()
