"""One host as a process of its own, on free loopback ports, as a service manager would start it."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from mailkeep.net import sdnotify
from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import StoreSettings

SECONDS = 60.0  # until a host that does not answer counts as broken
IN_THE_CLEAR = {"AUTH_INSECURE_LOOPBACK_AUTH": "true"}
"""Options of a host that takes secrets in the clear from loopback, so that transcripts can be read."""


class HostProcess:
    """`python -m mailkeep_<name>` with one listener in the clear (called `name`) and one over TLS (`name`s).
    `options` are MAILKEEP_* variables without prefix. As a context manager it starts, and must end well."""

    name = ""

    def __init__(
        self, store: StoreSettings, ca: DevelopmentCa, options: Mapping[str, str] | None = None
    ) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix=f"mk{self.name}-")
        self.ca = ca
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MAILKEEP_")},
            "MAILKEEP_STORE_DATA_DIR": store.data_dir,
            "MAILKEEP_STORE_DATABASE": store.database,
            "MAILKEEP_TLS_CERTIFICATE": str(ca.certificate),
            "MAILKEEP_TLS_KEY": str(ca.key),
            f"MAILKEEP_{self.name.upper()}_PLAIN": "127.0.0.1:0",
            f"MAILKEEP_{self.name.upper()}_TLS": "127.0.0.1:0",
            **{f"MAILKEEP_{name}": value for name, value in (options or {}).items()},
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._read = 0
        self.plain_port = 0
        self.tls_port = 0

    @property
    def log(self) -> str:
        """What the host wrote to standard error."""
        return (Path(self._directory.name) / "log").read_text("utf-8", "replace")

    def forget_faults(self) -> None:
        """What tests before have provoked is theirs."""
        self._read = len(self.log)

    def assert_no_fault(self) -> None:
        """Nothing went wrong on the host's side since it was last asked."""
        log, self._read = self.log[self._read :], len(self.log)
        if "Traceback" in log or "[error" in log or "[critical" in log:
            pytest.fail(log[-8000:])

    @property
    def resident_octets(self) -> int:
        """The host's resident memory."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def __enter__(self) -> Self:
        path = Path(self._directory.name) / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.settimeout(SECONDS)
            with (Path(self._directory.name) / "log").open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", f"mailkeep_{self.name}"],
                    env={**self._environment, "NOTIFY_SOCKET": str(path)},
                    stdin=subprocess.DEVNULL,
                    stderr=log,
                )
            self._await_ready(notify)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        try:
            if self.process is not None and self.process.poll() is None:
                assert self.stop() == 0, self.log
        finally:
            self._directory.cleanup()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def connection(self, port: int) -> socket.socket:
        """A connection to one of the listeners."""
        return socket.create_connection(("127.0.0.1", port), SECONDS)

    def _await_ready(self, notify: socket.socket) -> None:
        while True:
            readable, _, _ = select.select([notify], [], [], 0.2)
            if not readable:
                assert self.process is not None
                assert self.process.poll() is None, self.log
                continue
            fields = sdnotify.parse(notify.recv(65536))
            if fields.get("READY") == "1":
                listeners = sdnotify.parse_listeners(fields)
                self.plain_port = int(listeners[self.name][0].rpartition(":")[2])
                self.tls_port = int(listeners[f"{self.name}s"][0].rpartition(":")[2])
                return
