"""A Maildir into a mail store: `mailkeep import maildir` and Debian's `doveadm import`, in one run.

`python -m bench.imports [--gigabytes 10]`; needs root and dovecot-core. Both read the same files, in turns,
into a store of their own that is empty each time. Wall time and CPU time of the whole process count, and the
most memory that it held. The messages are made on the fly: plain ones, ones in HTML and ones with files, each
with octets of its own, so that nothing is stored once for many.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bench.peers import private

MAIL_USER = "nobody"
FOLDER_MESSAGES = 5000
ADDRESS = "alice@bench.test"
_WORDS = (
    b"the of and to in for that with mail from your this have will been order please find attached "
    b"regards meeting invoice tomorrow yesterday project version release question answer thank minutes"
).split()
_DOVECOT = """\
base_dir = {root}/run
log_path = {root}/log
ssl = no
mail_location = sdbox:{root}/mail
mail_uid = {user}
mail_gid = nogroup
first_valid_gid = 1
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """One import. Seconds, and octets at most resident."""

    wall: float
    cpu: float
    peak: int


@click.command()
@click.option("--gigabytes", default=1.0, help="Of mail.")
@click.option("--rounds", default=1)
@click.option("--only-mailkeep", is_flag=True)
def main(gigabytes: float, rounds: int, only_mailkeep: bool) -> None:
    """Print a line for each import, and the ratio."""
    root = private.directory("imports")
    try:
        source = root / "Maildir"
        count, octets = make_maildir(source, int(gigabytes * 1e9))
        run(["chown", "-R", MAIL_USER, str(source)])
        click.echo(f"{count} messages, {octets / 1e9:.2f} GB; load {os.getloadavg()[0]:.1f}")
        for _ in range(rounds):
            ours = of_mailkeep(root, source, count)
            show("mailkeep", ours, count, octets)
            if not only_mailkeep:
                theirs = of_dovecot(root, source, count)
                show("doveadm", theirs, count, octets)
                click.echo(f"wall {theirs.wall / ours.wall:.2f}, CPU {theirs.cpu / ours.cpu:.2f} of its rate")
    finally:
        shutil.rmtree(root, ignore_errors=True)


def show(name: str, ran: Ran, count: int, octets: int) -> None:
    """One line."""
    click.echo(
        f"{name:9} {count / ran.wall:7.0f} messages/s {octets / ran.wall / 1e6:6.1f} MB/s"
        f" {ran.wall:7.1f} s, CPU {ran.cpu:7.1f} s, {ran.peak / 2**20:5.0f} MiB at most"
    )


# --- the mail -------------------------------------------------------------------------------------


def make_maildir(target: Path, octets: int) -> tuple[int, int]:
    """Folders of 5,000 messages until there are so many octets. Returns messages and octets."""
    maker, chance = Maker(), random.Random(2)
    count = written = 0
    while written < octets:
        folder = target if not count else target / f".Folder{count // FOLDER_MESSAGES}"
        if count % FOLDER_MESSAGES == 0:
            for name in ("cur", "new", "tmp"):
                (folder / name).mkdir(parents=True)
            current = folder
        message = maker.make(count)
        flags = "S" if chance.random() < 0.8 else ""
        (current / "cur" / f"{1_600_000_000 + count}.M{count}.bench:2,{flags}").write_bytes(message)
        count += 1
        written += len(message)
    return count, written


