"""The machine: its clock and its disk."""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from mailkeep.model.finding import Finding, failure, ok, unknown, warning
from mailkeep.settings import Settings

FREE_OCTETS = 1 << 30
FREE_PART = 0.05
_TIMEX_OCTETS = 208  # struct timex, adjtimex(2); all zeros asks and sets nothing
_TIME_ERROR = 5  # the clock is not synchronized


def check(settings: Settings) -> Iterator[Finding]:
    """Both."""
    yield _clock()
    yield _disk(settings.store.data_dir)


def _clock() -> Finding:
    if sys.platform != "linux":
        return unknown("time", "Only Linux says whether its clock is right.", "Look yourself.")
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_OCTETS))
    if state < 0:
        return unknown("time", "The kernel does not say whether its clock is right.", "timedatectl may know.")
    if state == _TIME_ERROR:
        mend = "Install and start chrony or systemd-timesyncd."
        return warning("time", "Nobody sets this machine's clock: tokens and TLS will fail some day.", mend)
    return ok("time", "The clock is set by a time server.")


def _disk(data_dir: str) -> Finding:
    path = Path(data_dir).absolute()
    while not path.exists():
        path = path.parent
    usage = shutil.disk_usage(path)
    told = f"{usage.free / (1 << 30):.1f} GiB are free where '{data_dir}' lies."
    if usage.free < FREE_OCTETS // 8:
        return failure("disk", told, "Mail is refused when it is full: make room now.")
    if usage.free < FREE_OCTETS or usage.free < FREE_PART * usage.total:
        return warning("disk", told, "Make room, or move the store by mailkeep backup and restore.")
    return ok("disk", told)
