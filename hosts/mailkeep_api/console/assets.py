"""The console's script and style, as they lie in the package: nothing is built or comes from elsewhere."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, Request, Response

from mailkeep.errors import NotFound
from mailkeep_api.console.pages import HEADERS

router = APIRouter(prefix="/console/assets", include_in_schema=False)

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_FILES = {
    file.name: file.read_bytes()
    for file in files(__package__).joinpath("static").iterdir()
    if file.name.endswith(tuple(_TYPES))
}
_TAGS = {name: f'"{sha256(octets).hexdigest()[:32]}"' for name, octets in _FILES.items()}


@router.get("/{name}")
async def asset(name: str, request: Request) -> Response:
    """A browser asks each time whether it has changed: an upgrade is seen at once."""
    if name not in _FILES:
        raise NotFound("There is no such file.")
    headers = {**HEADERS, "Cache-Control": "no-cache", "ETag": _TAGS[name]}
    if request.headers.get("if-none-match") == _TAGS[name]:
        return Response(status_code=304, headers=headers)
    return Response(_FILES[name], media_type=_TYPES["." + name.rpartition(".")[2]], headers=headers)
