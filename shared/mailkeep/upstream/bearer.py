"""The client's half of XOAUTH2 and OAUTHBEARER (RFC 7628): what is said, and what a refusal says.

A server that refuses a token sends a challenge with JSON in it before it fails; the mechanisms want one more
answer then, an empty one or a single %x01. What the JSON says becomes a plain message.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Collection

from mailkeep.upstream.errors import plain

MECHANISMS = ("XOAUTH2", "OAUTHBEARER")
"""In the order of preference: Gmail and Outlook know the first best, and so do the servers that copy them."""


def choose(offered: Collection[str]) -> str:
    """The mechanism to use among those offered, "" if there is none."""
    upper = {name.upper() for name in offered}
    return next((name for name in MECHANISMS if name in upper), "")


def initial_response(mechanism: str, user: str, token: str, host: str, port: int) -> bytes:
    """The first and only message of the mechanism."""
    if mechanism == "XOAUTH2":
        return f"user={user}\1auth=Bearer {token}\1\1".encode()
    # RFC 7628 section 3.1; RFC 5801 section 4: "=" and "," are escaped in the gs2 header.
    name = user.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\1host={host}\1port={port}\1auth=Bearer {token}\1\1".encode()


def final_response(mechanism: str) -> bytes:
    """The answer to the challenge that carries the error (RFC 7628 section 3.2.3)."""
    return b"" if mechanism == "XOAUTH2" else b"\1"


def explain(challenge: bytes) -> str:
    """What the error challenge says, decoded or in base64, as a short plain text."""
    octets = challenge
    if not challenge.lstrip().startswith(b"{"):
        try:
            octets = b64decode(challenge, validate=True)
        except binascii.Error:
            return plain(challenge.decode("utf-8", "replace"))
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError):
        return plain(octets.decode("utf-8", "replace"))
    if not isinstance(found, dict):
        return ""
    said = [f"{name} {found[name]}" for name in ("status", "scope") if isinstance(found.get(name), str)]
    return plain(", ".join(said))
