"""Whether the time of a refusal tells what exists: a statistical comparison on real hosts.

For each host, attempts of several kinds are made in random order, each on a connection of its own and with
an address and a key that no other attempt uses, so that no count of failures slows one. What is timed is the
last request alone. Two kinds are told apart by how often the second is the slower one: 0.5 is a coin's toss,
and `z` says how many standard errors away from it the sample is (Mann and Whitney). Answers must be the same,
octet for octet.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import math
import random
import re
import socket
import ssl
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import click
import uvloop
from tests.support.hosts import MailkeepUp

from bench.clients.wire import WAIT_SECONDS
from bench.identity.hosts import DATABASE, DOMAIN, beside, running
from mailkeep.auth import KeyService, apikeys
from mailkeep.model.address import Address
from mailkeep.settings import AuthSettings

PAIRS = (
    ("unknown address, unknown prefix", "known address, unknown prefix"),
    ("unknown address, known prefix", "known address, known prefix"),
    ("known address, unknown prefix", "known address, known prefix"),
    ("own key, nobody's address", "own key, another's address"),
)
API_PAIRS = PAIRS[2:3]
"""A request to the API names no address."""

KEYS_OF_AN_ATTEMPT = 4  # as many kinds of attempts take a key that exists
MADE_AT_ONCE = 16
NEVER = "\0"  # begins no line: read to the end of the connection
_REQUEST_ID = re.compile(rb'"(?:requestId|correlationId|instance)":"[^"]*",?')


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login that fails."""

    kind: str
    address: str
    api_key: str = field(repr=False)


class Known:
    """Users of whom each has one key. No address and no key is used twice, and never the two of one user."""

    def __init__(self, people: Sequence[tuple[str, str]]) -> None:
        half = len(people) // 2
        self._addresses = iter([address for address, _ in (*people[half:], *people[:half])])
        self._keys = iter([api_key for _, api_key in people])

    def address(self) -> str:
        """Somebody's."""
        return next(self._addresses)

    def api_key(self) -> str:
        """Somebody's."""
        return next(self._keys)


@click.command()
@DATABASE
@click.option("--attempts", default=300, help="Of each kind, on each host.")
def timing(database: str, attempts: int) -> None:
    """Compare how long refusals take that must not tell what exists."""
    with running(database) as up:
        known = Known(uvloop.run(_people(up, KEYS_OF_AN_ATTEMPT * attempts * len(DOORS))))
        told = {name: _compared(up, name, known, attempts) for name in DOORS}
        click.echo(json.dumps({"database": database, "attempts": attempts} | told, indent=1))


async def _people(up: MailkeepUp, count: int) -> list[tuple[str, str]]:
    async with beside(up) as store:
        service, places = KeyService(store, AuthSettings()), asyncio.Semaphore(MADE_AT_ONCE)

        async def make(number: int) -> tuple[str, str]:
            async with places:
                user = await store.directory.add_user(Address.parse(f"known{number}@{DOMAIN}"))
                return user.primary_address, (await service.create(user.id, "bench")).api_key

        return await asyncio.gather(*(make(number) for number in range(count)))


def _attempts(known: Known, kinds: Sequence[str], count: int) -> list[Attempt]:
    made = [_attempt(kind, known) for kind in kinds for _ in range(count)]
    random.shuffle(made)
    return made


def _attempt(kind: str, known: Known) -> Attempt:
    nobody = f"nobody{random.getrandbits(48):x}@{DOMAIN}"
    if kind.startswith("own key"):
        return Attempt(kind, nobody if "nobody" in kind else known.address(), known.api_key())
    address = known.address() if kind.startswith("known") else nobody
    return Attempt(kind, address, apikeys.generate() if "unknown prefix" in kind else _wrong(known.api_key()))


def _wrong(api_key: str) -> str:
    """A whole key with this one's prefix and another's secret."""
    other = apikeys.generate()[apikeys.PREFIX_LENGTH : -apikeys.CHECKSUM_LENGTH]
    body = api_key[: apikeys.PREFIX_LENGTH] + other
    return body + apikeys.checksum(body)


# --- one login on each host -------------------------------------------------------------------------


