"""A signature as its field holds it, and the octets that it signs (RFC 6376 sections 3.5 and 3.7)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mailkeep.errors import InvalidName
from mailkeep.mailauth import tags
from mailkeep.mailauth.canonical import BodyForm, header_field
from mailkeep.mailauth.tags import TagSyntax
from mailkeep.model.address import normal_domain

NAMES_LIMIT = 500  # in h=, each of which costs a search

_SIGNATURE_VALUE = re.compile(rb"((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_NUMBER = re.compile(r"[0-9]{1,20}\Z")

Fields = Sequence[tuple[bytes, bytes]]  # (name as written, raw octets), in the order of the message


@dataclass(frozen=True, slots=True)
class Signature:
    """DKIM-Signature, or ARC-Message-Signature, which has the same tags. `raw` is the whole field.

    `identity` is i= without its local part; `body` says how the body is hashed.
    """

    raw: bytes = field(repr=False)
    algorithm: str
    domain: str
    selector: str
    value: bytes = field(repr=False)
    body_hash: bytes = field(repr=False)
    names: tuple[str, ...]
    relaxed_header: bool
    body: BodyForm
    identity: str
    timestamp: int | None = None
    expiration: int | None = None

    @property
    def key_name(self) -> str:
        """Where its key is published (section 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def short_value(self) -> str:
        """Enough of b= to tell several signatures apart (RFC 6008)."""
        return base64.b64encode(self.value[:6]).decode("ascii")

    def signed_octets(self, fields: Fields) -> bytes:
        """What the signature is of: the fields that h= names, and its own without b=."""
        chosen = select(fields, self.names)
        octets = [header_field(raw, self.relaxed_header) for raw in chosen]
        return b"".join(octets) + own_octets(self.raw, self.relaxed_header)


def parse(raw: bytes) -> Signature:
    """A DKIM-Signature field. Raises TagSyntax with what is wrong."""
    found = tags.parse(raw.partition(b":")[2])
    if found.get("v") != "1":
        raise TagSyntax("The version is not 1.")
    identity = normal(found["i"].rpartition("@")[2]) if "i" in found else ""
    signature = from_tags(raw, found, identity)
    if not _is_within(signature.identity, signature.domain):
        raise TagSyntax("The identity is not of the signing domain.")
    return signature


def domain_of(raw: bytes) -> str:
    """Who says to have signed, also where the rest cannot be read; "" for nobody."""
    try:
        return normal(tags.parse(raw.partition(b":")[2]).get("d", ""))
    except TagSyntax:
        return ""


def from_tags(raw: bytes, found: Mapping[str, str], identity: str) -> Signature:
    """The tags that DKIM and ARC share. Raises TagSyntax."""
    for tag in ("a", "b", "bh", "d", "h", "s"):
        if not found.get(tag):
            raise TagSyntax(f"The tag {tag} is missing.")
    header, _, body = found.get("c", "simple/simple").lower().partition("/")
    if {header, body or "simple"} - {"simple", "relaxed"}:
        raise TagSyntax("The canonicalization is not known.")
    if "dns/txt" not in tags.items(found.get("q", "dns/txt")):
        raise TagSyntax("The key cannot be asked for in that way.")
    names = tags.items(found["h"])
    if "from" not in names or len(names) > NAMES_LIMIT:
        raise TagSyntax("The field from is not signed, or too many are.")  # section 3.5, h=
    domain = normal(found["d"])
    return Signature(
        raw=raw,
        algorithm=found["a"].lower(),
        domain=domain,
        selector=tags.without_space(found["s"]).lower(),
        value=decoded(found["b"]),
        body_hash=decoded(found["bh"]),
        names=names,
        relaxed_header=header == "relaxed",
        body=BodyForm(body == "relaxed", number(found, "l")),
        identity=identity or domain,
        timestamp=number(found, "t"),
        expiration=number(found, "x"),
    )


def select(fields: Fields, names: Iterable[str]) -> list[bytes]:
    """The fields that h= names: of those with one name the lowest first, and nothing once they are used up
    (section 5.4.2)."""
    waiting: dict[bytes, list[bytes]] = {}
    for name, raw in fields:
        waiting.setdefault(name.lower(), []).append(raw)
    chosen = []
    for wanted in names:
        left = waiting.get(wanted.encode())
        if left:
            chosen.append(left.pop())
    return chosen


def own_octets(raw: bytes, relaxed: bool) -> bytes:
    """A signature's own field as it is signed: without the value of b=, without its line end."""
    name, colon, value = raw.partition(b":")
    emptied = name + colon + _SIGNATURE_VALUE.sub(rb"\1", value.rstrip(b"\r\n"), count=1)
    return header_field(emptied, relaxed).removesuffix(b"\r\n")


def normal(domain: str) -> str:
    """Raises TagSyntax if it is none."""
    try:
        return normal_domain(tags.without_space(domain))
    except InvalidName:
        raise TagSyntax("The domain is not one.") from None


def decoded(value: str) -> bytes:
    """base64 with white space in it. Raises TagSyntax."""
    try:
        return base64.b64decode(tags.without_space(value), validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters beyond ASCII
        raise TagSyntax("A value is not base64.") from None


def number(found: Mapping[str, str], tag: str) -> int | None:
    """Raises TagSyntax."""
    if tag not in found:
        return None
    if not _NUMBER.match(found[tag]):
        raise TagSyntax(f"The tag {tag} is not a number.")
    return int(found[tag])


def _is_within(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")
