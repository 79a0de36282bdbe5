"""`mailkeep oauth`: the first sign-in to a mail account elsewhere.

Tokens go into a file of mode 0600 and nowhere else: none is printed, not even a part.
"""

from __future__ import annotations

import asyncio
import os
import sys
import webbrowser
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import click

from mailkeep.upstream.accounts import MailProtocol
from mailkeep.upstream.bootstrap.flow import Bootstrap, Tokens
from mailkeep.upstream.bootstrap.listener import redirect_listener
from mailkeep.upstream.bootstrap.plan import KINDS, BootstrapPlan, plan_from
from mailkeep.upstream.environment import DEFAULT_PREFIX, Names
from mailkeep.upstream.errors import UpstreamError
from mailkeep.upstream.secrets_file import read_env_file, write_env_file
from mailkeep_cli.context import PlainError

SIGN_IN_SECONDS = 600.0


@click.group()
def oauth() -> None:
    """Sign in to mail accounts elsewhere."""


@oauth.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("kind", type=click.Choice(KINDS))
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="[default: ./KIND_oauth.local.env]"
)
@click.option("--prefix", default=DEFAULT_PREFIX, show_default=True, help="Of the variables in the file.")
@click.option("--device", is_flag=True, help="Sign in on another device: for machines without a browser.")
@click.option("--paste", is_flag=True, help="Do not listen for the browser; paste the address it ends up at.")
@click.option("--dry-run", is_flag=True, help="Print the address and end.")
def bootstrap(  # noqa: PLR0917  one parameter an option
    kind: str, output: Path | None, prefix: str, device: bool, paste: bool, dry_run: bool
) -> None:
    """Sign in to an outlook, gmail or oidc account and keep its tokens in a file of mode 0600.

    \b
    From the environment:
      CLIENT_ID       what the provider calls this program (needed)
      CLIENT_SECRET   if it is a confidential client
      TENANT          Microsoft's: a tenant, common, organizations, consumers  [common]
      ISSUER          of an oidc account
      REDIRECT_URI    [http://127.0.0.1:8765/callback]
      SCOPE           what to ask for
      CA_FILE         PEM of a private CA

    \b
    Examples:
      CLIENT_ID=9c1e... mailkeep oauth bootstrap outlook
      CLIENT_ID=9c1e... mailkeep oauth bootstrap outlook --device --output /etc/mailkeep/work.local.env
    """
    try:
        names = Names(prefix)
        plan = plan_from(kind, os.environ)
        path = output or Path(f"{kind}_oauth.local.env")
        asyncio.run(_run(plan, names, path, device=device, paste=paste, dry_run=dry_run))
    except UpstreamError as error:
        raise PlainError(str(error), "mailkeep oauth bootstrap -h says what may be set.") from None


async def _run(
    plan: BootstrapPlan, names: Names, path: Path, *, device: bool, paste: bool, dry_run: bool
) -> None:
    flow = Bootstrap(plan)
    try:
        await flow.prepare()
        if dry_run:
            click.echo(flow.url)
            return
        tokens = await (_by_device(flow) if device else _by_browser(flow, paste=paste))
        await asyncio.to_thread(_keep, tokens, names, path)
    finally:
        await flow.close()
    _tell(tokens, path)


async def _by_device(flow: Bootstrap) -> Tokens:
    code = await flow.device()
    click.echo(f"On any device, open {code.verification_uri} and enter the code {code.user_code}")
    return await flow.wait_for_device(code)


async def _by_browser(flow: Bootstrap, *, paste: bool) -> Tokens:
    place = None if paste else flow.plan.listens_at
    click.echo(f"Open this address and agree:\n\n{flow.url}\n")
    if place is None:
        returned = await asyncio.to_thread(click.prompt, "Paste the address that you end up at, or its code")
        return await flow.finish(flow.code_of(returned))
    async with redirect_listener(*place) as future:
        if sys.stdout.isatty():
            with suppress(webbrowser.Error):
                await asyncio.to_thread(webbrowser.open, flow.url)
        try:
            async with asyncio.timeout(SIGN_IN_SECONDS):
                query = await future
        except TimeoutError:
            raise PlainError("Nobody came back from the provider in time.", "Begin again.") from None
    return await flow.finish(flow.code_of(query))


def _keep(tokens: Tokens, names: Names, path: Path) -> None:
    """What else stands in the file stays."""
    values = read_env_file(path) if path.exists() else {}
    for protocol in MailProtocol:
        values[names.token(protocol)] = tokens.access.token
        values.pop(names.expires_at(protocol), None)
        if tokens.access.expires_at is not None:
            values[names.expires_at(protocol)] = str(int(tokens.access.expires_at.timestamp()))
    if tokens.refresh_token:
        values[names.refresh_token] = tokens.refresh_token
    write_env_file(path, values)


def _tell(tokens: Tokens, path: Path) -> None:
    until = tokens.access.expires_at
    click.echo(f"Signed in. The tokens are in {path}, readable by you alone.")
    if until is not None:
        click.echo(f"The access token ends at {datetime.isoformat(until.astimezone(), timespec='minutes')}.")
    if not tokens.refresh_token:
        click.echo("The provider gave no refresh token: sign in again when it has ended.")
