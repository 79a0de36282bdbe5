"""Small files that hold secrets: written whole or not at all, and never readable by others for a moment."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailkeep.errors import SettingsError


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file of mode 0600 with this text, durably. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def sole_holder(data_dir: Path) -> Iterator[None]:
    """Hold the data directory against a second `mailkeep up`. The lock is the kernel's and ends with this
    process, however it ends; hosts do not inherit it. Raises SettingsError."""
    path = data_dir / "up.lock"
    try:
        lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"The file '{path}' cannot be written: {error.strerror}.") from None
    try:
        _lock(lock, data_dir)
        yield
    finally:
        os.close(lock)


def _lock(descriptor: int, data_dir: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if not isinstance(error, BlockingIOError):
            raise SettingsError(f"'{data_dir}' cannot be locked: {error.strerror}.") from None
        raise SettingsError(
            f"Another `mailkeep up` runs on the data directory '{data_dir}': stop it, or give this one "
            "another --data-dir."
        ) from None


def development_key_file(data_dir: str | Path) -> Path:
    """Where the key of this run's development tokens lies, mode 0600."""
    return Path(data_dir) / "development.key"


def clear_ready_file(path: Path) -> None:
    """Remove what a former start wrote: who waits for it must not read old news. Raises SettingsError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"The ready file '{path}' cannot be replaced: {error.strerror}.") from None


def write_ready_file(path: Path, ready: dict[str, object]) -> None:
    """The object as JSON. Raises SettingsError."""
    try:
        write_private(path, f"{json.dumps(ready)}\n")
    except OSError as error:
        raise SettingsError(f"The ready file '{path}' cannot be written: {error.strerror}.") from None
