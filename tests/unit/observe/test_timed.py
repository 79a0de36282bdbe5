"""Commands are counted by name, and the slow ones kept with their session."""

from __future__ import annotations

import pytest

from mailkeep.observe import correlation, slow_list
from mailkeep.observe.timed import SLOW_LIMIT, Slow, Timings


def samples(timings: Timings) -> dict[str, float]:
    return {
        f"{sample.name} {sample.labels['command']}": sample.value
        for family in timings.collect()
        for sample in family.samples
    }


def test_commands_have_a_count_and_a_time_and_runs_count_as_many() -> None:
    timings = Timings(slow_seconds=1.0)
    timings.note("IMAP FETCH", 0.25)
    timings.note("IMAP FETCH", 1.0)
    timings.note("POP3 RETR", 0.5, 20)
    told = samples(timings)
    assert told["mailkeep_command_seconds_count IMAP FETCH"] == 2
    assert told["mailkeep_command_seconds_sum IMAP FETCH"] == 1.25
    assert told["mailkeep_command_seconds_count POP3 RETR"] == 20
    assert told["mailkeep_slow_commands_total IMAP FETCH"] == 1
    assert told["mailkeep_slow_commands_total POP3 RETR"] == 0


def test_slow_ones_are_kept_with_their_session_up_to_a_limit() -> None:
    timings = Timings(slow_seconds=0.5)
    with correlation.session("0123456789ab"):
        for _ in range(SLOW_LIMIT + 10):
            timings.note("IMAP SEARCH", 0.6)
            timings.note("IMAP NOOP", 0.1)
    assert len(timings.slow) == SLOW_LIMIT
    assert {(one.command, one.session) for one in timings.slow} == {("IMAP SEARCH", "0123456789ab")}


def test_the_lists_of_workers_become_one_in_order_of_time() -> None:
    first = [Slow(1.0, 2.0, "IMAP SEARCH", "a"), Slow(3.0, 2.0, "IMAP FETCH", "a")]
    second = [Slow(2.0, 1.0, "IMAP STORE", "b")]
    merged = slow_list.decode(slow_list.merged([slow_list.encode(first), slow_list.encode(second)]))
    assert [one.command for one in merged] == ["IMAP SEARCH", "IMAP STORE", "IMAP FETCH"]
    with pytest.raises(ValueError):  # noqa: PT011  msgspec's own sentence
        slow_list.decode(b'{"no": "list"}')
