"""DNS records for people who paste them into a zone, and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click

from mailkeep_cli.output import show_done

STRING_LIMIT = 255  # octets of one string of a TXT record (RFC 1035 section 3.3)


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """`value` is as in a zone file, except that a TXT record's text has no quotes; `note` says what for."""

    name: str
    type: str
    value: str
    note: str = ""

    def line(self) -> str:
        """One line of a zone file (RFC 1035 section 5.1)."""
        value = _quoted(self.value) if self.type == "TXT" else self.value
        return f"{self.name}. IN {self.type} {value}"


def show_records(records: Sequence[DnsRecord], *, as_json: bool) -> None:
    """A piece of a zone file, or JSON."""
    if as_json:
        show_done({"records": [asdict(record) for record in records]}, "", as_json=True)
        return
    said = ""
    for record in records:
        if record.note and record.note != said:
            click.echo(f"; {record.note}")
            said = record.note
        click.echo(record.line())


def _quoted(text: str) -> str:
    parts = [text[at : at + STRING_LIMIT] for at in range(0, len(text), STRING_LIMIT)]
    quoted = [f'"{part}"' for part in parts]
    return quoted[0] if len(quoted) == 1 else f"( {' '.join(quoted)} )"
