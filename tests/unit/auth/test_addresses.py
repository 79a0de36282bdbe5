"""Codes that prove addresses: how they look, how they are read, and that none goes out past a limit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from mailkeep.auth.addresses import AddressProofs, CodeLetter, digest_of, new_code, wanted_address
from mailkeep.errors import AlreadyExists, CodeRefused, InvalidName, RelayDenied, Throttled
from mailkeep.model.address import Address
from mailkeep.model.proof import ProofLimits

ELSEWHERE = Address.parse("owner@elsewhere.example")


@dataclass
class Courier:
    """Keeps the letters; refuses what it is told to."""

    letters: list[CodeLetter] = field(default_factory=list)
    refuses: bool = False

    async def check(self, address: Address) -> None:
        if self.refuses:
            raise RelayDenied("No mail goes there.")

    async def send(self, letter: CodeLetter) -> None:
        self.letters.append(letter)


@pytest.fixture
def courier() -> Courier:
    return Courier()


@pytest.fixture
def proofs(store, courier) -> AddressProofs:
    return AddressProofs(store, courier, ProofLimits(mails_to_address=2))


def test_codes_are_unlike_and_easy_to_type() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", code) for code in codes)


@pytest.mark.parametrize("typed", ["0K1XW-2A3B4", "0k1xw2a3b4", " okixw 2a3b4 ", "OKLXW-2A3B4"])
def test_however_it_is_typed(typed: str) -> None:
    assert digest_of(typed) == digest_of("0K1XW-2A3B4")


async def test_a_letter_goes_out_and_its_code_comes_back(store, user, proofs, courier) -> None:
    proof = await proofs.ask(user.id, ELSEWHERE)
    [letter] = courier.letters
    assert (letter.to, letter.asked_by) == (ELSEWHERE, user.primary_address)
    assert letter.code not in repr(letter)
    record = await proofs.prove(user.id, proof.id, letter.code)
    assert record.user_id == user.id
    assert await store.directory.owns(user.id, ELSEWHERE)


@pytest.mark.parametrize("code", ["", "00000-00000", "x" * 65, "\ud800"])
async def test_what_is_not_the_code_is_refused(user, proofs, code) -> None:
    proof = await proofs.ask(user.id, ELSEWHERE)
    with pytest.raises(CodeRefused):
        await proofs.prove(user.id, proof.id, code)


async def test_no_letter_without_leave(store, user, proofs, courier) -> None:
    with pytest.raises(AlreadyExists):
        await proofs.ask(user.id, Address.parse(user.primary_address))
    for _ in range(2):
        await proofs.ask(user.id, ELSEWHERE)
    with pytest.raises(Throttled):
        await proofs.ask(user.id, ELSEWHERE)
    courier.refuses = True
    with pytest.raises(RelayDenied):
        await proofs.ask(user.id, Address.parse("other@elsewhere.example"))
    assert len(courier.letters) == 2
    assert [proof.address for proof in await proofs.waiting(user.id)] == [str(ELSEWHERE)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ann@example.org", "ann@example.org"),
        (' "Ann, B" <ann@example.org> ', "ann@example.org"),
        ("<ann@EXAMPLE.org>", "ann@example.org"),
    ],
)
def test_an_address_as_people_write_it(written: str, meant: str) -> None:
    assert str(wanted_address(written)) == meant


@pytest.mark.parametrize("written", ["", " ", "<>", "Ann <ann>", "ann@example.org, bob@example.org", ">"])
def test_what_is_no_address(written: str) -> None:
    with pytest.raises(InvalidName):
        wanted_address(written)
