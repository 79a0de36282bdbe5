"""`mailkeep import` and `mailkeep export`: mail from files and other servers, and into files."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mailkeep.errors import MailboxNotFound, NotFound, OverQuota
from mailkeep.model.address import Address
from mailkeep.storage.interface import Store
from mailkeep.upstream.accounts import AuthConfig, Server, Transport
from mailkeep.upstream.errors import UpstreamError
from mailkeep.upstream.imap_client import ImapConnection
from mailkeep_cli.context import CommandContext, Hints, PlainError, store_command
from mailkeep_cli.moving.carried import Source
from mailkeep_cli.moving.eml import EmlSource
from mailkeep_cli.moving.exporting import Exported, Exporter
from mailkeep_cli.moving.importing import Imported, Importer
from mailkeep_cli.moving.maildir import MaildirSource
from mailkeep_cli.moving.mbox import MboxSource
from mailkeep_cli.output import show_done
from mailkeep_cli.people import ADDRESS, USERS_HINT, user_of
from mailkeep_cli.progress import progress

Result = TypeVar("Result")

HINTS: Hints = {
    NotFound: USERS_HINT,
    UpstreamError: "What came until then is there: mend it, and run this again.",
    MailboxNotFound: "See its mailboxes with any mail client.",
    OverQuota: "What fitted is there. Raise the limit with: mailkeep users quota; then run this again.",
}
SOURCE = click.Path(path_type=Path, exists=True)
TO = click.option(
    "--to", "owner", type=ADDRESS, required=True, metavar="ADDRESS", help="Whose mail it becomes."
)
BELOW = click.option(
    "--mailbox",
    default="",
    metavar="NAME",
    help="Put it into this mailbox, and folders below it. [default: INBOX]",
)


@click.group("import")
def import_() -> None:
    """Bring mail in from files and other servers.

    What is in the mailbox already, octet for octet, is not added again: so an import that was broken off goes
    on where it stopped, and running it twice does no harm. Flags and dates come along where the files have
    them. The hosts go on meanwhile.
    """


@import_.command("mbox")
@click.argument("source", type=SOURCE)
@TO
@BELOW
@store_command
def import_mbox(context: CommandContext, source: Path, owner: Address, mailbox: str) -> None:
    """Bring in SOURCE: an mbox file, or a directory of *.mbox files.

    The files of a directory become mailboxes with their names.

    \b
    Examples:
      mailkeep import mbox old.mbox --to alice@example.org --mailbox Archive
      mailkeep import mbox exported/ --to alice@example.org
    """
    _import(context, lambda: MboxSource(source), owner, mailbox)


@import_.command("maildir")
@click.argument("source", type=SOURCE)
@TO
@BELOW
@store_command
def import_maildir(context: CommandContext, source: Path, owner: Address, mailbox: str) -> None:
    """Bring in SOURCE: a Maildir, with its folders.

    \b
    Example:
      mailkeep import maildir /var/mail/alice/Maildir --to alice@example.org
    """
    _import(context, lambda: MaildirSource(source), owner, mailbox)


@import_.command("eml")
@click.argument("sources", type=SOURCE, nargs=-1, required=True)
@TO
@BELOW
@store_command
def import_eml(context: CommandContext, sources: tuple[Path, ...], owner: Address, mailbox: str) -> None:
    """Bring in SOURCES: files with one message each, or directories with *.eml files.

    \b
    Example:
      mailkeep import eml saved/*.eml --to alice@example.org
    """
    _import(context, lambda: EmlSource(sources), owner, mailbox)


@import_.command("imap")
@click.argument("server", metavar="HOST:PORT")
@click.option("--user", required=True, help="The name to log in with there.")
@click.option(
    "--token", "is_token", is_flag=True, help="The secret is an OAuth access token, not a password."
)
@click.option(
    "--ca-file", default="", metavar="FILE", help="PEM of the CA of that server. [default: the system's]"
)
@click.option("--skip", multiple=True, metavar="FOLDER", help="Leave this folder out; repeat it for more.")
@TO
@BELOW
@store_command
def import_imap(context: CommandContext, server: str, **given: Any) -> None:
    """Bring in what lies on another IMAP server.

    The password or token is asked for, or read from standard input: never an argument, which everybody on the
    machine could see. Port 993 is TLS and 143 STARTTLS. The server is only read. Views such as Gmail's
    "Starred" are left out; its "All Mail" holds what has a label as well, so --skip it if all mail has one.

    \b
    Examples:
      mailkeep import imap imap.example.net:993 --user alice --to alice@example.org
      mailkeep import imap imap.gmail.com:993 --user a@gmail.com --token --to alice@example.org < token
    """
    from mailkeep_cli.moving import imap  # noqa: PLC0415  brings an IMAP client along

    secret = _secret("Token" if given["is_token"] else "Password")

    async def work(store: Store) -> Imported:
        user = await user_of(store, given["owner"])
        auth = AuthConfig(oauth_token=secret) if given["is_token"] else AuthConfig(password=secret)
        connection = ImapConnection(Transport(Server.parse(server, given["ca_file"]), given["user"], auth))
        importer = Importer(store, user.account_id, given["mailbox"], context.settings.imap.max_append_size)
        await connection.open()
        try:
            with progress("Importing") as done:
                return await imap.bring(connection, importer, given["skip"], done)
        finally:
            await connection.close()

    _tell_imported(context, _guarded(lambda: context.run(work, hints=HINTS)))


def _secret(title: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(title, hide_input=True, err=True))
    return sys.stdin.readline().strip()


@click.group("export")
def export() -> None:
    """Write mail into files.

    An export that was broken off is finished by running it again.
    """


@export.command("mbox")
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
@click.option("--from", "owner", type=ADDRESS, required=True, metavar="ADDRESS", help="Whose mail.")
@click.option("--mailbox", default="", metavar="NAME", help="Only this mailbox. [default: all]")
@store_command
def export_mbox(context: CommandContext, target: Path, owner: Address, mailbox: str) -> None:
    """Write into the directory TARGET, an mbox file for each mailbox.

    \b
    Example:
      mailkeep export mbox exported/ --from alice@example.org
    """
    _export(context, owner, mailbox, target, Exporter.to_mbox)


@export.command("maildir")
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
@click.option("--from", "owner", type=ADDRESS, required=True, metavar="ADDRESS", help="Whose mail.")
@click.option("--mailbox", default="", metavar="NAME", help="Only this mailbox. [default: all]")
@store_command
def export_maildir(context: CommandContext, target: Path, owner: Address, mailbox: str) -> None:
    """Write into the directory TARGET as a Maildir with folders.

    \b
    Example:
      mailkeep export maildir /tmp/alice --from alice@example.org
    """
    _export(context, owner, mailbox, target, Exporter.to_maildir)


def _import(context: CommandContext, open_source: Callable[[], Source], owner: Address, below: str) -> None:
    source = _guarded(open_source)
    limit = context.settings.imap.max_append_size

    async def work(store: Store) -> Imported:
        user = await user_of(store, owner)
        importer = Importer(store, user.account_id, below, limit)
        with progress("Importing", source.weight, octets=True) as done:
            return await importer.run(source, done)

    _tell_imported(context, _guarded(lambda: context.run(work, hints=HINTS)))


def _tell_imported(context: CommandContext, imported: Imported) -> None:
    for place in imported.too_large:
        click.echo(f"Left out, larger than [imap] max_append_size: {place}", err=True)
    facts = {
        "added": imported.added,
        "present": imported.present,
        "octets": imported.octets,
        "too_large": imported.too_large,
    }
    sentence = f"{imported.added} messages were added; {imported.present} were there already."
    show_done(facts, sentence, as_json=context.as_json)
    if imported.too_large:
        sys.exit(1)


def _export(
    context: CommandContext,
    owner: Address,
    mailbox: str,
    target: Path,
    write: Callable[..., Awaitable[Exported]],
) -> None:
    async def work(store: Store) -> Exported:
        user = await user_of(store, owner)
        exporter = Exporter(store, user.account_id)
        chosen = await exporter.mailboxes(mailbox)
        with progress("Exporting", sum(one.size for one in chosen), octets=True) as done:
            return await write(exporter, chosen, target, done)

    exported = _guarded(lambda: context.run(work, hints=HINTS))
    facts = {"mailboxes": exported.mailboxes, "written": exported.written, "present": exported.present}
    sentence = f"{exported.written} messages of {exported.mailboxes} mailboxes are in {target}."
    show_done(facts, sentence, as_json=context.as_json)


def _guarded(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except OSError as error:
        raise PlainError(
            f"'{error.filename}' cannot be used: {error.strerror}.", "Check the path."
        ) from error
