"""A first sync of a Dovecot's mailbox: ours into SQLite, and isync's into a Maildir, in one run.

`python -m bench.upstream [MESSAGES]`; needs root, dovecot-imapd and isync. All read the same messages of the
same server over plaintext on loopback and start from nothing in every round; wall time of the whole process
counts. isync comes twice: as shipped it waits for the disk after each message, and with `FSync no` never.
Ours waits once a batch of at most 200.

`python -m bench.upstream resume [MESSAGES]` kills the first sync with SIGKILL when half of it is here, has a
second one end it, and says what that took and whether anything is missing or twice.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.peers.dovecot import Dovecot
from bench.peers.peer import LOOPBACK, Account
from mailkeep.model.address import Address
from mailkeep.settings import StoreSettings
from mailkeep.storage import open_store
from mailkeep.upstream.config import AccountConfig

MESSAGES = 4000
RESUMED_MESSAGES = 100_000
SIZE = 4096
RESUMED_SIZE = 1024
APPENDED_AT_ONCE = 100
ROUNDS = 3
LARGE = 10_000  # from so many on one round is long enough
PREFIX = "BENCH"

_MBSYNC = """\
FSync {fsync}

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


@dataclass(frozen=True, slots=True)
class Ran:
    """One process: how long it took, of which on a processor, and its memory at most."""

    seconds: float
    cpu: float
    mebibytes: float


def main() -> None:
    """One of the two measurements."""
    words = sys.argv[1:]
    if words[:1] == ["resume"]:
        resume(int(words[1]) if words[1:] else RESUMED_MESSAGES)
    else:
        compare(int(words[0]) if words else MESSAGES)


def compare(count: int) -> None:
    """Print a table of rates and their ratio."""
    ran: dict[str, list[Ran]] = {"Mailkeep": [], "isync": [], "isync, FSync no": []}
    rounds = ROUNDS if count < LARGE else 1
    with Dovecot("sdbox") as dovecot, tempfile.TemporaryDirectory() as directory:
        account = dovecot.account("bench")
        _fill(dovecot, account, count, SIZE)
        for number in range(rounds):
            place = Path(directory) / str(number)
            ran["Mailkeep"].append(_mailkeep(dovecot, account, place / "mailkeep"))
            ran["isync"].append(_isync(dovecot, account, place / "isync", count, "yes"))
            ran["isync, FSync no"].append(_isync(dovecot, account, place / "quick", count, "no"))
            shutil.rmtree(place)
    print(f"{count} messages of {SIZE} octets, best of {rounds}; load {_load()}")
    ours = min(one.seconds for one in ran["Mailkeep"])
    for name, times in ran.items():
        best, cpu = min(one.seconds for one in times), min(one.cpu for one in times)
        rate = f"{count / best:6,.0f}/s, {cpu:5.2f} s of CPU"
        print(f"{name:16} {rate}; Mailkeep does {best / ours:.2f} times that")
    print(f"Mailkeep's memory at most: {max(one.mebibytes for one in ran['Mailkeep']):.0f} MiB")


