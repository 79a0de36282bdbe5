"""Pictures of the guide: the live tests take them, and keep them where `make pictures` says so.

A run of the tests takes them too and throws them away, so that one that can no longer be taken is noticed.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from tests.support.hosts import MailkeepUp
from tests.support.programs import program, succeed

KEPT = Path(__file__).parents[2] / "docs" / "pictures"
VARIABLE = "MAILKEEP_PICTURES"  # a directory
OCTETS = 120_000  # of one that is kept: people fetch them with the page
_FEWER_COLOURS = ("-", "+dither", "-colors", "160", "-strip", "png8:-")

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def with_usual_ports(up: MailkeepUp) -> MailkeepUp:
    """Pictures that are kept show the ports that `mailkeep up` has; else a test leaves those alone."""
    if os.environ.get(VARIABLE):
        up.port_base = 2000
    return up


def keep(name: str, png: bytes) -> None:
    """Under docs/pictures, if this run is to; the guide has a picture of this name in any case."""
    assert png.startswith(_SIGNATURE)
    width, height = struct.unpack(">II", png[16:24])
    assert width >= 300, width
    assert height >= 200, height
    directory = os.environ.get(VARIABLE)
    if directory:
        kept = succeed([program("convert"), *_FEWER_COLOURS], stdin=png)
        assert len(kept) <= OCTETS, f"{name} has {len(kept)} octets"
        Path(directory).mkdir(parents=True, exist_ok=True)
        (Path(directory) / f"{name}.png").write_bytes(kept)
    assert (KEPT / f"{name}.png").exists(), f"{name}: make pictures"
