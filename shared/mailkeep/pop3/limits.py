"""Named limits of the wire, with where each number comes from."""

from __future__ import annotations

COMMAND_LINE_LIMIT = 255
"""Octets of a command with its CRLF (RFC 2449 section 4)."""

SASL_LINE_LIMIT = 25_000
"""Octets of a SASL response, or of an AUTH command that carries one, with CRLF.

RFC 5034 section 4 frees SASL responses from the line limit; the mechanisms take 18 KiB (a token of 16 KiB and
its framing), which base64 makes 24,576 octets. The same RFC asks clients to keep an initial response
within 255 octets; many send it anyway, so AUTH alone may be this long.
"""

REPLY_LINE_LIMIT = 512
"""Octets of the first line of a reply with its CRLF (RFC 2449 section 4)."""

NUMBER_DIGITS = 10
"""Digits of a message-number or a line count that is taken as it is: enough for any maildrop that 32-bit UIDs
can fill. RFC 1939 section 7 permits any count of lines for TOP, so a greater number is no error."""

BEYOND = 10**NUMBER_DIGITS
"""What greater numbers are taken for: more than there are of messages or of lines."""

PIPELINE_LIMIT = 64 * 1024
"""Octets of unread commands kept for one session; beyond, the host stops reading (RFC 2449 section 6.6)."""
