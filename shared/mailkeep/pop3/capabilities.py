"""What CAPA says (RFC 2449 section 5): exactly what works in this state, on this connection.

Not offered: APOP (no readable secrets), LOGIN-DELAY unless there is one. EXPIRE NEVER states that nothing but
the client removes mail (RFC 2449 section 6.7).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailkeep.pop3.state import State

IMPLEMENTATION = "Mailkeep"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the connection permits.

    `mechanisms` are the SASL names, in order; `plaintext` says that secrets may be sent as they are, because
    nobody else reads the connection or the operator permits it; `stls` that TLS can still be started;
    `login_delay` the seconds between logins of a user, 0 without a limit.
    """

    mechanisms: tuple[str, ...]
    plaintext: bool
    stls: bool
    login_delay: int = 0


def capabilities(state: State, offer: Offer) -> tuple[str, ...]:
    """The lines of CAPA's answer."""
    return tuple(_lines(state, offer))


def _lines(state: State, offer: Offer) -> Iterator[str]:
    yield "TOP"
    yield "UIDL"
    yield "RESP-CODES"
    yield "AUTH-RESP-CODE"  # RFC 3206 section 6
    yield "PIPELINING"
    yield "EXPIRE NEVER"
    if offer.login_delay:
        yield f"LOGIN-DELAY {offer.login_delay}"  # RFC 2449 section 6.5
    yield "UTF8 USER"  # RFC 6856 section 2.2
    yield "LANG"  # RFC 6856 section 3
    if offer.plaintext:
        yield "USER"
        if offer.mechanisms:
            yield "SASL " + " ".join(offer.mechanisms)
    if offer.stls and state is State.AUTHORIZATION:
        yield "STLS"
    if state is State.TRANSACTION:
        yield f"IMPLEMENTATION {IMPLEMENTATION}"  # RFC 2449 section 6.9 lets strangers go without
