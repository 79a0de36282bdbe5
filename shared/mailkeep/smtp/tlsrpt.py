"""TLSRPT records (RFC 8460 section 3): where a domain wants to hear of TLS that failed.

Read and made here, for operators who look at their own zone. Reports themselves are not sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mailkeep.errors import PeerError

VERSION = "v=TLSRPTv1"
PREFIX = "_smtp._tls"  # section 3: the record's name is that of the domain with this before it
URIS_LIMIT = 20

_BEGINNING = re.compile(r"v=TLSRPTv1[ \t]*(?:;|\Z)")
_URI = re.compile(r"(?:mailto:[^\s@,;!]+@[^\s@,;!]+|https://[^\s,;!]+)\Z", re.IGNORECASE)


class RecordInvalid(PeerError):
    """The record is none that senders of reports would use."""


def record_text(*uris: str) -> str:
    """The TXT record's text for these places."""
    return f"{VERSION}; rua={','.join(uris)}"


def find_record(texts: Iterable[bytes]) -> tuple[str, ...] | None:
    """The places that the one record names; None if there is no record.

    Raises RecordInvalid if there are several, for then senders act as if there were none, and if it names no
    place that a report could go to.
    """
    decoded = (text.decode("ascii", "replace") for text in texts)
    found = [text for text in decoded if _BEGINNING.match(text)]
    if len(found) > 1:
        raise RecordInvalid("There are several TLSRPT records, and senders heed none of them.")
    return _uris(found[0]) if found else None


def _uris(text: str) -> tuple[str, ...]:
    for part in text.split(";")[1:]:
        name, equals, value = part.partition("=")
        if name.strip() != "rua" or not equals:
            continue  # other fields are for later versions (section 3)
        uris = tuple(uri.strip() for uri in value.split(","))
        wrong = [uri for uri in uris if not _URI.match(uri)]
        if wrong or len(uris) > URIS_LIMIT:
            raise RecordInvalid("rua= names mailto: and https: addresses, with commas between them.")
        return uris
    raise RecordInvalid("The record does not say where reports go (rua=).")
