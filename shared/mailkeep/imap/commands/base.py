"""What all commands share: a tag, a name, and the way back to octets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.names import NameForm


@dataclass(frozen=True, slots=True)
class Command:
    """One parsed command. `tag` is as the client wrote it; `name` is the word of RFC 9051 section 6."""

    name: ClassVar[str] = ""

    tag: str

    def encode(self, form: NameForm = NameForm.MODIFIED_UTF7) -> bytes:
        """The command as a client sends it, with CRLF; literals are non-synchronizing."""
        arguments = self.arguments(form)
        head = f"{self.tag} {self.verb()}".encode("ascii")
        return b"%b %b\r\n" % (head, arguments) if arguments else head + b"\r\n"

    def verb(self) -> str:
        """The command's name; `UID FETCH` and its like give both words."""
        return self.name

    def arguments(self, form: NameForm) -> bytes:
        """What stands behind the name, without the space between."""
        return b""


def uid_verb(name: str, *, uid: bool) -> str:
    """`FETCH` or `UID FETCH` (RFC 9051 section 6.4.9)."""
    return f"UID {name}" if uid else name
