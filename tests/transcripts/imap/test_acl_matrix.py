"""RFC 4314 section 4: every command under many sets of rights, and what LIST shows of such a mailbox."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from tests.support.imap_host import Client, ImapHost, Login, Operator, imap_user

from mailkeep.model.rights import ORDER

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"
Allowed = Callable[[set[str]], bool]

NAMING: dict[str, Allowed] = {  # without `l` nothing is there
    "MYRIGHTS {}": lambda _: True,
    "SUBSCRIBE {}": lambda _: True,
    "STATUS {} (MESSAGES)": lambda rights: "r" in rights,
    "GETQUOTAROOT {}": lambda rights: "r" in rights,
    "GETACL {}": lambda rights: "a" in rights,
    "LISTRIGHTS {} anyone": lambda rights: "a" in rights,
    "DELETEACL {} anyone": lambda rights: "a" in rights,
    "GETMETADATA {} /shared/comment": lambda rights: bool(rights & set("rswip")),  # RFC 5464 section 3.3
    'SETMETADATA {} (/shared/comment "x")': lambda rights: bool(rights & set("rswip")),
    f"APPEND {{}} {{{{{len(MESSAGE)}+}}}}\r\n{MESSAGE.decode()}": lambda rights: "i" in rights,
    "COPY 1 {}": lambda rights: "i" in rights,
    "MOVE 1 {}": lambda rights: "i" in rights,
    "SELECT {}": lambda rights: "r" in rights,
}
SELECTED: dict[str, Allowed] = {
    r"STORE 1 +FLAGS (\Seen)": lambda rights: "s" in rights,
    r"STORE 1 +FLAGS (\Flagged)": lambda rights: "w" in rights,
    r"STORE 1 +FLAGS ($Word)": lambda rights: "w" in rights,
    r"STORE 1 FLAGS (\Answered)": lambda rights: bool(rights & set("stw")),
    "COPY 1 INBOX": lambda _: True,
    f"REPLACE 1 INBOX {{{len(MESSAGE)}+}}\r\n{MESSAGE.decode()}": lambda rights: rights >= {"t", "e"},
    "MOVE 1 INBOX": lambda rights: rights >= {"t", "e"},
    r"STORE 1 +FLAGS (\Deleted)": lambda rights: "t" in rights,
    "UID EXPUNGE 1:*": lambda rights: "e" in rights,
}


def sets_of_rights() -> list[str]:
    """All, all but one, one with `l` and `r`, and some at random; the same every time."""
    choose = random.Random(1)
    all_but_one = [ORDER.replace(letter, "") for letter in ORDER]
    some = ["".join(choose.sample(ORDER, choose.randint(1, 9))) for _ in range(12)]
    return [ORDER, *all_but_one, *(f"lr{letter}" for letter in ORDER[2:]), "l", "r", "i", *some]


def succeeds(client: Client, command: str) -> bool:
    """True if the answer is OK."""
    status = client.exchange(command)[-1]
    assert status.startswith(("OK", "NO [NONEXISTENT]", "NO [NOPERM]", "NO [TRYCREATE]", "NO [READ-ONLY]")), (
        command,
        status,
    )
    return status.startswith("OK")


@pytest.mark.parametrize("granted", sets_of_rights())
def test_each_command_needs_its_rights(
    host: ImapHost, user: Login, client: Client, operator: Operator, granted: str
) -> None:
    bob, rights = imap_user(operator), set(granted)
    client.command("CREATE box")
    for _ in range(3):
        client.append("box", MESSAGE)
    client.command(f"SETACL box {bob.address} {granted}")
    name = f'"Other Users/{user.address}/box"'
    with host.log_in(bob, "INBOX") as guest:
        for _ in range(2):
            guest.append("INBOX", MESSAGE)
        for command, allowed in NAMING.items():
            expected = "l" in rights and allowed(rights)
            assert succeeds(guest, command.format(name)) is expected, command
        assert _shown(guest, name) == _to_be_shown(rights)
        if rights >= {"l", "r"}:
            guest.command(f"SELECT {name}")
            for command, allowed in SELECTED.items():
                assert succeeds(guest, command) is allowed(rights), command


def _shown(guest: Client, name: str) -> list[str]:
    lines = guest.command(f'LIST "" {name} RETURN (STATUS (MESSAGES) MYRIGHTS METADATA ("/shared/comment"))')
    return [found[1] for line in lines if (found := re.match(r"\* (\w+) ", line))]


def _to_be_shown(rights: set[str]) -> list[str]:
    if "l" not in rights:
        return []
    status = ["STATUS"] if "r" in rights else []
    metadata = ["METADATA"] if rights & set("rswip") else []
    return ["LIST", *status, "MYRIGHTS", *metadata]