def resume(count: int) -> None:
    """Print what a first sync that was killed half-way took, and what it left."""
    with Dovecot("sdbox") as dovecot, tempfile.TemporaryDirectory() as directory:
        account = dovecot.account("bench")
        _fill(dovecot, account, count, RESUMED_SIZE)
        place = Path(directory)
        command = _prepared(dovecot, account, place)
        database = next((place / "data").glob("*.sqlite3"))
        first, killed_at = _killed(command, database, count // 2)
        second = _measured(command)
        kept, different = _here(database), _different(database)
    print(f"{count} messages of {RESUMED_SIZE} octets; load {_load()}")
    print(f"killed after {first:.1f} s with {killed_at} here")
    print(
        f"the rest took {second.seconds:.1f} s, {second.cpu:.1f} s of CPU, {second.mebibytes:.0f} MiB at most"
    )
    print(
        f"{kept} are here, {different} different ones: {count - different} missing, {kept - different} twice"
    )


def _fill(dovecot: Dovecot, account: Account, count: int, size: int) -> None:
    """Many messages an APPEND (RFC 3502), without waiting to be asked for each (RFC 7888)."""
    with closing(socket.create_connection((LOOPBACK, dovecot.ports["imap"]))) as connection:
        answers = connection.makefile("rb")
        answers.readline()
        _say(connection, f"LOGIN {account.address} {account.password}".encode())
        _hear(answers)
        for start in range(0, count, APPENDED_AT_ONCE):
            numbers = range(start, min(start + APPENDED_AT_ONCE, count))
            messages = b"".join(b" {%d+}\r\n%b" % (size, one) for one in _messages(numbers, size))
            _say(connection, b"APPEND INBOX" + messages)
            _hear(answers)


def _messages(numbers: range, size: int) -> Iterator[bytes]:
    for number in numbers:
        head = f"From: a@there.example\r\nSubject: number {number}\r\nMessage-ID: <{number}@there>\r\n\r\n"
        yield (head + (f"{number} " * size)[: size - len(head) - 2] + "\r\n").encode()


def _say(connection: socket.socket, command: bytes) -> None:
    connection.sendall(b"x " + command + b"\r\n")


def _hear(answers: object) -> None:
    line = b"*"
    while line.startswith(b"*"):
        line = answers.readline()  # type: ignore[attr-defined]
    if not line.startswith(b"x OK"):
        sys.exit(line.decode())


def _mailkeep(dovecot: Dovecot, account: Account, place: Path) -> Ran:
    return _measured(_prepared(dovecot, account, place))


def _prepared(dovecot: Dovecot, account: Account, place: Path) -> list[str]:
    """A store with the account in it, and the command that syncs it."""
    place.mkdir(parents=True, exist_ok=True)
    secrets = place / "account.env"
    secrets.touch(mode=0o600)
    secrets.write_text(f"{PREFIX}_IMAP_PASSWORD={account.password}\n")
    server = f"none://127.0.0.1:{dovecot.ports['imap']}"
    config = AccountConfig(account.address, imap=server, env_file=str(secrets), prefix=PREFIX)
    asyncio.run(_prepare(place / "data", config))
    command = [str(Path(sys.executable).with_name("mailkeep")), "upstream", "sync", "bench"]
    return [*command, "--data-dir", str(place / "data"), "--json"]


async def _prepare(data_dir: Path, config: AccountConfig) -> None:
    store = await open_store(StoreSettings(data_dir=str(data_dir)))
    try:
        await store.directory.add_domain("example.test")
        user = await store.directory.add_user(Address("bench", "example.test"))
        await store.upstreams.add(user.id, "bench", config.to_json())
    finally:
        await store.close()


def _isync(dovecot: Dovecot, account: Account, place: Path, count: int, fsync: str) -> Ran:
    program = shutil.which("mbsync")
    if program is None:
        sys.exit("mbsync is not installed: install the package isync.")
    maildir = place / "mail"
    maildir.mkdir(parents=True)
    configuration = place / "mbsyncrc"
    configuration.touch(mode=0o600)
    configuration.write_text(
        _MBSYNC.format(
            port=dovecot.ports["imap"],
            user=account.address,
            password=account.password,
            path=maildir,
            fsync=fsync,
        )
    )
    ran = _measured([program, "-q", "-c", str(configuration), "-a"])
    found = sum(1 for sub in ("new", "cur") for _ in os.scandir(maildir / "INBOX" / sub))
    if found != count:
        sys.exit(f"isync fetched {found} of {count} messages.")
    return ran


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)


def _measured(command: list[str]) -> Ran:
    began = time.monotonic()
    process = _started(command)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed: {os.waitstatus_to_exitcode(status)}")
    return Ran(time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _killed(command: list[str], database: Path, wanted: int) -> tuple[float, int]:
    """Seconds until so many were here, and how many the kill left."""
    began = time.monotonic()
    process = _started(command)
    while _here(database) < wanted:
        if process.poll() is not None:
            sys.exit("It ended before it could be killed.")
        time.sleep(0.1)
    process.kill()
    process.wait()
    return time.monotonic() - began, _here(database)


def _here(database: Path) -> int:
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        return int(connection.execute("SELECT count(*) FROM entry").fetchone()[0])


def _different(database: Path) -> int:
    query = "SELECT count(DISTINCT header_message_id) FROM entry JOIN message ON message.id = message_id"
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        return int(connection.execute(query).fetchone()[0])


def _load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


if __name__ == "__main__":
    main()
