"""A host that `mailkeep up` started ends with it, even when it is killed by SIGKILL.

The kernel does it (prctl(2) PR_SET_PDEATHSIG): the host gets SIGTERM when its parent dies. A host that was
started by anybody else, a service manager or a shell, is left alone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

VARIABLE = "MAILKEEP_SUPERVISOR_PID"

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_supervisor() -> None:
    """If $MAILKEEP_SUPERVISOR_PID names our parent, ask for SIGTERM at its death; exit if it died."""
    supervisor = os.environ.get(VARIABLE, "")
    if not supervisor.isdigit():
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(supervisor):  # it died before we asked
        raise SystemExit(0)
