"""Maildir, with Maildir++ folders (".Folder.Sub") and Dovecot's file of keyword letters.

A file's name carries its flags and its time is when the message came. Files are read one at a time.
"""

from __future__ import annotations

import os
import string
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mailkeep.errors import InvalidName
from mailkeep.imap.names import decode_modified_utf7, encode_modified_utf7
from mailkeep.model.flags import Flags
from mailkeep_cli.moving.carried import Carried, TooLarge, flags_of, with_crlf

KEYWORDS_FILE = "dovecot-keywords"
_FLAGS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}
_DOT = "%2E"  # a dot within a part of a name: between parts it is the format's own


class MaildirSource:
    """A Maildir and its folders."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        if not (path / "cur").is_dir():
            raise NotADirectoryError(20, "not a Maildir: there is no 'cur' in it", str(path))
        folders = sorted(one for one in path.iterdir() if one.name.startswith(".") and (one / "cur").is_dir())
        self._folders = [("", path), *((folder_name(one.name), one) for one in folders)]
        self.weight = sum(entry.stat().st_size for _, folder in self._folders for entry in _entries(folder))

    def messages(self, limit: int) -> Iterator[Carried | TooLarge]:
        """See Source."""
        for mailbox, folder in self._folders:
            letters = read_keywords(folder)
            for entry in _entries(folder):
                found = entry.stat()
                if found.st_size > limit:
                    yield TooLarge(entry.path, found.st_size)
                    continue
                octets = with_crlf(Path(entry.path).read_bytes())
                came = datetime.fromtimestamp(found.st_mtime, UTC)
                flags = _flags(entry.name, letters)
                yield Carried(mailbox, octets, entry.path, found.st_size, came, flags)


class MaildirFolder:
    """One mailbox as it is written. A message that is there already is not written again."""

    def __init__(self, path: Path) -> None:
        """Made if it is not there. Raises OSError."""
        self._path = path
        for name in ("cur", "new", "tmp"):
            (path / name).mkdir(parents=True, exist_ok=True)
        self._there = {name.partition(":")[0] for name in os.listdir(path / "cur")}
        self._letters = {word: letter for letter, word in read_keywords(path).items()}

    def holds(self, name: str) -> bool:
        """True if a message of that name was written, under whatever flags."""
        return name in self._there

    def add(self, name: str, octets: bytes, flags: Flags, received_at: float) -> None:
        """Whole or not at all. Raises OSError."""
        unfinished = self._path / "tmp" / name
        unfinished.write_bytes(octets)
        os.utime(unfinished, (received_at, received_at))
        unfinished.rename(self._path / "cur" / f"{name}:2,{self._told(flags)}")
        self._there.add(name)

    def _told(self, flags: Flags) -> str:
        names = flags.names()
        system = "".join(letter for letter, name in _FLAGS.items() if name in names)
        return system + "".join(sorted(filter(None, map(self._letter, flags.keywords))))

    def _letter(self, keyword: str) -> str:
        """There are 26; further keywords cannot be kept in this format."""
        if keyword not in self._letters and len(self._letters) < len(string.ascii_lowercase):
            self._letters[keyword] = string.ascii_lowercase[len(self._letters)]
            lines = [f"{ord(letter) - 97} {word}\n" for word, letter in self._letters.items()]
            (self._path / KEYWORDS_FILE).write_text("".join(lines))
        return self._letters.get(keyword, "")


def folder_directory(mailbox: str) -> str:
    """ ".Folder.Sub" for "Folder/Sub", and "" for INBOX, which is the Maildir itself."""
    if mailbox.upper() == "INBOX":
        return ""
    parts = [part.replace(".", _DOT) for part in mailbox.split("/")]
    return "." + encode_modified_utf7(".".join(parts)).decode("ascii")


def folder_name(directory: str) -> str:
    """The other way round; a name that is not in modified UTF-7 is taken as it is."""
    written = directory.removeprefix(".")
    try:
        name = decode_modified_utf7(written.encode())
    except InvalidName:
        name = written
    return "/".join(part.replace(_DOT, ".") for part in name.split("."))


def read_keywords(folder: Path) -> dict[str, str]:
    """Letter -> keyword; empty if the folder has no such file."""
    try:
        lines = (folder / KEYWORDS_FILE).read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    pairs = [line.split(" ", 1) for line in lines if " " in line]
    return {string.ascii_lowercase[int(n)]: word for n, word in pairs if n.isdigit() and int(n) < 26}


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Files in the order of their names, which begin with the time."""
    found = [
        entry
        for name in ("cur", "new")
        if (folder / name).is_dir()
        for entry in os.scandir(folder / name)
        if not entry.name.startswith(".") and entry.is_file()
    ]
    return sorted(found, key=lambda entry: entry.name)


def _flags(name: str, letters: dict[str, str]) -> Flags:
    told = name.rpartition(":2,")[2] if ":2," in name else ""
    names = [_FLAGS[letter] for letter in told if letter in _FLAGS]
    return flags_of(names + [letters[letter] for letter in told if letter in letters])
