"""Authentication-Results (RFC 8601): one field that says what was checked.

Nothing that a stranger chose goes in unchecked: a value that is neither a name nor an address of ASCII is
quoted or left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailkeep.mailauth.arc import ArcResult
from mailkeep.mailauth.dkim import DkimResult
from mailkeep.mailauth.dmarc import DmarcResult
from mailkeep.mailauth.iprev import IprevResult
from mailkeep.mailauth.spf import SpfResult
from mailkeep.mailauth.verdict import Verdict

VALUE_LIMIT = 320  # octets of one value

# RFC 8601 section 2.2: a token (RFC 2045), or an address of which each part is one.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+(?:@[A-Za-z0-9._-]+)?\Z")


@dataclass(frozen=True, slots=True)
class Results:
    """All that was checked of one message. `mail_from` is "" for the null reverse-path."""

    mail_from: str
    helo: str
    iprev: IprevResult
    spf: SpfResult
    dkim: tuple[DkimResult, ...]
    arc: ArcResult
    dmarc: DmarcResult
    spf_helo: SpfResult | None = None  # of the name in HELO, where MAIL had an identity of its own


def render(identifier: str, results: Results) -> bytes:
    """The field, with its line end. `identifier` is our authserv-id."""
    said = ";\r\n\t".join(_resinfos(results))
    return f"Authentication-Results: {identifier};\r\n\t{said}\r\n".encode("ascii")


def _resinfos(results: Results) -> Iterator[str]:
    iprev, spf, dmarc, arc = results.iprev, results.spf, results.dmarc, results.arc
    yield _resinfo("iprev", iprev.verdict, "", {"policy.iprev": iprev.address})
    if results.spf_helo is not None:
        yield _resinfo("spf", results.spf_helo.verdict, results.spf_helo.reason, {"smtp.helo": results.helo})
    identity = {"smtp.mailfrom": results.mail_from} if results.mail_from else {"smtp.helo": results.helo}
    yield _resinfo("spf", spf.verdict, spf.reason, identity)
    for item in results.dkim:
        properties = {
            "header.d": item.domain,
            "header.s": item.selector,
            "header.a": item.algorithm,
            "header.b": item.short_value,
        }
        yield _resinfo("dkim", item.verdict, item.reason, properties)
    if not results.dkim:
        yield _resinfo("dkim", Verdict.NONE, "", {})
    yield _resinfo("arc", arc.verdict, arc.reason, {"header.d": arc.sealer})
    policy = "" if dmarc.policy is None else dmarc.policy.word
    yield _resinfo(
        "dmarc", dmarc.verdict, dmarc.reason, {"policy.published": policy, "header.from": dmarc.domain}
    )


def _resinfo(method: str, verdict: Verdict, reason: str, properties: dict[str, str]) -> str:
    words = [f"{method}={verdict.value}"]
    if reason:
        words.append(f"reason={_value(reason)}")
    words += [f"{name}={_value(value)}" for name, value in properties.items() if value and value.isascii()]
    return "\r\n\t ".join(words) if sum(map(len, words)) > 90 else " ".join(words)


def _value(text: str) -> str:
    text = "".join(char if char.isascii() and char.isprintable() else "?" for char in text[:VALUE_LIMIT])
    if _TOKEN.match(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
