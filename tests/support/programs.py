"""Mail software not written here, run as its users run it: with files and arguments, and no terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

REQUIRE_CLIENTS = "MAILKEEP_REQUIRE_CLIENTS"
SECONDS = 120.0
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def program(name: str) -> str:
    """Its path. Not there: the test is skipped, or fails if clients are required."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_PATH}")
    if found:
        return found
    if os.environ.get(REQUIRE_CLIENTS) == "1":
        pytest.fail(f"{REQUIRE_CLIENTS}=1 and there is no {name}")
    pytest.skip(f"{name} is not installed")


def run(
    command: Sequence[str],
    stdin: bytes = b"",
    home: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run it to its end, with standard output and error apart. Never raises for an exit code."""
    environment = {"PATH": _PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": str(home or "/nonexistent")}
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        timeout=SECONDS,
        check=False,
        env={**environment, **(environ or {})},
    )


def succeed(
    command: Sequence[str],
    stdin: bytes = b"",
    home: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> bytes:
    """The same, for a command that must exit with 0: its standard output."""
    ran = run(command, stdin, home, environ)
    said = (ran.stdout + ran.stderr).decode(errors="replace")
    assert ran.returncode == 0, f"{command[0]} exit code {ran.returncode}:\n{said}"
    return ran.stdout


def private_file(path: Path, text: str) -> Path:
    """A configuration file as clients insist on it: mode 0600."""
    path.touch(mode=0o600)
    path.write_text(text)
    path.chmod(0o600)
    return path
