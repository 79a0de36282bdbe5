"""Listening sockets that the service manager bound for us (sd_listen_fds(3)).

systemd binds the privileged ports and a host needs no right to: the sockets also outlive it, so that a
restart refuses nobody. The settings stay the only place that says what is listened on: an endpoint takes the
inherited socket that is bound to just that address, and an inherited socket that no setting names is
reported, because whoever connects to it would wait for ever.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

FIRST_DESCRIPTOR = 3  # SD_LISTEN_FDS_START
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class Inherited:
    """The sockets that this process was given and that no endpoint has taken yet."""

    def __init__(self, environ: MutableMapping[str, str], first: int = FIRST_DESCRIPTOR) -> None:
        """Takes the variables out of `environ`: they are for this process and not for its children."""
        pid, count, _ = (environ.pop(name, "") for name in _VARIABLES)
        self._left: list[socket.socket] = []
        if pid == str(os.getpid()) and count.isdigit():
            for descriptor in range(first, first + int(count)):
                self._adopt(descriptor)

    def take(self, family: int, address: tuple[str, int]) -> socket.socket | None:
        """The socket that is bound to this address, if there is one; it is then the caller's."""
        for place, listener in enumerate(self._left):
            if listener.family == family and listener.getsockname()[:2] == address:
                return self._left.pop(place)
        return None

    def left(self) -> list[str]:
        """The addresses that nobody took, as the kernel tells them."""
        return [":".join(map(str, listener.getsockname()[:2])) for listener in self._left]

    def _adopt(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        listener = socket.socket(fileno=descriptor)
        is_internet = listener.family in (socket.AF_INET, socket.AF_INET6)
        if is_internet and listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            listener.setblocking(False)
            self._left.append(listener)
        else:
            listener.close()


_ours: Inherited | None = None


def inherited() -> Inherited:
    """This process's own; the environment is read once, when it is first asked for."""
    global _ours  # noqa: PLW0603  a process is given its sockets once
    if _ours is None:
        _ours = Inherited(os.environ)
    return _ours
