"""Answers that a test gives in place of a name server: texts and addresses by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mailkeep.model.dns import Answer, DnsUnavailable, MailExchanger, NoRecords, NoSuchName, TlsAssociation

Records = Mapping[str, Sequence[str]]


class DnsAnswers:
    """Lookups from tables. A name in `broken` has no answer now; `asked` is what was asked for, in order."""

    def __init__(
        self,
        txt: Records | None = None,
        a: Records | None = None,
        aaaa: Records | None = None,
        ptr: Records | None = None,
        broken: Sequence[str] = (),
    ) -> None:
        self._tables = {"txt": txt or {}, "a": a or {}, "aaaa": aaaa or {}, "ptr": ptr or {}}
        self._broken = broken
        self.asked: list[str] = []

    async def txt(self, name: str) -> Answer[bytes]:
        return Answer(tuple(text.encode() for text in self._find("txt", name)))

    async def a(self, name: str) -> Answer[str]:
        return Answer(self._find("a", name))

    async def aaaa(self, name: str) -> Answer[str]:
        return Answer(self._find("aaaa", name))

    async def ptr(self, address: str) -> Answer[str]:
        return Answer(self._find("ptr", address))

    async def mx(self, name: str) -> Answer[MailExchanger]:
        raise NoRecords(name)

    async def tlsa(self, name: str) -> Answer[TlsAssociation]:
        raise NoRecords(name)

    def _find(self, kind: str, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        if name in self._broken:
            raise DnsUnavailable(name)
        found = self._tables[kind].get(name)
        if found is None:
            known = any(name in table for table in self._tables.values())
            raise NoRecords(name) if known else NoSuchName(name)
        return tuple(found)
