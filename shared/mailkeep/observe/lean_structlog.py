"""structlog without Rich and Twisted, which it imports wherever they are installed.

No host shows tracebacks in colour, and structlog's part for Twisted is not used: the two cost every process 8
MiB and a fifth of a second. Whatever wants them later imports them as ever; what is imported already stays.
"""

from __future__ import annotations

import sys

BROUGHT_ALONG = ("rich", "better_exceptions", "twisted")


def load() -> None:
    """Import structlog. Once it is imported, nothing changes any more."""
    absent = [name for name in BROUGHT_ALONG if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # how an import is made to fail: importlib's docs
    try:
        import structlog  # noqa: F401, PLC0415
    finally:
        for name in absent:
            del sys.modules[name]


load()
