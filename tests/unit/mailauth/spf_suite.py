"""The SPF test suite that was published with RFC 7208, where a package has installed it, and its zones as
`Lookups`."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mailkeep.model.dns import Answer, DnsUnavailable, MailExchanger, NoRecords, NoSuchName, TlsAssociation

SUITE = Path("/usr/share/gocode/src/blitiri.com.ar/go/spf/testdata/rfc7208-tests.yml")
PACKAGE = "golang-blitiri-go-spf-dev"  # Debian's; it carries the suite as a file
ALIASES_LIMIT = 8


@dataclass(frozen=True, slots=True)
class Case:
    """One case: who sends, and the results that are right."""

    name: str
    zone: Mapping[str, Sequence[Any]]
    ip: str
    helo: str
    mail_from: str
    results: tuple[str, ...]


def cases() -> Iterator[Case]:
    """All of them."""
    for scenario in yaml.safe_load_all(SUITE.read_text("utf-8")):
        zone = {name.lower().removesuffix("."): records for name, records in scenario["zonedata"].items()}
        for name, case in scenario["tests"].items():
            result = case["result"]
            yield Case(
                f"{scenario['description']}: {name}",
                zone,
                case["host"],
                case["helo"],
                case["mailfrom"] or "",
                tuple(result) if isinstance(result, list) else (result,),
            )


class SuiteLookups:
    """A zone of the suite. Records of the type SPF stand for TXT, unless the name has TXT records too."""

    def __init__(self, zone: Mapping[str, Sequence[Any]]) -> None:
        self._zone = zone

    async def txt(self, name: str) -> Answer[bytes]:
        try:
            found = self._find(name, "TXT").records
        except NoRecords:
            if any(_kind(record) == "TXT" for record in self._zone.get(_key(name), ())):
                raise
            found = self._find(name, "SPF").records
        return Answer(tuple(_text(value) for value in found))

    async def a(self, name: str) -> Answer[str]:
        return self._find(name, "A")

    async def aaaa(self, name: str) -> Answer[str]:
        return self._find(name, "AAAA")

    async def mx(self, name: str) -> Answer[MailExchanger]:
        return Answer(tuple(MailExchanger(*value) for value in self._find(name, "MX").records))

    async def ptr(self, address: str) -> Answer[str]:
        return self._find(ipaddress.ip_address(address).reverse_pointer, "PTR")

    async def tlsa(self, name: str) -> Answer[TlsAssociation]:
        raise NoRecords(name)

    def _find(self, name: str, kind: str) -> Answer[Any]:
        key = _key(name)
        for _ in range(ALIASES_LIMIT):
            records = self._zone.get(key)
            if records is None:
                raise NoSuchName(key)
            found = tuple(
                record[kind] for record in records if _kind(record) == kind and record[kind] != "NONE"
            )
            if found:
                return Answer(found)
            if any(_kind(record) == "TIMEOUT" for record in records):
                raise DnsUnavailable(key)
            aliases = [record["CNAME"] for record in records if _kind(record) == "CNAME"]
            if not aliases:
                raise NoRecords(key)
            key = _key(aliases[0])
        raise DnsUnavailable("aliases go round in a circle")


def _kind(record: Any) -> str:
    return record if isinstance(record, str) else next(iter(record))


def _key(name: str) -> str:
    return name.lower().removesuffix(".")


def _text(value: str | Sequence[str]) -> bytes:
    return ("".join(value) if isinstance(value, list) else value).encode("latin-1", "replace")
