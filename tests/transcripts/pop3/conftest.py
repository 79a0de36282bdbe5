"""One POP3 host per backend for the whole run; each test has users of its own.

`host` permits secrets in the clear from loopback, so that transcripts can be read; `strict_host` is as
delivered and wants TLS.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.pop3_host import IN_THE_CLEAR, Login, Operator, Pop3Host

from mailkeep.net.development import DevelopmentCa, ensure_ca
from mailkeep.settings import StoreSettings

BACKENDS = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentCa:
    """What the hosts' certificates hang on."""
    return ensure_ca(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session", params=BACKENDS)
def backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreSettings]:
    """Settings of a store for the whole run."""
    data_dir = tmp_path_factory.mktemp("pop3") / "store"
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copytree(template, data_dir)
        yield StoreSettings(data_dir=str(data_dir))
        return
    cluster: Any = request.getfixturevalue("postgres_cluster")
    name = cluster.create_database(request.getfixturevalue("postgres_template"))
    yield StoreSettings(data_dir=str(data_dir), database=cluster.url(name))
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def operator(backend: StoreSettings) -> Iterator[Operator]:
    """Whoever adds users and delivers mail."""
    opened = Operator(backend)
    yield opened
    opened.close()


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


@pytest.fixture
def exits() -> Iterator[ExitStack]:
    """Closes what a test has entered."""
    with ExitStack() as stack:
        yield stack