class Talk:
    """A connection over TLS, or in the clear to the API on loopback."""

    def __init__(self, up: MailkeepUp, listener: str) -> None:
        wire = socket.create_connection(_place(up, listener), WAIT_SECONDS)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if listener != "api":
            context = ssl.create_default_context(cafile=up.ca_file)
            wire = context.wrap_socket(wire, server_hostname="localhost")
        self._wire = wire

    def ask(self, octets: bytes, last: str = "") -> bytes:
        """Send, and read until a line begins with `last`, or just a line."""
        if octets:
            self._wire.sendall(octets)
        got = b""
        while not (got.endswith(b"\r\n") and (b"\r\n" + got).rfind(b"\r\n" + last.encode()) >= 0):
            more = self._wire.recv(65536)
            if not more:
                break
            got += more
        return got

    def close(self) -> None:
        """Hang up."""
        self._wire.close()


def _place(up: MailkeepUp, listener: str) -> tuple[str, int]:
    if listener == "api":
        host, port = up.api_url.split("://")[1].split(":")
        return host, int(port)
    place = up.place(listener)
    return place.host, place.port


Door = Callable[[MailkeepUp, Attempt], tuple[float, bytes]]


def _imap(up: MailkeepUp, attempt: Attempt) -> tuple[float, bytes]:
    talk = Talk(up, "imaps")
    talk.ask(b"")
    return _timed(talk, f"a LOGIN {attempt.address} {attempt.api_key}\r\n", "a ")


def _pop3(up: MailkeepUp, attempt: Attempt) -> tuple[float, bytes]:
    talk = Talk(up, "pop3s")
    talk.ask(b"")
    talk.ask(f"USER {attempt.address}\r\n".encode())
    return _timed(talk, f"PASS {attempt.api_key}\r\n")


def _smtp(up: MailkeepUp, attempt: Attempt) -> tuple[float, bytes]:
    talk = Talk(up, "submissions")
    talk.ask(b"")
    talk.ask(b"EHLO bench.test\r\n", "250 ")
    plain = base64.b64encode(f"\0{attempt.address}\0{attempt.api_key}".encode()).decode()
    return _timed(talk, f"AUTH PLAIN {plain}\r\n")


def _timed(talk: Talk, request: str, last: str = "") -> tuple[float, bytes]:
    began = time.perf_counter()
    answer = talk.ask(request.encode(), last)
    took = time.perf_counter() - began
    talk.close()
    return took, answer


def _api(up: MailkeepUp, attempt: Attempt) -> tuple[float, bytes]:
    talk = Talk(up, "api")
    head = f"GET /api/profile HTTP/1.1\r\nHost: localhost\r\nAuthorization: ApiKey {attempt.api_key}\r\n"
    took, answer = _timed(talk, f"{head}Connection: close\r\n\r\n", NEVER)
    return took, _REQUEST_ID.sub(b"", answer.partition(b"\r\n\r\n")[2])


DOORS: dict[str, Door] = {"imap": _imap, "pop3": _pop3, "smtp": _smtp, "api": _api}


# --- what the times tell ----------------------------------------------------------------------------


def _compared(up: MailkeepUp, name: str, known: Known, count: int) -> dict[str, object]:
    pairs = API_PAIRS if name == "api" else PAIRS
    kinds = tuple(dict.fromkeys(itertools.chain.from_iterable(pairs)))
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    answers: set[bytes] = set()
    for attempt in _attempts(known, kinds, count):
        took, answer = DOORS[name](up, attempt)
        times[attempt.kind].append(took)
        answers.add(answer)
    return {
        "median_ms": {kind: round(1000 * statistics.median(took), 3) for kind, took in times.items()},
        "second_is_slower": {
            f"{one} / {other}": told_apart(times[one], times[other]) for one, other in pairs
        },
        "answers": sorted(answer.decode("ascii", "replace") for answer in answers),
    }


def told_apart(one: Sequence[float], other: Sequence[float]) -> dict[str, float]:
    """How often a value of the second is the larger one (ties count half), and by how many standard errors
    that differs from one half (Mann and Whitney 1947)."""
    ordered = sorted(one)
    larger = sum((bisect_left(ordered, value) + bisect_right(ordered, value)) / 2 for value in other)
    pairs = len(one) * len(other)
    error = math.sqrt(pairs * (len(one) + len(other) + 1) / 12)
    return {"share": round(larger / pairs, 3), "z": round((larger - pairs / 2) / error, 2)}
