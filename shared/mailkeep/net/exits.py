"""The exit codes of every process: those of sysexits(3), as service managers and mail software use them.

A module of its own, so that a supervisor can know them without the loop and the logs of a host.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAULT = 70  # EX_SOFTWARE
EXIT_UNAVAILABLE = 75  # EX_TEMPFAIL: starting again later may help
EXIT_SETTINGS = 78  # EX_CONFIG: starting again does not help
