"""`mailkeep completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
VARIABLE = "_MAILKEEP_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion(shell: str) -> None:
    """Print a shell's completion of this command.

    bash needs version 4.4 or newer, with bash-completion for the first of the examples.

    \b
    Examples:
      mailkeep completion bash > ~/.local/share/bash-completion/completions/mailkeep
      mailkeep completion zsh > ~/.zfunc/_mailkeep
      mailkeep completion fish > ~/.config/fish/completions/mailkeep.fish
    """
    from mailkeep_cli.main import main  # noqa: PLC0415  it imports this module when it is asked to

    made = SHELLS[shell](main, {}, "mailkeep", VARIABLE)
    # Its source() would start the shell to ask for its version, and it may be for another machine.
    click.echo(made.source_template % made.source_vars())
