"""`python -m mailkeep_api`: the API host as a process of its own."""

from __future__ import annotations

import sys

from mailkeep.net.runtime import run_host
from mailkeep_api.server import serve

if __name__ == "__main__":
    sys.exit(run_host("api", serve))
