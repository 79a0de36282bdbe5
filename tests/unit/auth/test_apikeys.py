"""The form of a key, its checksum and its hash."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.auth import apikeys
from mailkeep.errors import SettingsError, StoreCorrupt

KEY = "mk_000000000_" + "0" * 43 + apikeys.checksum("mk_000000000_" + "0" * 43)
letters = st.sampled_from(apikeys.ALPHABET)


def test_a_key_has_the_form_that_the_design_gives():
    key = apikeys.generate()
    assert len(key) == apikeys.KEY_LENGTH == 62
    assert key.startswith("mk_")
    assert key[12] == "_"
    assert key.count("_") == 2
    assert apikeys.prefix_of(key) == key[:12]
    assert apikeys.is_whole(key)


def test_the_secret_holds_256_bits_and_bcrypt_reads_all_of_it():
    assert math.log2(len(apikeys.ALPHABET)) * apikeys.SECRET_LENGTH >= 256
    assert len(KEY.encode()) < 72


def test_no_two_keys_are_alike():
    keys = {apikeys.generate() for _ in range(1000)}
    assert len({apikeys.prefix_of(key) for key in keys}) == 1000


@given(st.data())
def test_every_single_wrong_character_is_found(data):
    place = data.draw(st.sampled_from([place for place, char in enumerate(KEY) if place > 2 and char != "_"]))
    wrong = data.draw(letters.filter(lambda char: char != KEY[place]))
    assert not apikeys.is_whole(KEY[:place] + wrong + KEY[place + 1 :])


def test_every_exchanged_pair_is_found():
    key = apikeys.generate()
    for place in range(len(key) - 1):
        swapped = key[:place] + key[place + 1] + key[place] + key[place + 2 :]
        assert swapped == key or not apikeys.is_whole(swapped)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mk_",
        KEY[:-1],
        KEY + "0",
        KEY + "\n",
        " " + KEY,
        KEY.lower(),
        "mx" + KEY[2:],
        "\u0660" * 62,
    ],
)
def test_what_is_no_key(text):
    assert not apikeys.is_whole(text)


@given(st.text(max_size=80))
def test_any_text_is_judged_without_an_error(text):
    assert apikeys.is_whole(text) in {True, False}


def test_the_checksum_is_the_same_for_ever():
    assert apikeys.checksum("mk_000000000_" + "0" * 43) == "2Z9MgK"


def test_hash_and_match():
    stored = apikeys.hash_key(KEY, 4)
    assert stored.startswith(b"$2b$04$")
    assert apikeys.matches(KEY, stored)
    assert not apikeys.matches(KEY[:-1] + "x", stored)  # the last character counts as well


@pytest.mark.parametrize("stored", [b"", b"$2b$04$", b"\xff" * 60, b"plain"])
def test_a_hash_that_is_none_is_our_fault_and_not_the_peers(stored):
    with pytest.raises(StoreCorrupt):
        apikeys.matches(KEY, stored)


@pytest.mark.parametrize("cost", [3, 15, -1, 31])
def test_a_cost_that_is_useless_or_ruinous_is_refused(cost):
    with pytest.raises(SettingsError, match="bcrypt_cost"):
        apikeys.check_cost(cost)
