"""decode(encode(x)) == x for every command, in both forms of mailbox names."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import imap_values

from mailkeep.imap import state
from mailkeep.imap.commands.base import Command
from mailkeep.imap.names import NameForm
from mailkeep.imap.parser import parse


@settings(max_examples=800, deadline=None)
@given(imap_values.commands, st.sampled_from(NameForm))
def test_every_command_comes_back_as_it_was(command: Command, form: NameForm) -> None:
    wire = command.encode(form)
    assert wire.endswith(b"\r\n")
    assert parse(wire[:-2], form) == command


@settings(max_examples=200, deadline=None)
@given(imap_values.commands)
def test_a_parsed_command_stands_in_the_table_of_states(command: Command) -> None:
    assert type(command) in state.PERMITTED
