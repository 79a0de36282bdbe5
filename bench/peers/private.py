"""Running other people's servers privately: a directory that their own users may enter, and a clean end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.peers.peer import LOOPBACK, PeerFault

START_SECONDS = 20.0
STOP_SECONDS = 10.0
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def program(name: str, package: str) -> str:
    """Its path. Raises PeerFault."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_PATH}")
    if not found:
        raise PeerFault(f"There is no {name}: install Debian's {package} (its daemon need not run).")
    if os.getuid() != 0:
        raise PeerFault(f"{name} starts as root only, also in a private directory.")
    return found


def directory(name: str) -> Path:
    """A new one that every user may enter: the servers give up root's rights."""
    made = Path(tempfile.mkdtemp(prefix=f"mkbench-{name}-"))
    made.chmod(0o755)
    return made


def run(command: Sequence[str]) -> None:
    """Run it to its end. Raises PeerFault with what it said if it fails."""
    clean = {"PATH": _PATH, "LC_ALL": "C", "TZ": "UTC"}
    with tempfile.TemporaryFile() as said:  # a pipe would be held open by the daemon that is started
        try:
            ran = subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                timeout=60,
                env=clean,
            )
        except subprocess.TimeoutExpired:
            raise PeerFault(f"{command[0]} did not come to its end") from None
        said.seek(0)
        if ran.returncode:
            text = said.read().decode(errors="replace").strip()
            raise PeerFault(f"{command[0]} failed: {text[-2000:]}")


def wait_until_accepting(port: int, log: Path) -> None:
    """Return when the port accepts connections. Raises PeerFault with the end of the log."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((LOOPBACK, port), timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-2000:] if log.exists() else "no log"
                raise PeerFault(f"Port {port} does not accept connections: {said}") from None
            time.sleep(0.05)
        else:
            return


def descendants(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(_parent(entry), []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def wait_until_gone(pid: int) -> None:
    """Return when the process has ended, at the latest after STOP_SECONDS."""
    deadline = time.monotonic() + STOP_SECONDS
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
