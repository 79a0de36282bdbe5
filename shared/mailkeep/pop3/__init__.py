"""POP3 (RFC 1939) as a machine that does no IO: octets in, commands out; values in, replies out.

`Connection` turns what arrives into frozen commands that are allowed in the present state. `replies`
renders what goes out, `mapping` turns domain errors into -ERR lines, `DotStuffer` and `TopCutter` prepare a
message for the wire chunk by chunk. Nothing here knows a store, a socket or a clock: the host joins them.
"""

from __future__ import annotations

from mailkeep.pop3.capabilities import Offer, capabilities
from mailkeep.pop3.connection import Connection
from mailkeep.pop3.mapping import reply_to
from mailkeep.pop3.replies import Code
from mailkeep.pop3.state import State
from mailkeep.pop3.stuffing import DotStuffer
from mailkeep.pop3.top import TopCutter
from mailkeep.pop3.uidl import unique_id

__all__ = [
    "Code",
    "Connection",
    "DotStuffer",
    "Offer",
    "State",
    "TopCutter",
    "capabilities",
    "reply_to",
    "unique_id",
]
