"""Values and protocol cores do no IO: they import none of it, themselves or by others."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.layers.sources import imports, modules

CORES = (
    "mailkeep.model",
    "mailkeep.mime",
    "mailkeep.imap",
    "mailkeep.pop3",
    "mailkeep.smtp",
    "mailkeep.sasl",
    "mailkeep.mailauth",
    "mailkeep.errors",
)
IO = (
    "aiosmtpd",
    "aiosqlite",
    "asyncio",
    "asyncpg",
    "concurrent",
    "http",
    "httpx2",
    "multiprocessing",
    "select",
    "selectors",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "ssl",
    "subprocess",
    "threading",
    "twisted",
    "urllib.request",
    "uvloop",
)


@pytest.mark.parametrize("module", list(modules(*CORES)), ids=lambda module: module.name)
def test_a_core_imports_no_io(module):
    found = [(line, name) for line, name in imports(module.tree) if _is_io(name)]
    assert found == []


def test_importing_every_core_loads_no_event_loop_and_no_database():
    names = [module.name for module in modules(*CORES)]
    assert len(names) > 20
    # Not "socket": the standard library's own email.utils loads it.
    heavy = {"asyncio", "ssl", "twisted", "sqlalchemy", "asyncpg", "aiosqlite", "aiosmtpd"}
    program = "import sys\n" + "".join(f"import {name}\n" for name in names)
    program += f"print(sorted({heavy!r} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert (run.stdout.strip(), run.stderr) == ("[]", "")


def _is_io(name: str) -> bool:
    return any(name == banned or name.startswith(f"{banned}.") for banned in IO)
