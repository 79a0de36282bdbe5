"""Live events: who hears what, resuming, and what a stream that lags costs."""

from __future__ import annotations

from uuid import uuid4

import msgspec
import pytest

from mailkeep_api.hub import BACKLOG_LIMIT, HISTORY_LIMIT, STREAMS_PER_USER, UNHEARD_LIMIT, Hub, Stream

ANN, BOB = uuid4(), uuid4()


def parsed(wire: bytes | None) -> list[tuple[str, object, str]]:
    """(event, data, id) of each event in server-sent-event octets."""
    assert wire is not None
    events = []
    for block in wire.decode().split("\n\n"):
        if block:
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            events.append((fields["event"], msgspec.json.decode(fields["data"]), fields["id"]))
    return events


async def heard(stream: Stream) -> list[tuple[str, object, str]]:
    return parsed(await stream.next(0.01))


async def test_an_event_reaches_every_stream_of_its_user_and_nobody_else() -> None:
    hub = Hub()
    first, second, other = hub.subscribe(ANN), hub.subscribe(ANN), hub.subscribe(BOB)
    hub.publish(ANN, "NewEmail", {"id": 1})
    assert await heard(first) == await heard(second) == [("NewEmail", {"id": 1}, f"{hub.generation}.1.")]
    assert await other.next(0.01) == b""


async def test_a_stream_that_resumes_hears_exactly_what_it_missed() -> None:
    hub = Hub()
    stream = hub.subscribe(ANN)
    hub.publish(ANN, "NewEmail", 1)
    last = (await heard(stream))[-1][2]
    hub.unsubscribe(stream)
    hub.publish(ANN, "NewEmail", 2)
    hub.publish(BOB, "NewEmail", 3)
    hub.publish(ANN, "NewEmail", 4)
    assert [data for _, data, _ in await heard(hub.subscribe(ANN, last))] == [2, 4]


async def test_a_stream_from_another_process_is_told_to_read_anew() -> None:
    hub = Hub()
    for stale in ("00000000.7", "nonsense", f"{hub.generation}.", f"{hub.generation}.²"):
        assert [name for name, _, _ in await heard(hub.subscribe(ANN, stale))] == ["Resync"]


async def test_what_nobody_heard_waits_for_the_users_first_stream_and_comes_once() -> None:
    hub = Hub()
    hub.publish(ANN, "NewEmail", 1)
    hub.publish(BOB, "NewEmail", 2)
    hub.publish(ANN, "NewEmail", 3)
    first, second = hub.subscribe(ANN), hub.subscribe(ANN)
    assert [data for _, data, _ in await heard(first)] == [1, 3]
    assert await second.next(0.01) == b""
    hub.unsubscribe(first)
    hub.unsubscribe(second)
    assert await hub.subscribe(ANN).next(0.01) == b""


async def test_what_nobody_heard_follows_the_word_to_read_anew() -> None:
    hub = Hub()
    hub.publish(ANN, "NewEmail", 1)
    assert [name for name, _, _ in await heard(hub.subscribe(ANN, "00000000.7"))] == ["Resync", "NewEmail"]


async def test_what_nobody_heard_for_long_is_old_news(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    hub.publish(ANN, "NewEmail", 1)
    monkeypatch.setattr("mailkeep_api.hub.UNHEARD_SECONDS", -1.0)
    assert await hub.subscribe(ANN).next(0.01) == b""


async def test_a_stream_from_before_the_history_is_told_to_read_anew() -> None:
    hub = Hub()
    for number in range(HISTORY_LIMIT + 2):
        hub.publish(ANN, "NewEmail", number)
    told = await heard(hub.subscribe(ANN, f"{hub.generation}.1"))
    assert [name for name, _, _ in told] == ["Resync", *["NewEmail"] * UNHEARD_LIMIT]
    assert len(await heard(hub.subscribe(ANN, f"{hub.generation}.2"))) == HISTORY_LIMIT


async def test_a_stream_that_lags_too_far_is_ended_and_can_resume() -> None:
    hub = Hub()
    stream = hub.subscribe(ANN)
    for number in range(BACKLOG_LIMIT + 50):
        hub.publish(ANN, "NewEmail", number)
    events = await heard(stream)
    assert len(events) == BACKLOG_LIMIT
    assert await stream.next(0.01) is None
    resumed = await heard(hub.subscribe(ANN, events[-1][2]))
    assert [data for _, data, _ in resumed] == list(range(BACKLOG_LIMIT, BACKLOG_LIMIT + 50))


async def test_a_user_with_too_many_streams_loses_the_oldest() -> None:
    hub = Hub()
    streams = [hub.subscribe(ANN) for _ in range(STREAMS_PER_USER + 3)]
    assert hub.stream_count == STREAMS_PER_USER
    ended = [await stream.next(0.001) is None for stream in streams]
    assert ended == [True] * 3 + [False] * STREAMS_PER_USER


async def test_closing_the_hub_ends_every_stream() -> None:
    hub = Hub()
    streams = [hub.subscribe(ANN), hub.subscribe(BOB)]
    hub.close()
    assert [await stream.next(0.01) for stream in streams] == [None, None]


def test_a_notification_is_published_the_first_time_only() -> None:
    hub = Hub()
    assert [hub.first_time(key) for key in ("a", "b", "a", "a")] == [True, True, False, False]
