"""`mailkeep`, the command line: the names of the commands, and the loading of the one that is asked for.

Nothing else is imported before a command is chosen, so that help and completion are instant.
"""

from __future__ import annotations

import atexit
import gc
import importlib
from dataclasses import dataclass

import click
from click.shell_completion import CompletionItem


@dataclass(frozen=True, slots=True)
class _Lazy:
    target: str  # "module:attribute"
    summary: str


COMMANDS: dict[str, _Lazy] = {
    "up": _Lazy("mailkeep_cli.up:up", "Run the four hosts on this machine, ready to use."),
    "migrate": _Lazy("mailkeep_cli.migrate:migrate", "Bring the store's tables up to this version."),
    "settings": _Lazy("mailkeep_cli.settings:settings", "List every setting, with its default and meaning."),
    "doctor": _Lazy("mailkeep_cli.doctor:doctor", "Say what is wrong with this server, and how to mend it."),
    "top": _Lazy("mailkeep_cli.top:top", "Watch the hosts at work."),
    "import": _Lazy("mailkeep_cli.moves:import_", "Bring mail in from files and other servers."),
    "export": _Lazy("mailkeep_cli.moves:export", "Write mail into files."),
    "backup": _Lazy("mailkeep_cli.backup:backup", "Write the whole store into one file."),
    "restore": _Lazy("mailkeep_cli.backup:restore", "Fill an empty store from a backup."),
    "verify": _Lazy("mailkeep_cli.verify:verify", "Check that the store holds what it says."),
    "domains": _Lazy("mailkeep_cli.domains:domains", "Which domains this server takes mail for."),
    "users": _Lazy("mailkeep_cli.users:users", "Who has a mailbox here."),
    "addresses": _Lazy("mailkeep_cli.addresses:addresses", "Which addresses belong to whom."),
    "aliases": _Lazy("mailkeep_cli.aliases:aliases", "Addresses whose mail goes to others."),
    "keys": _Lazy("mailkeep_cli.keys:keys", "API keys: what mail clients and services log in with."),
    "tokens": _Lazy("mailkeep_cli.tokens:tokens", "Access tokens for development, without an issuer."),
    "queue": _Lazy("mailkeep_cli.queue:queue", "Mail that waits to leave for other domains."),
    "oauth": _Lazy("mailkeep_cli.oauth:oauth", "Sign in to mail accounts elsewhere."),
    "upstream": _Lazy("mailkeep_cli.upstream:upstream", "Mail of accounts elsewhere, kept here."),
    "mcp": _Lazy("mailkeep_cli.mcp:mcp", "Give an assistant a mailbox."),
    "audit": _Lazy("mailkeep_cli.audit:audit", "Who logged in, or tried to."),
    "store": _Lazy("mailkeep_cli.store:store", "The care of the mail store itself."),
    "objects": _Lazy("mailkeep_cli.objects:objects", "Large content in an object store."),
    "prune": _Lazy("mailkeep_cli.prune:prune", "Forget what is kept for a time only."),
    "completion": _Lazy("mailkeep_cli.completion:completion", "Print a shell's completion of this command."),
    "man": _Lazy("mailkeep_cli.manual:man", "Print the manual page."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of COMMANDS, which is the order of a first day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        module, _, attribute = lazy.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and options. The shell waits for it at every tab: from COMMANDS alone as well."""
        found = [
            CompletionItem(name, help=lazy.summary)
            for name, lazy in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `mailkeep --help`, from COMMANDS alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mailkeep", prog_name="mailkeep")
def main() -> None:
    """Mailkeep: mail for people whose identity lives elsewhere.

    \b
    A first day:
      mailkeep domains add example.org
      mailkeep users add alice@example.org --name "Alice"
      mailkeep keys create alice@example.org --name thunderbird --scope imap --scope smtp

    Every command says more with --help, answers in JSON with --json, and works while the hosts run.
    """
    # At its end the interpreter looks for garbage among all that libraries brought, several times over. What
    # is frozen it passes by: 0.15 s of CPU time. Whoever opens a file closes it: nothing waits for that look.
    atexit.register(gc.freeze)
