"""`python -m mailkeep_smtp [--config FILE]`."""

from __future__ import annotations

import sys

from mailkeep.net.runtime import run_host
from mailkeep_smtp.server import main

sys.exit(run_host("smtp", main))