class Maker:
    """Messages by number. Text and files are cut from what was made once, at places of their own: making ten
    gigabytes word by word takes longer than importing them."""

    def __init__(self) -> None:
        self._chance = random.Random(1)
        words = self._chance.choices(_WORDS, k=400_000)
        lines = [b" ".join(words[start : start + 11]) for start in range(0, len(words), 11)]
        self._prose = b"\n".join(lines)
        self._encoded = base64.encodebytes(self._chance.randbytes(4_000_000))

    def make(self, number: int) -> bytes:
        """Two thirds are text of some kilobytes; the others have a file, to 500 KB."""
        text = self._text(self._chance.choice((300, 1200, 3000, 8000)))
        head = (
            b"Return-Path: <sender%d@elsewhere.test>\nReceived: from mx.elsewhere.test (mx [192.0.2.1])\n"
            b"\tby mail.bench.test; Mon, 5 Jan 2026 10:00:00 +0000\n"
            b"From: Sender %d <sender%d@elsewhere.test>\n"
            b"To: Alice <alice@bench.test>\nDate: Mon, 5 Jan 2026 10:00:00 +0000\n"
            b"Message-ID: <%d@elsewhere.test>\nSubject: %b\nMIME-Version: 1.0\n"
        ) % (number % 50, number % 50, number % 50, number, self._text(40).replace(b"\n", b" ")[:60])
        kind = self._chance.random()
        if kind < 0.35:
            return head + b"Content-Type: text/plain; charset=utf-8\n\n" + text
        parts = [b"Content-Type: text/plain; charset=utf-8\n\n" + text]
        parts.append(
            b"Content-Type: text/html; charset=utf-8\n\n<html><body><p>" + text + b"</p></body></html>\n"
        )
        if kind > 0.7:
            parts.append(self._file(number))
        boundary = b"=_%d" % number
        body = b"".join(b"--%b\n%b" % (boundary, part) for part in parts)
        typed = b'Content-Type: multipart/mixed; boundary="%b"\n\n' % boundary
        return head + typed + body + b"--%b--\n" % boundary

    def _file(self, number: int) -> bytes:
        size = self._chance.choice((5_000, 30_000, 100_000, 350_000)) * 4 // 3
        start = self._chance.randrange(0, len(self._encoded) - size) // 77 * 77
        disposition = b'Content-Disposition: attachment; filename="file%d.bin"\n' % number
        typed = b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n"
        return typed + disposition + b"\n" + self._encoded[start : start + size // 77 * 77]

    def _text(self, octets: int) -> bytes:
        start = self._prose.index(b"\n", self._chance.randrange(0, len(self._prose) - octets - 1000)) + 1
        return self._prose[start : self._prose.index(b"\n", start + octets) + 1]


# --- the imports ----------------------------------------------------------------------------------


def of_mailkeep(root: Path, source: Path, count: int) -> Ran:
    """Into SQLite. Raises SystemExit if it did not add all."""
    data = root / "data"
    command = [str(Path(sys.executable).with_name("mailkeep"))]
    place = ["--data-dir", str(data)]
    for words in (["migrate"], ["domains", "add", "bench.test"], ["users", "add", ADDRESS]):
        subprocess.run([*command, *words, *place], check=True, capture_output=True)
    ran, said = run([*command, "import", "maildir", str(source), "--to", ADDRESS, "--json", *place])
    shutil.rmtree(data)
    if f'"added": {count}' not in said and f'"added":{count}' not in said:
        raise SystemExit(f"mailkeep import: {said}")
    return ran


def of_dovecot(root: Path, source: Path, count: int) -> Ran:
    """Into sdbox, its own format of a file a message."""
    program = private.program("doveadm", "dovecot-core")
    home = root / "dovecot"
    (home / "mail").mkdir(parents=True)
    shutil.chown(home / "mail", MAIL_USER)
    configuration = home / "dovecot.conf"
    configuration.write_text(_DOVECOT.format(root=home, user=MAIL_USER))
    common = [program, "-c", str(configuration)]
    environ = {"USER": MAIL_USER, "HOME": str(home), "PATH": os.environ["PATH"]}
    ran, said = run([*common, "import", f"maildir:{source}", "", "all"], environ)
    stored = sum(1 for _ in (home / "mail").rglob("u.*"))
    shutil.rmtree(home)
    if stored != count:
        raise SystemExit(f"doveadm import stored {stored} of {count}: {said[-1000:]}")
    return ran


def run(command: Sequence[str], environ: dict[str, str] | None = None) -> tuple[Ran, str]:
    """To its end. The memory is that of its largest process."""
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environ)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        told = said.read().decode(errors="replace")
    if process.returncode:
        raise SystemExit(f"{command[0]}: {told[-2000:]}")
    return Ran(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024), told


if __name__ == "__main__":
    main()
