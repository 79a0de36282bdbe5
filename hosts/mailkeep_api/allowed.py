"""Which methods a resource has (RFC 9110 section 10.2.1). The framework names those of one route, and a path
may have several routes."""

from __future__ import annotations

import re
from functools import cache

from fastapi import FastAPI

_METHODS = frozenset(("get", "put", "post", "patch", "delete"))


def methods_at(app: FastAPI, path: str) -> list[str]:
    """The documented methods of whatever is at this path, sorted; none for what is not documented."""
    found = {
        method.upper()
        for template, methods in app.openapi()["paths"].items()
        if _pattern(template).match(path)
        for method in methods
        if method in _METHODS
    }
    return sorted(found)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """Parameters of paths are ids."""
    return re.compile(re.sub(r"\\\{\w+\\\}", r"[0-9a-fA-F-]{32,36}", re.escape(template)) + r"\Z")
