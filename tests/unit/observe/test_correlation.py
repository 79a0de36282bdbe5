"""Lines of one session, and of one message, carry the same id; lines of others do not."""

from __future__ import annotations

import asyncio
import re

from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe import correlation
from mailkeep.observe.redaction import redact_text


def ids_now() -> dict[str, object]:
    return dict(correlation.add_ids(None, "info", {}))


def test_session_ids_are_short_differ_and_pass_redaction() -> None:
    made = {correlation.new_session_id() for _ in range(2000)}
    assert len(made) == 2000
    assert all(re.fullmatch("[0-9a-f]{12}", one) for one in made)
    assert all(redact_text(f"session {one}") == f"session {one}" for one in made)


async def test_all_tasks_of_a_session_run_under_its_id_and_no_other_does() -> None:
    tasks = TaskRegistry()
    first, second = correlation.session_context("first"), correlation.session_context("second")

    async def ids() -> dict[str, object]:
        await asyncio.sleep(0)
        return ids_now()

    told = [
        await tasks.spawn(ids(), "a", first),
        await tasks.spawn(ids(), "b", second),
        await tasks.spawn(ids(), "c", first),
        await tasks.spawn(ids(), "d"),
    ]
    assert told == [{"session": "first"}, {"session": "second"}, {"session": "first"}, {}]


async def test_a_message_is_named_until_the_session_is_about_another() -> None:
    context = correlation.session_context("s")

    async def two_messages() -> list[dict[str, object]]:
        told = []
        for message in ("m1", "m2", ""):
            correlation.about(message)
            await asyncio.sleep(0)
            told.append(ids_now())
        return told

    told = await TaskRegistry().spawn(two_messages(), "s", context)
    assert told == [{"session": "s", "id": "m1"}, {"session": "s", "id": "m2"}, {"session": "s"}]
    assert correlation.current_message() == ""


def test_an_event_that_names_its_own_keeps_it() -> None:
    with correlation.session("s"):
        told = correlation.add_ids(None, "info", {"id": "own", "session": "else"})
    assert dict(told) == {"id": "own", "session": "else"}
    assert correlation.current_session() == ""
