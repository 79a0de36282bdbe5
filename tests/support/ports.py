"""Free ports for servers that tests and benchmarks start.

They lie below those that the kernel hands out to whoever connects (ip_local_port_range on Linux): one of
those may be somebody's by the time that the server binds it. Nothing here imports pytest.
"""

from __future__ import annotations

import random
import socket
from itertools import islice

PORTS = range(10_000, 30_000)
ATTEMPTS = 200


def is_free(port: int) -> bool:
    """Whether a server could listen there, on loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port that nobody listens on now. Raises RuntimeError if none is found."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many different ones."""
    found = list(islice(filter(is_free, random.sample(PORTS, count + ATTEMPTS)), count))
    if len(found) < count:
        raise RuntimeError("there are too few free ports")
    return found
