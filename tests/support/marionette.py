"""Marionette, the protocol by which Mozilla's programs are steered: JSON arrays, their length in front.

A packet `LENGTH:[0, id, command, parameters]` is answered by `LENGTH:[1, id, error, result]`. In the context
"chrome" script runs with the program's own rights, so that it sees its windows as their own code does.
"""

from __future__ import annotations

import json
import socket
import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any

SECONDS = 60.0


class Marionette:
    """One session. What the program refuses is an AssertionError with its own words."""

    def __init__(self, port: int, is_alive: Callable[[], bool]) -> None:
        self._socket = _connected(port, is_alive)
        self._file = self._socket.makefile("rb")
        self._sent = 0
        self._read()  # it introduces itself
        self.ask("WebDriver:NewSession", capabilities={})
        self.ask("WebDriver:SetTimeouts", script=int(SECONDS * 1000))
        self.ask("Marionette:SetContext", value="chrome")

    def ask(self, command: str, **parameters: object) -> Any:
        """One command's result."""
        self._sent += 1
        octets = json.dumps([0, self._sent, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(octets), octets))
        _, _, error, result = self._read()
        assert error is None, f"{command}: {error['message']} {error.get('data') or ''}"
        is_value = isinstance(result, dict) and set(result) == {"value"}
        return result["value"] if is_value else result

    def run(self, script: str, *arguments: object) -> Any:
        """A script's answer."""
        return self.ask("WebDriver:ExecuteScript", script=script, args=list(arguments))

    def wait(self, script: str, *arguments: object) -> Any:
        """The script's first answer that is true."""
        deadline = time.monotonic() + SECONDS
        while not (answer := self.run(script, *arguments)):
            assert time.monotonic() < deadline, f"never true: {script} {arguments}"
            time.sleep(0.1)
        return answer

    def picture(self, element: dict[str, str] | None = None) -> bytes:
        """The window or an element that a script answered, as PNG."""
        which = {"id": next(iter(element.values()))} if element else {"full": False}
        return b64decode(self.ask("WebDriver:TakeScreenshot", **which))

    def close(self) -> None:
        """Leave it; the program goes on."""
        self._file.close()
        self._socket.close()

    def _read(self) -> Any:
        length = b""
        while (octet := self._file.read(1)) != b":":
            assert octet, "the program is gone"
            length += octet
        return json.loads(self._file.read(int(length)))


def _connected(port: int, is_alive: Callable[[], bool]) -> socket.socket:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), SECONDS)
        except ConnectionRefusedError:
            assert is_alive(), "the program ended before it listened"
            assert time.monotonic() < deadline, "the program never listened"
            time.sleep(0.1)
