"""What `mailkeep up` tells when all is ready: a table for people, a JSON file for programs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from mailkeep_cli.up_plan import DEMO_DOMAIN, LISTENERS, UpPlan
from mailkeep_cli.up_provision import Provisioned

_ROWS = (
    ("IMAP", "imaps", "SSL/TLS"),
    ("IMAP", "imap", "STARTTLS"),
    ("POP3", "pop3s", "SSL/TLS"),
    ("POP3", "pop3", "STARTTLS"),
    ("SMTP (sending)", "submissions", "SSL/TLS"),
    ("SMTP (sending)", "submission", "STARTTLS"),
    ("SMTP (from servers)", "mx", "STARTTLS"),
)


def ready_object(plan: UpPlan, made: Provisioned, ca_file: Path) -> dict[str, object]:
    """The ready file's content. Keys are in it only on the start that minted them."""
    ready: dict[str, object] = {}
    if made.address:
        ready |= {"domain": DEMO_DOMAIN, "address": made.address}
    if made.api_key:
        ready["api_key"] = made.api_key
    if made.internal_key:
        ready["internal_key"] = made.internal_key
    ready["ca_file"] = str(ca_file)
    for listener in LISTENERS:
        endpoint = plan.client_endpoint(listener)
        ready[listener] = {"host": endpoint.host, "port": endpoint.port}
    ready["api"] = {"url": plan.api_url}
    return ready


def print_table(plan: UpPlan, made: Provisioned, ca_file: Path, seconds: float) -> None:
    """Client settings, and the key if it is new, to standard output."""
    from rich.console import Console  # noqa: PLC0415  imported while nobody waits for it
    from rich.table import Table  # noqa: PLC0415

    table = Table(title="Client settings", title_justify="left")
    for heading in ("Protocol", "Host", "Port", "Security", "User name"):
        table.add_column(heading, no_wrap=True)
    user_name = made.address or "your address"
    for protocol, listener, security in _ROWS:
        endpoint = plan.client_endpoint(listener)
        table.add_row(
            protocol, endpoint.host, str(endpoint.port), security, "" if listener == "mx" else user_name
        )
    console = Console(soft_wrap=True, highlight=False)
    # Never narrower than its content: a shortened host or user name is of no use.
    console.print(table, width=max(console.width, console.measure(table).maximum))
    console.print(f"Console and API: {plan.api_url}/", markup=False)
    console.print(f"Clients trust:   {ca_file}", markup=False)
    if made.api_key:
        console.print("Password (an API key, shown this once):", markup=False)
        console.print(f"  {made.api_key}", markup=False)
    elif made.address:
        console.print("Password: the API key that the first start showed, or a new one:", markup=False)
        console.print(f"  {_command()} keys create {made.address}{_where(plan)}", markup=False)
    console.print(f"Ready in {seconds:.1f} s. Ctrl-C stops.", markup=False)


def _command() -> str:
    """The command as this user can type it: `mailkeep`, or `.venv/bin/mailkeep`."""
    if shutil.which("mailkeep"):
        return "mailkeep"
    called = Path(sys.argv[0])
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


def _where(plan: UpPlan) -> str:
    """The option that names the same store, if it is not where commands look by themselves."""
    if plan.database:
        return " --database ..."
    return "" if plan.data_dir == Path("data").absolute() else f" --data-dir {plan.data_dir}"
