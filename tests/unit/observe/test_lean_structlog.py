"""What a host need not import."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import mailkeep.net.runtime
print("structlog" in sys.modules, "rich" in sys.modules, "twisted" in sys.modules)
import rich.console, twisted.internet.defer
print(rich.console.Console.__name__, twisted.internet.defer.Deferred.__name__)
"""


def test_a_host_starts_without_rich_and_twisted_and_may_import_them_later() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["True False False", "Console Deferred"]
