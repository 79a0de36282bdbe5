"""mbox, Maildir and eml files: what is read of them, and what is written."""

from __future__ import annotations

import mailbox as stdlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.flags import Flags
from mailkeep_cli.moving import maildir, mbox
from mailkeep_cli.moving.carried import Carried, Source, TooLarge
from mailkeep_cli.moving.eml import EmlSource

LIMIT = 100_000
AT = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)


def carried(source: Source, limit: int = LIMIT) -> list[Carried]:
    found = list(source.messages(limit))
    assert all(isinstance(one, Carried) for one in found)
    return [one for one in found if isinstance(one, Carried)]


# --- mbox -----------------------------------------------------------------------------------------

MBOX = b"""\
From alice@example.test Sun Mar  1 12:30:05 2026
Subject: one
Status: RO
X-Status: AF
X-Keywords: $Label1 work

body
>From the start
>>From twice quoted

From here no message begins, for no date follows

From bob@example.test Mon Mar  2 00:00:00 2026
Subject: two

body

"""


def test_messages_flags_and_dates_of_an_mbox(tmp_path: Path) -> None:
    path = tmp_path / "old.mbox"
    path.write_bytes(MBOX)
    source = mbox.MboxSource(path)
    one, two = carried(source)
    assert one.octets == (
        b"Subject: one\r\n\r\nbody\r\nFrom the start\r\n>From twice quoted\r\n\r\n"
        b"From here no message begins, for no date follows\r\n"
    )
    assert one.flags == Flags.parse(["\\Seen", "\\Answered", "\\Flagged", "$Label1", "work"])
    assert (one.received_at, two.received_at) == (AT, datetime(2026, 3, 2, tzinfo=UTC))
    assert two.octets == b"Subject: two\r\n\r\nbody\r\n"
    assert two.flags == Flags()
    assert one.weight + two.weight == source.weight == len(MBOX)


def test_a_file_of_crlf_lines_and_one_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "crlf"
    path.write_bytes(b"From a Sun Mar  1 12:30:05 2026\r\nSubject: x\r\n\r\nno end")
    (only,) = carried(mbox.MboxSource(path))
    assert only.octets == b"Subject: x\r\n\r\nno end"


def test_what_is_too_large_is_named_and_not_kept_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "big"
    start = b"From a Sun Mar  1 12:30:05 2026\n"
    path.write_bytes(
        start + b"Subject: big\n\n" + b"x" * 70 + b"\n" * 5000 + start + b"Subject: small\n\nx\n"
    )
    big, small = list(mbox.MboxSource(path).messages(1000))
    assert isinstance(big, TooLarge)
    assert big.place == f"{path}, message 1"
    assert isinstance(small, Carried)


def test_what_is_no_mbox_is_said(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("Subject: a message\n\nand no mbox\n")
    with pytest.raises(OSError, match="does not begin"):
        list(mbox.MboxSource(path).messages(LIMIT))
    (tmp_path / "empty").touch()
    assert carried(mbox.MboxSource(tmp_path / "empty")) == []


@given(st.text(min_size=1, max_size=40))
def test_a_mailbox_s_file_gives_its_name_back(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    assert "/" not in mbox.file_name(name)
    assert mbox.mailbox_name(Path("x") / mbox.file_name(name)) == name


# --- Maildir --------------------------------------------------------------------------------------


def test_a_maildir_made_by_the_standard_library(tmp_path: Path) -> None:
    made = stdlib.Maildir(tmp_path / "Maildir")
    message = stdlib.MaildirMessage(b"Subject: one\n\nbody\n")
    message.set_flags("FS")
    message.set_subdir("cur")
    made.add(message)
    made.add(b"Subject: new\n\nbody\n")
    made.add_folder("Archive.2026").add(b"Subject: old\n\nbody\n")
    for path in (tmp_path / "Maildir").rglob("cur/*"):
        os.utime(path, (AT.timestamp(), AT.timestamp()))
    found = {
        one.octets.split(b"\r\n")[0]: one for one in carried(maildir.MaildirSource(tmp_path / "Maildir"))
    }
    assert found[b"Subject: one"].flags == Flags.parse(["\\Flagged", "\\Seen"])
    assert found[b"Subject: one"].received_at == AT
    assert found[b"Subject: new"].flags == Flags()
    assert found[b"Subject: old"].mailbox == "Archive/2026"


def test_dovecot_s_keywords_are_read(tmp_path: Path) -> None:
    (tmp_path / "cur").mkdir()
    (tmp_path / "dovecot-keywords").write_text("0 $Forwarded\n1 work\nbroken\n99 never\n")
    (tmp_path / "cur" / "1.x:2,Sabz").write_bytes(b"x\n")
    (one,) = carried(maildir.MaildirSource(tmp_path))
    assert one.flags == Flags.parse(["\\Seen", "$Forwarded", "work"])


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    folder = maildir.MaildirFolder(tmp_path)
    flags = Flags.parse(["\\Seen", "\\Draft", "a", "b"])
    folder.add("1.one", b"Subject: x\n\n", flags, AT.timestamp())
    assert folder.holds("1.one")
    assert maildir.MaildirFolder(tmp_path).holds("1.one")
    (one,) = carried(maildir.MaildirSource(tmp_path))
    assert (one.flags, one.received_at, one.octets) == (flags, AT, b"Subject: x\r\n\r\n")


@pytest.mark.parametrize(
    ("name", "directory"),
    [
        ("INBOX", ""),
        ("Archive/2026", ".Archive.2026"),
        ("Entwürfe", ".Entw&APw-rfe"),
        ("v1.2/x", ".v1%2E2.x"),
    ],
)
def test_folders_have_the_names_of_maildir_plus_plus(name: str, directory: str) -> None:
    assert maildir.folder_directory(name) == directory
    if directory:
        assert maildir.folder_name(directory) == name


def test_what_is_no_maildir_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="not a Maildir"):
        maildir.MaildirSource(tmp_path)


# --- eml ------------------------------------------------------------------------------------------


def test_files_and_directories_of_messages(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a.eml").write_bytes(b"Subject: a\n\n")
    (tmp_path / "deep" / "note.txt").write_bytes(b"no message")
    (tmp_path / "b").write_bytes(b"Subject: b\r\n\r\n")
    source = EmlSource([tmp_path / "deep", tmp_path / "b"])
    assert [one.octets for one in carried(source)] == [b"Subject: a\r\n\r\n", b"Subject: b\r\n\r\n"]
    assert [type(one) for one in source.messages(12)] == [Carried, TooLarge]
