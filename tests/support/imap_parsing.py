"""Short ways to say in a test what a line means, or that it means nothing."""

from __future__ import annotations

import pytest

from mailkeep.imap.commands.base import Command
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.names import NameForm
from mailkeep.imap.parser import parse


def parsed(line: bytes | str, form: NameForm = NameForm.MODIFIED_UTF7) -> Command:
    """The command of a line without tag and CRLF; the tag is "A"."""
    octets = line.encode("utf-8") if isinstance(line, str) else line
    return parse(b"A " + octets, form)


def refused(line: bytes | str, kind: type[ImapSyntaxError] = ImapSyntaxError) -> str:
    """The sentence with which such a line is refused; asserts that its tag is known."""
    with pytest.raises(kind) as caught:
        parsed(line)
    assert caught.value.tag == "A"
    return caught.value.text
