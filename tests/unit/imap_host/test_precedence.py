"""The index lets searches go first, but does not wait for ever."""

from __future__ import annotations

import threading

import pytest

from mailkeep_imap.searching import precedence
from mailkeep_imap.searching.precedence import Precedence


def test_work_waits_until_the_last_search_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "LONGEST_SECONDS", 30.0)
    order = Precedence()
    order.give_way()
    worker = threading.Thread(target=order.give_way, daemon=True)
    with order.first():
        with order.first():
            worker.start()
        worker.join(0.05)
        assert worker.is_alive()
    worker.join(10)
    assert not worker.is_alive()


def test_a_search_that_fails_has_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "LONGEST_SECONDS", 30.0)
    order = Precedence()
    with pytest.raises(LookupError), order.first():
        raise LookupError
    worker = threading.Thread(target=order.give_way, daemon=True)
    worker.start()
    worker.join(10)
    assert not worker.is_alive()


def test_work_goes_on_while_somebody_searches_all_the_time() -> None:
    order = Precedence()
    with order.first():
        order.give_way()
