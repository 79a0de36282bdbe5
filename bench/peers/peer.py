"""What a measured server is to the measurements: places, accounts and processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.support import ports

from bench.clients.wire import Server

LOOPBACK = "127.0.0.1"
DOMAIN = "example.test"


class PeerFault(Exception):
    """A server could not be started, in a sentence that says what to mend."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can log in."""

    address: str
    password: str = field(repr=False)


class Peer(ABC):
    """A running server. `name` is how the table calls it."""

    name: str
    ports: Mapping[str, int]  # by listener: imap, imaps, pop3, smtp or lmtp
    takes_mail_by = "smtp"

    @abstractmethod
    def account(self, name: str) -> Account:
        """The account of that name, made if it is not there."""

    @abstractmethod
    def pids(self) -> Sequence[int]:
        """The processes that serve IMAP, now."""

    def reader(self, listener: str, account: Account) -> Server:
        """Where the account logs in; listeners that end in s are inside TLS."""
        tls = "implicit" if listener.endswith("s") else "none"
        return Server(LOOPBACK, self.ports[listener], tls, account.address, account.password)

    def inlet(self) -> Server:
        """Where mail from elsewhere comes in."""
        return Server(LOOPBACK, self.ports[self.takes_mail_by], protocol=self.takes_mail_by)


def free_ports(*listeners: str) -> dict[str, int]:
    """A free loopback port for each."""
    return dict(zip(listeners, ports.free_ports(len(listeners)), strict=True))
