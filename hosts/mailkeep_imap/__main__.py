"""`python -m mailkeep_imap [--config FILE]`"""

from __future__ import annotations

import sys

from mailkeep.net.lifecycle import Lifecycle
from mailkeep.net.runtime import run_twisted_host
from mailkeep.settings import Settings


def run() -> int:
    """Run the host to its end."""
    return run_twisted_host("imap", _main)


async def _main(settings: Settings, lifecycle: Lifecycle) -> None:
    # Twisted may only be imported once the runtime has installed its reactor.
    from mailkeep_imap.server import main  # noqa: PLC0415

    await main(settings, lifecycle)


if __name__ == "__main__":
    sys.exit(run())
