"""How commands answer: a table on a terminal, tab-separated lines into a pipe, JSON with --json.

Text that came from outside is shown without control characters: a name must not steer the terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import click

Row = Mapping[str, Any]


def show_rows(
    rows: Sequence[Row],
    columns: Mapping[str, str],
    *,
    as_json: bool,
    empty: str,
    table: Sequence[str] = (),
) -> None:
    """Rows by their keys; `columns` are the keys to show with their titles, `empty` what to say of none.

    `table` names the columns that a terminal has room for, all if it is empty.
    """
    if as_json:
        _print_json([dict(row) for row in rows])
    elif not rows:
        click.echo(empty, err=True)
    elif sys.stdout.isatty():
        _print_table(rows, {key: columns[key] for key in table or columns})
    else:
        for line in (columns.values(), *([plain(row[key]) for key in columns] for row in rows)):
            click.echo("\t".join(line))


def show_done(facts: Row, sentence: str, *, as_json: bool) -> None:
    """What a command did: `facts` for programs, one sentence for people."""
    if as_json:
        _print_json(dict(facts))
    else:
        click.echo(_clean(sentence))


def show_line(row: Row) -> None:
    """A row as one line of JSON."""
    click.echo(json.dumps(dict(row), default=_json_value, ensure_ascii=False))


def plain(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value) or "-"
    return _clean(str(value)) or "-"


def _print_table(rows: Iterable[Row], columns: Mapping[str, str]) -> None:
    from rich import box  # noqa: PLC0415  only a terminal pays for it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, title in enumerate(columns.values()):
        table.add_column(title, overflow="fold", no_wrap=place == 0)
    for row in rows:
        table.add_row(*(Text(plain(row[key])) for key in columns))
    Console().print(table)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, default=_json_value, indent=2, ensure_ascii=False))


def _json_value(value: object) -> object:
    for kind, convert in _JSON_FORMS.items():
        if isinstance(value, kind):
            return convert(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_JSON_FORMS: dict[type, Callable[[Any], object]] = {
    UUID: str,
    datetime: lambda moment: moment.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    Enum: lambda member: member.value,
}


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
