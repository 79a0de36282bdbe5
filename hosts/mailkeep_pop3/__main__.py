"""`python -m mailkeep_pop3`: the POP3 host as a process of its own."""

from __future__ import annotations

import sys

from mailkeep.net.runtime import run_twisted_host
from mailkeep_pop3.server import serve

if __name__ == "__main__":
    sys.exit(run_twisted_host("pop3", serve))
