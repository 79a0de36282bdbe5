"""Lines are those that structlog's own renderers write."""

from __future__ import annotations

import json
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.observe.lines import as_console, as_json

TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.sampled_from(["a b", "a=b", "a'b", 'a"', ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,11}", fullmatch=True), VALUES, max_size=6)

console = structlog.dev.ConsoleRenderer(
    colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
)


def event_with(fields: dict[str, Any]) -> dict[str, Any]:
    own = {"timestamp": "2026-11-26T12:00:00.000001Z", "level": "info", "event": "accepted", "logger": "a.b"}
    taken = {"stack", "exception", "exc_info", "logger_name"}
    return {**{name: value for name, value in fields.items() if name not in taken}, **own}


@given(FIELDS)
def test_for_people_as_structlog_writes_them(fields: dict[str, Any]) -> None:
    event = event_with(fields)

    assert as_console(None, "", dict(event)) == console(None, "", dict(event))


@pytest.mark.parametrize(
    "more", [{"stack": "Stack:"}, {"exception": "Traceback:"}, {"stack": "S", "exception": "T"}]
)
def test_stacks_and_tracebacks_stand_below(more: dict[str, str]) -> None:
    event = {**event_with({"n": 1}), **more}

    assert as_console(None, "", dict(event)) == console(None, "", dict(event))


@given(FIELDS)
def test_for_programs_as_structlog_writes_them(fields: dict[str, Any]) -> None:
    event = event_with(fields)

    assert as_json(None, "", event) == structlog.processors.JSONRenderer()(None, "", event)


def test_a_line_for_programs_is_one_object_on_one_line() -> None:
    line = as_json(None, "", event_with({"said": "a\nb\u2028", "octets": 4096}))

    assert "\n" not in line
    assert json.loads(line)["said"] == "a\nb\u2028"
