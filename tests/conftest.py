"""What all tests share: coroutine tests and fixtures, and a fresh store on each backend.

`async def test_...` and async fixtures run on one uvloop loop a test. `store` is an opened store and
`store_settings` the settings of a fresh one, both once on SQLite and once on PostgreSQL; each new store
is a copy of a migrated template, so that it costs milliseconds.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import uvloop
from tests.support.databases import Databases
from tests.support.object_server.running import ObjectServer
from tests.support.postgres import PROGRAMS_ROOT, PostgresCluster, PostgresMissing, run_apart

from mailkeep.settings import StoreSettings
from mailkeep.settings_objects import ObjectSettings
from mailkeep.storage import migrate, open_store
from mailkeep.storage.interface import Store

REQUIRE_POSTGRES = "MAILKEEP_REQUIRE_POSTGRES"
HERE = Path(__file__).parent
ON_THE_WIRE = (
    *("live", "transcripts", "storage"),
    *(
        "unit/api",
        "unit/auth",
        "unit/bench",
        "unit/cli",
        "unit/delivery/remote",
        "unit/notify",
        "unit/upstream",
    ),
)
BACKENDS = ("sqlite", "postgres")
NO_POSTGRES = "PostgreSQL's initdb and postgres were not found"
STORE_SECONDS = 60.0  # for each statement: a machine that is busy with much else is no outage


def pytest_configure() -> None:
    """Nothing of the machine's own database settings reaches a test, and no property is held to a time."""
    hypothesis.settings.register_profile("mailkeep", deadline=None)
    hypothesis.settings.load_profile("mailkeep")
    for name in [name for name in os.environ if name.startswith(("PG", "MAILKEEP_STORE_"))]:
        del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for a socket or another process depends on the machine's other work: it has a second try,
    which is told of."""
    for item in items:
        if any(item.path.is_relative_to(HERE / place) for place in ON_THE_WIRE):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Why a test needed its second try. And once, loudly, that half of the store was not tested, in place of
    a line a test."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.write_sep("_", f"tried twice: {report.nodeid}", yellow=True)
        terminalreporter.write_line(report.longreprtext)
        for title, text in report.sections:
            terminalreporter.write_line(f"{title}\n{text}")
    skipped = terminalreporter.stats.get("skipped", [])
    mine = [report for report in skipped if NO_POSTGRES in str(report.longrepr)]
    if mine:
        terminalreporter.stats["skipped"] = [report for report in skipped if report not in mine]
        line = f"{len(mine)} TESTS SKIPPED: {NO_POSTGRES}, neither on PATH nor under {PROGRAMS_ROOT}"
        terminalreporter.write_line(line, red=True, bold=True)


# --- coroutines ------------------------------------------------------------------------------------


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """The loop of one test, which its async fixtures share. What is still open at its end fails the test."""
    made = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        yield made
    finally:
        left = _close(made)
    assert left == [], "the test left these open"


def _close(runner: asyncio.Runner) -> list[str]:
    """What was still open. uvloop warns of it and then closes it; as an error, the warning would come in
    between, and the loop would wait for ever for a handle that nobody closes.

    A datagram socket may be left: a query for a name that is cancelled while its socket is being made leaves
    that to the loop.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        runner.close()
    told = [str(warning.message) for warning in caught if issubclass(warning.category, ResourceWarning)]
    return [text for text in told if "UDPTransport" not in text]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    made = pyfuncitem._request.getfixturevalue("runner")
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    made.run(pyfuncitem.obj(**arguments))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Iterator[None]:
    """Let a fixture of function scope be a coroutine or an async generator."""
    written = fixturedef.func
    if inspect.isasyncgenfunction(written):
        fixturedef.func = _from_async_generator(written, request.getfixturevalue("runner"))  # type: ignore[misc]
    elif inspect.iscoroutinefunction(written):
        made = request.getfixturevalue("runner")
        fixturedef.func = lambda **given: made.run(written(**given))  # type: ignore[misc]
    try:
        return (yield)
    finally:
        fixturedef.func = written  # type: ignore[misc]


def _from_async_generator(written: Callable[..., Any], made: asyncio.Runner) -> Callable[..., Iterator[Any]]:
    def fixture(**given: Any) -> Iterator[Any]:
        steps = written(**given)
        yield made.run(anext(steps))
        made.run(_finish(steps))

    return fixture


async def _finish(steps: AsyncIterator[Any]) -> None:
    async for _ in steps:
        raise RuntimeError("an async fixture yields once")


# --- stores ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """The session's own PostgreSQL. Without the programs: skip, or fail if they are required."""
    try:
        cluster = PostgresCluster()
    except PostgresMissing:
        if os.environ.get(REQUIRE_POSTGRES) == "1":
            pytest.fail(f"{REQUIRE_POSTGRES}=1 and {NO_POSTGRES}")
        pytest.skip(NO_POSTGRES)
    with cluster:
        yield cluster


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """The session's own object store: each `settings()` of it is another bucket."""
    server = ObjectServer(tmp_path_factory.mktemp("objects"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_template(postgres_cluster: PostgresCluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a migrated database to copy."""
    name = postgres_cluster.create_database()
    data_dir = str(tmp_path_factory.mktemp("template"))
    run_apart(migrate(StoreSettings(data_dir=data_dir, database=postgres_cluster.url(name))))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory with a migrated database to copy."""
    directory = tmp_path_factory.mktemp("template")
    run_apart(migrate(StoreSettings(data_dir=str(directory))))
    return directory


@pytest.fixture
def sqlite_settings(sqlite_template: Path, tmp_path: Path) -> StoreSettings:
    """Settings of a fresh SQLite store."""
    data_dir = tmp_path / "store"
    shutil.copytree(sqlite_template, data_dir)
    return StoreSettings(data_dir=str(data_dir), timeout_seconds=STORE_SECONDS)


@pytest.fixture(scope="session")
def postgres_databases(postgres_cluster: PostgresCluster, postgres_template: str) -> Databases:
    """Copies of the template."""
    return Databases(postgres_cluster, postgres_template)


@pytest.fixture
def postgres_settings(
    postgres_cluster: PostgresCluster, postgres_databases: Databases, tmp_path: Path
) -> Iterator[StoreSettings]:
    """Settings of a fresh PostgreSQL store."""
    name = postgres_databases.take()
    url = postgres_cluster.url(name)
    yield StoreSettings(data_dir=str(tmp_path / "store"), database=url, timeout_seconds=STORE_SECONDS)
    postgres_databases.give_back(name)


@pytest.fixture(params=BACKENDS)
def store_settings(request: pytest.FixtureRequest) -> StoreSettings:
    """Settings of a fresh store, once for each backend."""
    settings: StoreSettings = request.getfixturevalue(f"{request.param}_settings")
    return settings


@asynccontextmanager
async def open_test_store(
    settings: StoreSettings, objects: ObjectSettings | None = None
) -> AsyncIterator[Store]:
    """A store that is closed at the end; open the same settings twice to have two processes' worth."""
    opened = await open_store(settings, objects)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def store(store_settings: StoreSettings) -> AsyncIterator[Store]:
    """An opened store, once for each backend."""
    async with open_test_store(store_settings) as opened:
        yield opened
