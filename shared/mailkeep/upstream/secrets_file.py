"""A `.env` file of an account's tokens: read leniently, written by replacing it, never wider than 0600.

The new file is made with mode 0600 from its first octet and then renamed over the old one, so that there is
no moment in which somebody else can read it, and none in which a reader finds half of it.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mailkeep.upstream.errors import UpstreamCode, UpstreamError

SIZE_LIMIT = 256 * 1024  # octets
MODE = 0o600
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_env_file(path: Path) -> dict[str, str]:
    """NAME=VALUE lines, with `export` before and quotes around it allowed; later lines win.

    Blocks. Raises UpstreamError with the file's name if it cannot be read or others may read it.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077 and not _is_credential(path):
                raise _failed(f"{path} can be read by others: chmod 600 it, and think of new tokens.")
            octets = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise _failed(f"{path} cannot be read: {error.strerror}.") from None
    if len(octets) > SIZE_LIMIT:
        raise _failed(f"{path} is larger than {SIZE_LIMIT} octets.")
    return parse_env(octets.decode("utf-8", "replace"))


def _is_credential(path: Path) -> bool:
    """systemd keeps it from others by the directory, and shows its access list as the group's bits."""
    given = os.environ.get("CREDENTIALS_DIRECTORY", "")
    return bool(given) and path.parent == Path(given)


def parse_env(text: str) -> dict[str, str]:
    """The variables of a file's text; lines that are none are passed over, as a shell's comments would be."""
    found = {}
    for line in text.splitlines():
        name, is_assignment, value = line.strip().removeprefix("export ").partition("=")
        if is_assignment and _NAME.fullmatch(name.strip()):
            found[name.strip()] = _unquoted(value.strip())
    return found


def write_env_file(path: Path, values: Mapping[str, str]) -> None:
    """Replace the file. Blocks. Raises UpstreamError."""
    lines = "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as error:
        raise _failed(f"{path} cannot be written: {error.strerror}.") from None


def _quoted(value: str) -> str:
    """As a shell, systemd and we read it alike. Tokens are printable ASCII without quotes by their grammar
    (RFC 6749 appendix A); what is not cannot be kept in such a file."""
    if not value.isprintable() or "'" in value:
        raise _failed("A value with quotes or control characters has no place in the file.")
    return value if re.fullmatch(r"[A-Za-z0-9_@%+=:,./~-]*", value) else f"'{value}'"


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _failed(sentence: str) -> UpstreamError:
    return UpstreamError(UpstreamCode.CONFIG, sentence)
