"""Settings of reception: how mail from outside is checked. What becomes of it is each domain's own policy."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated

import msgspec

from mailkeep.errors import InvalidName
from mailkeep.model.address import normal_domain

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Limit = Annotated[int, msgspec.Meta(ge=0)]
DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class ReceptionSettings:
    """Networks are in CIDR notation. Mail from `trusted_networks` is not checked, and no DNS asked for it."""

    trusted_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    check_senders: bool = True  # SPF, DKIM, DMARC, ARC and iprev
    refuse_impossible_senders: bool = True  # a domain that does not exist, or says that it takes no mail
    blocklists: tuple[str, ...] = ()  # zones such as "zen.spamhaus.org"; their clients are refused
    trusted_sealers: tuple[str, ...] = ()  # domains whose ARC seals outweigh a DMARC failure
    connections_per_minute: Limit = 600  # of one network; 0 is no limit, as below
    recipients_per_minute: Limit = 6000
    tarpit_after: Limit = 20  # refusals of one network, of which half are forgotten in ten minutes
    tarpit_seconds: float = 10.0  # what a refusal past those waits for at most; 0: never
    greylist_seconds: Seconds = 300.0
    greylist_forget_seconds: Seconds = 36 * DAY

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence that names the setting."""
        check_networks("trusted_networks", self.trusted_networks)
        if not 0 <= self.tarpit_seconds <= 60:
            raise ValueError("tarpit_seconds is from 0 to 60: clients give up on slower answers")
        for name, domains in (("blocklists", self.blocklists), ("trusted_sealers", self.trusted_sealers)):
            for domain in domains:
                try:
                    normal_domain(domain)
                except InvalidName:
                    raise ValueError(f"{name}: '{domain}' is not a domain") from None


def check_networks(setting: str, texts: tuple[str, ...]) -> None:
    """Raises ValueError with a sentence that names the setting."""
    for text in texts:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise ValueError(f"{setting}: '{text}' is not a network, as in 192.0.2.0/24") from None
