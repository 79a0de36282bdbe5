"""Programs for node, installed once for each state of their files, from the lock file and without scripts."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.programs import REQUIRE_CLIENTS, program

SECONDS = 300


def installed(source: Path, files: Sequence[str]) -> Path:
    """A directory with these files of the source and the packages of their package-lock.json. Skips, or fails
    if clients are required, where npm cannot install them."""
    npm = program("npm")
    name = source.name
    digest = hashlib.sha256(b"".join((source / file).read_bytes() for file in files)).hexdigest()[:16]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mailkeep-tests"
    base.mkdir(parents=True, exist_ok=True)
    directory = base / f"{name}-{digest}"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test runs share the cache
        if not (directory / "installed").exists():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
            for file in files:
                shutil.copy(source / file, directory)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            ran = subprocess.run(command, cwd=directory, capture_output=True, check=False, timeout=SECONDS)
            if ran.returncode != 0:
                _absent(f"npm cannot install {name}: {ran.stderr.decode()[-500:]}")
            (directory / "installed").touch()
    return directory


def _absent(reason: str) -> None:
    if os.environ.get(REQUIRE_CLIENTS) == "1":
        pytest.fail(f"{REQUIRE_CLIENTS}=1 and {reason}")
    pytest.skip(reason)
