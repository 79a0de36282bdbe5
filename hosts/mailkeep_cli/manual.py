"""`mailkeep man`: the manual page, out of the help that every command has.

docs/mailkeep.1 is made of it, and goes into packages; a test holds it to what the commands say.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

# Of the environment and of files, which no command's help has to itself.
_END = """\
.SH ENVIRONMENT
.TP
.B MAILKEEP_CONFIG
The settings file, where \\-\\-config is not given.
.TP
.BI MAILKEEP_ SECTION _ NAME
Any setting; it wins over the file. \\fBmailkeep settings\\fR lists them.
.SH EXIT STATUS
0 if all was done, 1 if something is wrong, 2 if the command was written wrongly. Errors are one sentence and
the way out, on standard error.
.SH FILES
.TP
.I /etc/mailkeep/mailkeep.toml
The settings, where the units look for them.
.TP
.I /var/lib/mailkeep
The store of the units' hosts.
.TP
.I data
The store of \\fBmailkeep up\\fR, in the directory where it is started.
"""


@click.command("man")
def man() -> None:
    """Print the manual page.

    \b
    Example:
      mailkeep man > ~/.local/share/man/man1/mailkeep.1
    """
    from mailkeep_cli.main import main  # noqa: PLC0415  it imports this module when it is asked to

    click.echo(page(main), nl=False)


def page(root: click.Group) -> str:
    """The whole page, in the language of man(7)."""
    context = click.Context(root, info_name="mailkeep")
    lines = ['.TH MAILKEEP 1 "" Mailkeep "User Commands"', ".SH NAME"]
    lines += ["mailkeep \\- mail hosts for people whose identity lives elsewhere", ".SH SYNOPSIS"]
    lines += [".B mailkeep", ".I COMMAND", "[\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...", ".SH DESCRIPTION"]
    lines += [*_text(root.help or ""), ".SH COMMANDS"]
    for command, inner in _commands(root, context):
        lines += _section(command, inner)
    return "\n".join(lines) + "\n" + _END


def _commands(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            inner = click.Context(command, info_name=name, parent=context)
            yield command, inner
            if isinstance(command, click.Group):
                yield from _commands(command, inner)


def _section(command: click.Command, context: click.Context) -> list[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f".SS {_escaped(usage)}", *_text(command.help or "")]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in parameter.opts:
            lines += [".TP", f".B {_escaped(record[0])}", _escaped(" ".join(record[1].split()))]
    return lines


def _text(told: str) -> list[str]:
    """Paragraphs as click has them: what stands after a line of \\b keeps its lines."""
    lines = []
    for place, paragraph in enumerate(inspect.cleandoc(told).split("\n\n")):
        if place:
            lines.append(".PP")
        if paragraph.startswith("\b"):
            kept = paragraph.removeprefix("\b").strip("\n").split("\n")
            lines += [".nf", *(_escaped(line) for line in kept), ".fi"]
        else:
            lines.append(_escaped(" ".join(paragraph.split())))
    return lines


def _escaped(text: str) -> str:
    """Nothing in it is a request, and hyphens stay what people copy."""
    return re.sub(r"^(?=[.'])", r"\\&", text.replace("\\", "\\e").replace("-", "\\-"))
