"""What all sessions of the process share, and what those of one listener do."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailkeep.auth import Authenticator
from mailkeep.delivery.dispatch import Dispatch
from mailkeep.delivery.reporting import Reporter
from mailkeep.delivery.spool import Room
from mailkeep.delivery.urls import UrlOpener
from mailkeep.net.limits import ConnectionLimiter
from mailkeep.net.networks import Networks
from mailkeep.net.tasks import TaskRegistry
from mailkeep.settings import SmtpSettings
from mailkeep_smtp.conduct import Conduct
from mailkeep_smtp.policy import Policy
from mailkeep_smtp.proxied import Proxies

if TYPE_CHECKING:
    from mailkeep_smtp.connection import Connection


@dataclass(frozen=True, slots=True)
class Services:
    """One process's means. `tls` is None without a certificate."""

    settings: SmtpSettings
    tls: ssl.SSLContext | None
    authenticator: Authenticator
    dispatch: Dispatch
    reporter: Reporter
    spool_directory: Path
    spool_room: Room
    limiter: ConnectionLimiter
    tasks: TaskRegistry
    open_sessions: set[Connection]
    plaintext_from_loopback: bool
    proxies: Proxies
    xclients: Networks
    conduct: Conduct
    urls: UrlOpener


@dataclass(frozen=True, slots=True)
class Listener:
    """One kind of door. `name` is mx, lmtp, submission or submissions."""

    name: str
    policy: Policy
    implicit_tls: bool = False  # RFC 8314 section 3.3
