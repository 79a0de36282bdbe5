"""One IMAP host per backend for the whole run; each test has users of its own.

`host` permits secrets in the clear from loopback, so that transcripts can be read; `strict_host` is as
delivered and wants TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.support.imap_host import IN_THE_CLEAR, Client, ImapHost, Login, Operator, imap_user

from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import StoreSettings

WIDE_LIMITS = {"STORE_QUOTA_STORAGE": str(1 << 40), "STORE_QUOTA_MESSAGES": str(1 << 30)}


@pytest.fixture(scope="session")
def host(backend: StoreSettings, operator: Operator, ca: DevelopmentCa) -> Iterator[ImapHost]:
    """Permits plaintext authentication from loopback."""
    with ImapHost(backend, ca, {**IN_THE_CLEAR, **WIDE_LIMITS}) as started:
        yield started
        assert "Traceback" not in started.log


@pytest.fixture(scope="session")
def strict_host(backend: StoreSettings, operator: Operator, ca: DevelopmentCa) -> Iterator[ImapHost]:
    """As delivered."""
    with ImapHost(backend, ca) as started:
        yield started


@pytest.fixture
def own_host(
    backend: StoreSettings, operator: Operator, ca: DevelopmentCa, exits: ExitStack
) -> Callable[..., ImapHost]:
    """Starts a host that belongs to the test alone: `own_host(IMAP_MAX_ERRORS="5")`."""
    return lambda **options: exits.enter_context(ImapHost(backend, ca, {**IN_THE_CLEAR, **options}))


@pytest.fixture
def user(operator: Operator) -> Login:
    """A user with a key for IMAP and empty mailboxes."""
    return imap_user(operator)


@pytest.fixture
def client(host: ImapHost, user: Login, exits: ExitStack) -> Client:
    """A session of that user with INBOX selected."""
    return exits.enter_context(host.log_in(user, "INBOX"))


@pytest.fixture
def other(host: ImapHost, user: Login, client: Client, exits: ExitStack) -> Client:
    """A second session of the same user with INBOX selected."""
    return exits.enter_context(host.log_in(user, "INBOX"))
