"""`mailkeep tokens`: access tokens for development, where there is no issuer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from mailkeep.errors import SettingsError
from mailkeep.model.address import Address
from mailkeep.model.scope import USER_SCOPES, Scope, parse_scopes
from mailkeep.settings import Settings
from mailkeep_cli.context import CommandContext, PlainError, store_command
from mailkeep_cli.expiry import EXPIRY
from mailkeep_cli.output import show_done
from mailkeep_cli.people import ADDRESS
from mailkeep_cli.up_files import development_key_file

SCOPE_NAMES = [scope.value for scope in Scope if scope in USER_SCOPES]
DEFAULT_LIFE = timedelta(hours=1)
HINT = (
    "Hosts that `mailkeep up` started have a key as long as they run; else give the hosts and this command"
    " the same MAILKEEP_JWT_DEVELOPMENT_KEY of at least 32 octets."
)


@click.group()
def tokens() -> None:
    """Access tokens for development, without an issuer.

    With an issuer they come from there, and the hosts take no other.
    """


@tokens.command()
@click.argument("address", type=ADDRESS)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPE_NAMES),
    help="What the token opens; repeat it for more.  [default: all that a user may have]",
)
@click.option(
    "--expires",
    "expires_at",
    type=EXPIRY,
    help="When it ends: 2027-01-31T12:00+01:00, 90d, 12h.  [default: in an hour]",
)
@store_command
def dev(
    context: CommandContext, address: Address, scopes: tuple[str, ...], expires_at: datetime | None
) -> None:
    """Print a token for ADDRESS that hosts without an issuer take, signed by the development key.

    Its user need not exist: the first request makes it, if the domain is hosted.

    \b
    Examples:
      mailkeep tokens dev alice@example.test
      mailkeep tokens dev alice@example.test --scope imap --expires 10m
      curl -H "Authorization: Bearer $(mailkeep tokens dev demo@example.test)" http://localhost:2080/api/emails
    """
    # The signing library costs 130 ms, which no other command pays.
    from mailkeep.auth.tokens.development import make_token  # noqa: PLC0415

    secret = _development_key(context.settings)
    now = datetime.now(UTC)
    ends = expires_at or now + DEFAULT_LIFE
    token = make_token(address, secret, now, ends, parse_scopes(scopes))
    facts = {"token": token, "address": str(address), "expires_at": ends, "token_type": "Bearer"}
    show_done(facts, token, as_json=context.as_json)


def _development_key(settings: Settings) -> bytes:
    if settings.auth.issuers:
        raise PlainError(
            "The hosts take tokens of their issuers and no others.", "Sign in there, or use an API key."
        )
    if settings.auth.jwt_development_key:
        return settings.auth.jwt_development_key.encode()
    try:
        key = development_key_file(settings.store.data_dir).read_text("ascii").strip()
    except FileNotFoundError:
        raise PlainError("There is no development key.", HINT) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("The development key cannot be read.") from error
    return key.encode()
