"""The SignalR hub protocol in JSON, without IO: records out of frames, messages in and out.

Only what a server-to-client hub needs (ASP.NET Core's "Hub Protocol", its JSON encoding): the handshake,
pings, invocations of the client, and the close. A client that invokes us is told that there is nothing to
invoke. Everything else that the protocol has is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import msgspec

from mailkeep_api.hub import HubEvent

RECORD_END = b"\x1e"
FRAME_LIMIT = 32 * 1024  # octets: what a client sends has a few dozen
RECORDS_LIMIT = 100  # in one frame


class Kind(IntEnum):
    """Message types of the protocol."""

    INVOCATION = 1
    COMPLETION = 3
    STREAM_INVOCATION = 4
    PING = 6
    CLOSE = 7


PING = b'{"type":6}' + RECORD_END
HANDSHAKE_DONE = b"{}" + RECORD_END


@dataclass(frozen=True, slots=True)
class Incoming:
    """What of a client's message matters here."""

    kind: int
    invocation_id: str = ""


class ProtocolError(Exception):
    """The client does not speak this protocol; the text may be shown to it."""


class _Handshake(msgspec.Struct):
    protocol: str
    version: int


class _Message(msgspec.Struct, rename="camel"):
    type: int = 0
    invocation_id: str = ""


_handshake = msgspec.json.Decoder(_Handshake)
_message = msgspec.json.Decoder(_Message)


def records(frame: bytes) -> list[bytes]:
    """The records of a frame. Raises ProtocolError if the last is not finished, or there are too many."""
    if not frame.endswith(RECORD_END):
        raise ProtocolError("A record ends with 0x1E.")
    found = frame[:-1].split(RECORD_END)
    if len(found) > RECORDS_LIMIT:
        raise ProtocolError("A frame holds too many records.")
    return found


def check_handshake(record: bytes) -> None:
    """Raises ProtocolError unless the client wants JSON, version 1."""
    try:
        wanted = _handshake.decode(record)
    except msgspec.MsgspecError:
        raise ProtocolError("The handshake is not one.") from None
    if wanted.protocol != "json":
        raise ProtocolError("The only protocol is 'json'.")
    if wanted.version != 1:
        raise ProtocolError("The only version is 1.")


def incoming(record: bytes) -> Incoming:
    """A message after the handshake. Raises ProtocolError."""
    try:
        found = _message.decode(record)
    except msgspec.MsgspecError:
        raise ProtocolError("A message is a JSON object with a type.") from None
    return Incoming(found.type, found.invocation_id)


def answer_to(message: Incoming) -> bytes:
    """What a client hears that invokes something and waits for it; b"" if it does not wait."""
    if message.kind not in {Kind.INVOCATION, Kind.STREAM_INVOCATION} or not message.invocation_id:
        return b""
    return _record(
        {
            "type": Kind.COMPLETION,
            "invocationId": message.invocation_id,
            "error": "This hub has no methods to invoke.",
        }
    )


def refusal(error: ProtocolError) -> bytes:
    """The answer to a handshake that failed."""
    return _record({"error": str(error)})


def close(error: str = "", *, allow_reconnect: bool = True) -> bytes:
    """The last record of a connection."""
    told = {"error": error} if error else {}
    return _record({"type": Kind.CLOSE, **told, "allowReconnect": allow_reconnect})


def invocation(event: HubEvent) -> bytes:
    """An event as the client's method of its name, with its data as the one argument."""
    name = msgspec.json.encode(event.name)
    return b'{"type":1,"target":%b,"arguments":[%b]}' % (name, event.text) + RECORD_END


def _record(value: dict[str, object]) -> bytes:
    return msgspec.json.encode(value) + RECORD_END
