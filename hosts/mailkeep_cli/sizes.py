"""Amounts as an operator types and reads them: `500M`, `2G`, `none`, `default`."""

from __future__ import annotations

import re

import click

DEFAULT = "default"
NONE = "none"
_FORM = re.compile(r"([0-9]{1,15})([KMGT]?)", re.IGNORECASE)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class LimitType(click.ParamType["int | str"]):
    """A limit: a number above zero with an optional unit, 0 for `none`, the word `default` as it is."""

    name = "limit"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Anything else is a usage error."""
        if isinstance(value, int):
            return value
        word = value.strip().casefold()
        if word in {DEFAULT, NONE}:
            return DEFAULT if word == DEFAULT else 0
        found = _FORM.fullmatch(word)
        if found is None or not int(found[1]):
            self.fail(f"'{value}' is not a number, with K, M, G or T, nor 'none' nor 'default'.", param, ctx)
        return int(found[1]) * _UNITS[found[2].upper()]


LIMIT = LimitType()


def shown_size(octets: int) -> str:
    """Octets in the largest unit that leaves a number of at least one."""
    for unit in ("T", "G", "M", "K"):
        if octets >= _UNITS[unit]:
            return f"{octets / _UNITS[unit]:.1f}".removesuffix(".0") + unit
    return str(octets)
