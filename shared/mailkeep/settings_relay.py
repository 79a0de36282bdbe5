"""Settings of relaying: how mail for other domains leaves, how it is protected, and when we give up."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import msgspec

from mailkeep.errors import InvalidName
from mailkeep.model.address import normal_domain

Count = Annotated[int, msgspec.Meta(ge=1)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
TlsDemand = Literal["none", "may", "encrypt", "verify"]
MINUTE, HOUR = 60.0, 3600.0
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`route` is "direct" (each domain's own servers), "smarthost", or "off" (nothing leaves)."""

    route: Literal["direct", "smarthost", "off"] = "direct"
    run_queue: bool = True  # False: this host fills the queue, and others empty it
    # The smarthost is "host:port". It is always held to a certificate for its name, unless TLS is "none".
    smarthost: str = ""
    smarthost_tls: Literal["starttls", "tls", "none"] = "starttls"
    smarthost_user: str = ""
    smarthost_secret_file: str = ""  # a password or API key
    smarthost_token_file: str = ""  # an access token, renewed by somebody else: XOAUTH2 or OAUTHBEARER
    # Or tokens that are kept fresh here: by google, microsoft, oidc, command or a third party's provider,
    # with the file that `mailkeep oauth bootstrap` wrote (mode 0600; empty: the environment).
    smarthost_provider: str = ""
    smarthost_env_file: str = ""
    smarthost_prefix: str = "MAILKEEP_UPSTREAM"  # of its variables
    smarthost_client_id: str = ""
    smarthost_scope: str = ""
    smarthost_options: tuple[str, ...] = ()  # "tenant=...", "issuer=...", "endpoint=...", "command=..."
    # What the servers of other domains are held to; DANE and MTA-STS ask for more where a domain has them.
    # A policy is "domain=demand", as in "partner.example=verify".
    tls: TlsDemand = "may"
    tls_policies: tuple[str, ...] = ()
    dane: bool = True  # counts only where [dns] validating says that answers can be trusted
    mta_sts: bool = True
    ca_file: str = ""  # empty: the system's
    port: Port = 25
    source_address: str = ""
    # Mail for aliases that lead elsewhere: "srs" rewrites its reverse-path, so that SPF passes and reports
    # come back through us; "plain" leaves it; "off" forwards nothing. Rewritten addresses are of the alias's
    # domain, or of `srs_domain`, which then has to have its MX here.
    forwarding: Literal["srs", "plain", "off"] = "srs"
    srs_domain: str = ""
    loopback: bool = False  # True lets mail go to servers on this machine and in its local networks
    connections: Count = 100
    connections_per_domain: Count = 20
    connect_timeout_seconds: Seconds = 30.0
    command_timeout_seconds: Seconds = 300.0  # RFC 5321 section 4.5.3.2
    lease_seconds: Seconds = 60.0  # after which another host takes over what a dead one had in hand
    # How long to wait after each failure; the last one again and again until a message expires.
    retry_seconds: tuple[float, ...] = (
        5 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        4 * HOUR,
        8 * HOUR,
        16 * HOUR,
    )
    delay_report_seconds: Seconds = 4 * HOUR  # then a sender hears that a message is late
    expire_seconds: Seconds = 5 * DAY  # RFC 5321 section 4.5.4.1: at least four or five days

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence that names the setting."""
        parse_policies(self.tls_policies)
        if self.route == "smarthost":
            parse_smarthost(self.smarthost)
        ways = (self.smarthost_secret_file, self.smarthost_token_file, self.smarthost_provider)
        if self.smarthost_user and sum(map(bool, ways)) != 1:
            raise ValueError(
                "smarthost_user needs one of smarthost_secret_file, smarthost_token_file, smarthost_provider"
            )
        if not all(option.partition("=")[1] for option in self.smarthost_options):
            raise ValueError("smarthost_options are names and values, as in tenant=organizations")
        if self.smarthost_user and self.smarthost_tls == "none":
            raise ValueError('credentials go over TLS alone: smarthost_tls is not to be "none"')
        if not self.retry_seconds or min(self.retry_seconds) <= 0:
            raise ValueError("retry_seconds holds at least one number above 0")
        if self.srs_domain:
            try:
                normal_domain(self.srs_domain)
            except InvalidName:
                raise ValueError(f"srs_domain: '{self.srs_domain}' is not a domain") from None
        if self.source_address:
            ipaddress.ip_address(self.source_address)


def parse_policies(policies: tuple[str, ...]) -> Mapping[str, TlsDemand]:
    """Demands by domain. Raises ValueError."""
    found: dict[str, TlsDemand] = {}
    for policy in policies:
        domain, equals, demand = policy.strip().lower().partition("=")
        if not domain or not equals or demand not in get_args(TlsDemand):
            raise ValueError(f"tls_policies: '{policy}' is not a domain, an equals sign and a demand")
        found[domain] = demand  # type: ignore[assignment]
    return found


def parse_smarthost(place: str) -> tuple[str, int]:
    """Host and port. Raises ValueError."""
    host, colon, port = place.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("smarthost is a host and a port, as in smtp.example.net:587")
    return host, int(port)
