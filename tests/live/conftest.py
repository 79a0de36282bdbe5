"""Live tests: real host processes, once on each database, and clients not written here.

`mailkeep` is one `mailkeep up` for all tests of a database: a test makes people of its own and leaves the
rest alone. A test that kills, stops or reconfigures takes `own_mailkeep`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.hosts import MailkeepUp, Person
from tests.support.oidc.hosts import MailkeepWithIssuer
from tests.support.oidc.running import RunningIssuer, running_issuer
from tests.support.postgres import PostgresCluster

from mailkeep_cli.up_plan import DEMO_ADDRESS

BACKENDS = ("sqlite", "postgres")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is live."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of the database that this run is on."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def mailkeep(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MailkeepUp]:
    """All hosts, running, shared by the session's tests of one database. The demo user operates them."""
    environ = {"MAILKEEP_API_OPERATORS": DEMO_ADDRESS}
    directory = tmp_path_factory.mktemp(f"up-{backend}")
    with MailkeepUp(directory, _database(backend, request), environ=environ) as up:
        yield up


@pytest.fixture(scope="session")
def issuer() -> Iterator[RunningIssuer]:
    """An OpenID Provider, shared by the session's tests."""
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="session")
def mailkeep_with_issuer(
    backend: str,
    request: pytest.FixtureRequest,
    issuer: RunningIssuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MailkeepWithIssuer]:
    """All hosts, which take the issuer's tokens, shared by the session's tests of one database."""
    database = _database(backend, request)
    with MailkeepWithIssuer(tmp_path_factory.mktemp(f"oidc-{backend}"), database, issuer) as running:
        yield running


@pytest.fixture
def own_mailkeep(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., MailkeepUp]]:
    """Makes hosts that belong to the test alone: `own_mailkeep("--no-demo")`, not started yet. What still
    runs at the end is stopped and held to its promises."""
    with ExitStack() as stack:

        def make(*options: str, **environ: str) -> MailkeepUp:
            database = _database(backend, request)
            up = MailkeepUp(tmp_path / f"up-{len(made)}", database, options, environ)
            made.append(up)
            stack.callback(up.kill)
            return up

        made: list[MailkeepUp] = []
        yield make


@pytest.fixture
def person(mailkeep: MailkeepUp) -> Person:
    """A user of this test alone."""
    return mailkeep.add_person()


def _database(backend: str, request: pytest.FixtureRequest) -> str:
    if backend == "sqlite":
        return ""
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    return cluster.url(cluster.create_database())
