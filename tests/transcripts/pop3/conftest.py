"""One POP3 host per backend for the whole run; each test has users of its own.

`host` permits secrets in the clear from loopback, so that transcripts can be read; `strict_host` is as
delivered and wants TLS.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.pop3_host import IN_THE_CLEAR, Login, Operator, Pop3Host

from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import StoreSettings


@pytest.fixture(scope="session")
def host(backend: StoreSettings, operator: Operator, ca: DevelopmentCa) -> Iterator[Pop3Host]:
    """Permits plaintext authentication from loopback."""
    with Pop3Host(backend, ca, IN_THE_CLEAR) as started:
        yield started
    assert started.process is not None
    assert started.process.returncode == 0


@pytest.fixture(scope="session")
def strict_host(backend: StoreSettings, operator: Operator, ca: DevelopmentCa) -> Iterator[Pop3Host]:
    """As delivered."""
    with Pop3Host(backend, ca) as started:
        yield started


@pytest.fixture
def login(operator: Operator) -> Login:
    """A user with a key for POP3 and an empty maildrop."""
    return operator.user()
