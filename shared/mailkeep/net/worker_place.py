"""What a worker is told by the parent that started it, in its environment: see `workers`.

Which of the workers it is, where it answers the parent's questions, and which listening sockets it shares
with its siblings. A host that was started by anybody else is told nothing, and has one process.
"""

from __future__ import annotations

import functools
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "MAILKEEP_WORKER"


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """`number` counts from 1; `listeners` are descriptors by the setting's own "host:port"."""

    number: int
    directory: Path
    listeners: Mapping[str, int]

    @property
    def operator_socket(self) -> Path:
        """Where this worker answers /metrics and /health, for its parent to ask."""
        return self.directory / f"worker-{self.number}.operator"

    @property
    def notify_socket(self) -> Path:
        """Where its parent hears its notices."""
        return self.directory / f"worker-{self.number}.notify"

    def listener(self, endpoint: str) -> socket.socket | None:
        """The shared socket for this setting; it is then the caller's."""
        descriptor = self.listeners.get(endpoint)
        if descriptor is None:
            return None
        os.set_inheritable(descriptor, False)
        shared = socket.socket(fileno=os.dup(descriptor))
        shared.setblocking(False)
        return shared

    def variable(self) -> str:
        """As `place` reads it."""
        return json.dumps([self.number, str(self.directory), dict(self.listeners)])


@functools.cache
def place() -> WorkerPlace | None:
    """This process's own, None if it is no worker; the environment is read once."""
    text = os.environ.pop(VARIABLE, "")
    if not text:
        return None
    number, directory, listeners = json.loads(text)
    return WorkerPlace(number, Path(directory), listeners)
