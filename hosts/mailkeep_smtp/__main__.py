"""`python -m mailkeep_smtp [--config FILE]`: the SMTP host as a process of its own."""

from __future__ import annotations

import sys

from mailkeep.net.lifecycle import Lifecycle
from mailkeep.net.runtime import run_host
from mailkeep.settings import Settings


async def _main(settings: Settings, lifecycle: Lifecycle) -> None:
    # Within the runtime's frame, which makes imports cheaper and has refused bad settings by now.
    from mailkeep_smtp.server import main  # noqa: PLC0415

    await main(settings, lifecycle)


if __name__ == "__main__":
    sys.exit(run_host("smtp", _main))
