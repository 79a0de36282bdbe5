"""What this host says that it can do, and when. Nothing stands here that does not fully work.

One transcript test for each word holds this file to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.imap.response_codes import CapabilityCode
from mailkeep.imap.state import State
from mailkeep.imap.threads import ALGORITHMS
from mailkeep.sasl import MECHANISMS

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

CONDSTORE = "CONDSTORE"
QRESYNC = "QRESYNC"
IMAP4REV2 = "IMAP4rev2"
UTF8_ACCEPT = "UTF8=ACCEPT"
UIDONLY = "UIDONLY"
BEFORE_LOGIN = ("IMAP4rev1", IMAP4REV2, "LITERAL+", "SASL-IR", "ID", "ENABLE")
AFTER_LOGIN = (
    "IMAP4rev1",
    IMAP4REV2,
    "LITERAL+",
    "SASL-IR",
    "ID",
    "ENABLE",
    "IDLE",
    "UIDPLUS",
    "MOVE",
    "NAMESPACE",
    "UNSELECT",
    "SPECIAL-USE",
    "CHILDREN",
    CONDSTORE,
    QRESYNC,
    "ESEARCH",
    "SEARCHRES",
    "WITHIN",
    "SEARCH=FUZZY",
    "OBJECTID",
    "SAVEDATE",
    "PREVIEW",
    "BINARY",
    "PARTIAL",
    UIDONLY,
    "INPROGRESS",
    "I18NLEVEL=1",
    UTF8_ACCEPT,
    "STATUS=SIZE",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "CREATE-SPECIAL-USE",
    "MULTIAPPEND",
    "CATENATE",
    "URLAUTH",
    "URL-PARTIAL",
    "REPLACE",
    "SORT",
    "SORT=DISPLAY",
    "ESORT",
    "CONTEXT=SEARCH",
    "MULTISEARCH",
    "NOTIFY",
    "ACL",
    "RIGHTS=texk",
    "LIST-MYRIGHTS",
    "METADATA",
    "LIST-METADATA",
    "QUOTA",
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
    *(f"THREAD={algorithm}" for algorithm in ALGORITHMS),
)
UNCOMPRESSED = ("UNAUTHENTICATE", "COMPRESS=DEFLATE")  # offered until compression begins


def capability_code(session: Session) -> bytes:
    """The response code that saves the client a round trip (RFC 9051 section 7.1)."""
    return CapabilityCode(capabilities(session)).encode()


def capabilities(session: Session) -> tuple[str, ...]:
    """The words for this session as it stands."""
    if session.state is not State.NOT_AUTHENTICATED:
        more = UNCOMPRESSED if session.compression is None else ()
        return (*AFTER_LOGIN, *more, f"APPENDLIMIT={session.host.imap.max_append_size}")  # RFC 7889
    words = list(BEFORE_LOGIN)
    if session.host.tls is not None and not session.peer.tls:
        words.append("STARTTLS")
    if session.is_private:
        words += [f"AUTH={mechanism}" for mechanism in MECHANISMS]
    else:
        words.append("LOGINDISABLED")  # RFC 9051 section 6.2.3
    return tuple(words)
