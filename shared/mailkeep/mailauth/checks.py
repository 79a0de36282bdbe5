"""All checks of one message, in the order in which each needs those before it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from mailkeep.mailauth import arc, dkim, dmarc
from mailkeep.mailauth.dmarc import Proven
from mailkeep.mailauth.iprev import check_address
from mailkeep.mailauth.message import CheckedMessage
from mailkeep.mailauth.results import Results
from mailkeep.mailauth.spf import SpfQuestion, SpfResult, check_host, may_have_record
from mailkeep.model.dns import Lookups


@dataclass(frozen=True, slots=True)
class SmtpClient:
    """Who brings the message. `address` is an IP address, `mail_from` "" for the null reverse-path."""

    address: str
    helo: str
    mail_from: str


async def check_message(
    message: CheckedMessage, client: SmtpClient, lookups: Lookups, now: int, sample: Callable[[], int]
) -> Results:
    """Never raises for what DNS or the message says. `now` is seconds since 1970; see dmarc for `sample`."""
    address = ipaddress.ip_address(client.address)
    question = SpfQuestion(address, client.helo, client.mail_from)
    iprev = await check_address(client.address, lookups)
    spf_helo = await _check_helo(SpfQuestion(address, client.helo), client.mail_from, lookups)
    spf = await check_host(question, lookups)
    signatures = await dkim.verify(message, lookups, now)
    chain = await arc.verify(message, lookups)
    policy = await dmarc.evaluate(message, Proven(spf, signatures), lookups, sample)
    return Results(client.mail_from, client.helo, iprev, spf, signatures, chain, policy, spf_helo)


async def _check_helo(question: SpfQuestion, mail_from: str, lookups: Lookups) -> SpfResult | None:
    """RFC 7208 section 2.3 recommends to check the name in HELO as well, if it is one that may have a record.

    With the null reverse-path that is what MAIL is checked by (section 2.4), and once is enough.
    """
    if not mail_from or not may_have_record(question.domain):
        return None
    return await check_host(question, lookups)
