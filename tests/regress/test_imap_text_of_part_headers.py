"""SEARCH TEXT that looked into the message's own header alone: whoever sought an attachment by its name, or a
forwarded message by its subject, found nothing (RFC 9051 section 6.4.4: "including MIME header fields").
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.imap_host import IN_THE_CLEAR, Client, ImapHost, Operator, imap_user

from mailkeep.net.development import ensure_ca
from mailkeep.settings import StoreSettings

MESSAGE = b"""\
Subject: outer
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: application/pdf; name="Invoice 7.pdf"

%PDF
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename*0*=UTF-8''%C3%9Cber; filename*1*=weisung.pdf

%PDF
--b
Content-Type: message/rfc822

From: Ann <ann@example.test>
Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=

What was forwarded.
--b--
""".replace(b"\n", b"\r\n")


@pytest.fixture
def client(sqlite_settings: StoreSettings, tmp_path: Path) -> Iterator[Client]:
    """A session of a user who has the message."""
    with ExitStack() as stack:
        operator = Operator(sqlite_settings)
        stack.callback(operator.close)
        login = imap_user(operator)
        host = stack.enter_context(ImapHost(sqlite_settings, ensure_ca(tmp_path / "tls"), IN_THE_CLEAR))
        session = stack.enter_context(host.log_in(login, "INBOX"))
        session.append("INBOX", MESSAGE)
        yield session


@pytest.mark.parametrize("sought", ["invoice 7.PDF", "\u00fcberweisung", "gr\u00fc\u00dfe", "ann@example"])
def test_it_looks_into_all_headers(client: Client, sought: str) -> None:
    keys = f"{{{len(sought.encode())}+}}\r\n{sought}"
    assert client.exchange(f"SEARCH CHARSET UTF-8 TEXT {keys}")[0] == "* SEARCH 1"
    assert client.exchange(f"SEARCH CHARSET UTF-8 BODY {keys}")[0] == "* SEARCH"
