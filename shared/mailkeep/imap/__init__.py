"""The IMAP protocol as a pure machine: octets in, frozen commands out; frozen responses in, octets out.

The way of a command: `framing.Framer` cuts it from the stream, `parser.parse` makes a frozen dataclass
of it, `state.check` says whether it may be given now, the host acts, `responses` renders the
answer, and `codes` turns domain errors into tagged answers. Nothing here does IO, knows the store, or
waits. `errors.ImapSyntaxError` (with its kinds) is the only exception that a client's octets can cause.
"""
