"""`python -m mailkeep_pop3`: the POP3 host as a process of its own."""

from __future__ import annotations

import sys

from mailkeep.net.lifecycle import Lifecycle
from mailkeep.net.runtime import run_twisted_host
from mailkeep.settings import Settings


async def _main(settings: Settings, lifecycle: Lifecycle) -> None:
    # Within the runtime's frame, which makes imports cheaper and has refused bad settings by now.
    from mailkeep_pop3.server import serve  # noqa: PLC0415

    await serve(settings, lifecycle)


if __name__ == "__main__":
    sys.exit(run_twisted_host("pop3", _main))
