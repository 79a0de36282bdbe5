"""Which methods a resource has (RFC 9110 section 10.2.1). The framework names those of one route, and a path
may have several routes."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.routing import APIRoute


def methods_at(app: FastAPI, path: str) -> list[str]:
    """The documented methods of whatever is at this path, sorted; none for what is not documented."""
    found = {
        method
        for route in app.routes
        if isinstance(route, APIRoute) and route.include_in_schema and route.path_regex.match(path)
        for method in route.methods or ()
    }
    return sorted(found)
