"""Tokens that must open nothing, through the one door, against a real JWKS server, on both databases."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time

import pytest
from joserfc.jwk import OctKey
from tests.support.oidc.served import DISCOVERY, EC, ED, OTHER_RSA, RSA, public, segment, sign

from mailkeep.auth.tokens import verifier
from mailkeep.errors import AuthenticationFailed, IssuerUnavailable, ScopeMissing
from mailkeep.model.principal import Credential, CredentialKind, Peer
from mailkeep.model.scope import Scope

IMAP = frozenset({Scope.IMAP})
HERE = Peer("192.0.2.1", 4711, tls=True)
NOW = int(time.time())


def bearer(token: str, identity: str = "person@example.test") -> Credential:
    return Credential(CredentialKind.BEARER, identity, token, mechanism="OAUTHBEARER")


async def reason_of(store, door, token: str, identity: str = "person@example.test") -> str:
    """Present it, be refused, and read in the audit log why."""
    before = await refusals(store)
    with pytest.raises(AuthenticationFailed) as caught:
        await door.authenticate(bearer(token, identity), IMAP, HERE)
    assert token not in str(caught.value)
    async with asyncio.timeout(20):
        while len(rows := await refusals(store)) == len(before):
            await asyncio.sleep(0.01)
    assert token not in str(rows[0])
    return rows[0].reason


async def refusals(store):
    """Newest first. Rows come a moment after the answer, so those of successes must not be counted."""
    return [row for row in await store.audit.list(1000) if row.outcome == "failure"]


# --- what must work, or the rest proves nothing -----------------------------------------------------


ALGORITHMS = [
    *((name, RSA, "rsa") for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    *((name, key, key.kid) for name, key in EC.items()),
    ("EdDSA", ED, "ed"),
    ("Ed25519", ED, "ed"),
]


@pytest.mark.parametrize(("algorithm", "key", "kid"), ALGORITHMS, ids=[row[0] for row in ALGORITHMS])
async def test_every_asymmetric_algorithm_of_the_issuers_keys_opens(door, issuer, algorithm, key, kid):
    token = issuer.token({"alg": algorithm, "kid": kid}, key)
    principal = await door.authenticate(bearer(token), IMAP, HERE)
    assert principal.address == "person@example.test"
    assert principal.scopes == {Scope.IMAP, Scope.SMTP, Scope.API_READ}
    assert principal.key_id is None
    assert principal.expires_at is not None


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/at+jwt", "AT+JWT", None])
async def test_types_of_access_tokens(door, issuer, typ):
    header = {"alg": "RS256", "kid": "rsa"} | ({"typ": typ} if typ else {})
    await door.authenticate(bearer(sign(header, issuer.claims(), RSA)), IMAP, HERE)


async def test_a_token_without_a_key_id_is_tried_with_the_keys_that_fit(door, issuer):
    issuer.keys.append(public(OTHER_RSA))
    for key in (RSA, OTHER_RSA):
        await door.authenticate(bearer(sign({"alg": "RS256"}, issuer.claims(), key)), IMAP, HERE)


async def test_the_issuer_is_compared_without_regard_to_case(started, issuer, issuer_settings):
    door = await started(issuer_settings(issuer=issuer.issuer.replace("http", "HTTP")))
    await door.authenticate(bearer(issuer.token()), IMAP, HERE)


@pytest.mark.parametrize("audience", ["urn:mailkeep", ["x", "urn:mailkeep"]])
async def test_one_audience_of_several_is_enough(door, issuer, audience):
    await door.authenticate(bearer(issuer.token(aud=audience)), IMAP, HERE)


async def test_clocks_may_differ_by_the_leeway(door, issuer):
    now = int(time.time())
    await door.authenticate(bearer(issuer.token(exp=now - 20, nbf=now + 20, iat=now + 20)), IMAP, HERE)


# --- claims -----------------------------------------------------------------------------------------

HUGE = 10**300
CLAIMS = [
    ({"iss": "https://elsewhere.example"}, "token_issuer"),
    ({"iss": None}, "token_issuer"),
    ({"iss": 7}, "token_issuer"),
    ({"iss": ["x"]}, "token_issuer"),
    ({"aud": "urn:other"}, "token_audience"),
    ({"aud": None}, "token_audience"),
    ({"aud": []}, "token_audience"),
    ({"aud": {"urn:mailkeep": 1}}, "token_claims"),
    ({"aud": [1]}, "token_claims"),
    ({"exp": NOW - 3600}, "expired"),
    ({"exp": 0}, "expired"),
    ({"exp": None}, "token_claims"),
    ({"exp": str(NOW + 600)}, "token_claims"),
    ({"exp": True}, "token_claims"),
    ({"exp": -1}, "token_claims"),
    ({"exp": HUGE}, "token_claims"),
    ({"exp": {}}, "token_claims"),
    ({"nbf": NOW + 3600}, "token_not_yet_valid"),
    ({"nbf": "soon"}, "token_claims"),
    ({"iat": NOW + 3600}, "token_not_yet_valid"),
    ({"iat": [NOW]}, "token_claims"),
    ({"sub": None}, "token_claims"),
    ({"sub": ""}, "token_claims"),
    ({"sub": 17}, "token_claims"),
    ({"sub": "x" * 256}, "token_claims"),
    ({"sub": "nul\0"}, "token_claims"),
    ({"scope": 1}, "token_claims"),
    ({"scope": ["imap", 1]}, "token_claims"),
    ({"scope": " ".join(f"s{n}" for n in range(300))}, "token_claims"),
    ({"cnf": {"jkt": "x"}}, "token_claims"),
    ({"email_verified": False}, "email_unverified"),
    ({"email_verified": 1}, "email_unverified"),
    ({"email_verified": "false"}, "email_unverified"),
    ({"email_verified": None}, "email_unverified"),
    ({"email": None}, "email_missing"),
    ({"email": ["person@example.test"]}, "email_missing"),
    ({"email": "person"}, "email_missing"),
    ({"email": "x" * 400 + "@example.test"}, "email_missing"),
    ({"email": "person@elsewhere.example"}, "email_domain"),
]


@pytest.mark.parametrize(("claims", "reason"), CLAIMS, ids=[f"{n}-{row[1]}" for n, row in enumerate(CLAIMS)])
async def test_claims_that_open_nothing(store, door, issuer, claims, reason):
    assert await reason_of(store, door, issuer.token(**claims)) == reason
    assert await store.directory.users() == []


async def test_a_good_signature_over_no_object_opens_nothing(store, door):
    for payload in ([], "text", 1, b"\xff\xfe", b"{", b"[" * 9000, b'{"iss":NaN}', b'{"sub":"a","sub":"b"}'):
        token = sign({"alg": "RS256", "kid": "rsa"}, payload, RSA)
        assert await reason_of(store, door, token) == "token_malformed"


async def test_a_token_without_a_scope_of_ours_opens_nothing_and_makes_nobody(store, door, issuer):
    for scope in ("openid email", "", "internal", "IMAP"):
        with pytest.raises(ScopeMissing):
            await door.authenticate(bearer(issuer.token(scope=scope)), IMAP, HERE)
    assert await store.directory.users() == []


async def test_a_token_of_another_hosts_scope_is_told_so(door, issuer):
    with pytest.raises(ScopeMissing):
        await door.authenticate(bearer(issuer.token(scope="smtp")), IMAP, HERE)


async def test_another_users_address_is_not_the_tokens(store, door, issuer):
    await door.authenticate(bearer(issuer.token()), IMAP, HERE)
    other = {"sub": "subject-2", "email": "other@example.test"}
    assert await reason_of(store, door, issuer.token(**other), "person@example.test") == "identity"
    assert await reason_of(store, door, issuer.token(), "nobody@example.test") == "identity"


async def test_a_disabled_user_stays_out(store, door, issuer):
    principal = await door.authenticate(bearer(issuer.token()), IMAP, HERE)
    await store.directory.set_disabled(principal.user_id, True)
    assert await reason_of(store, door, issuer.token()) == "user_disabled"


# --- signatures -------------------------------------------------------------------------------------


async def test_none_opens_nothing(store, door, issuer):
    for algorithm in ("none", "None", "NONE", ""):
        token = f"{segment({'alg': algorithm})}.{segment(issuer.claims())}."
        assert await reason_of(store, door, token) == "token_algorithm"


async def test_the_public_key_is_no_secret_of_an_hmac(store, door, issuer):
    """The oldest trick: HS256 with what the issuer publishes, in each form that a library may read."""
    forms = [RSA.as_pem(private=False), RSA.as_der(private=False), str(public(RSA)["n"]).encode()]
    signing_input = f"{segment({'alg': 'HS256', 'kid': 'rsa'})}.{segment(issuer.claims())}"
    for secret in (*forms, forms[0].strip(), b""):
        forged = hmac.digest(secret, signing_input.encode(), "sha256")
        assert await reason_of(store, door, f"{signing_input}.{segment(forged)}") == "token_algorithm"


async def test_a_published_hmac_key_is_none(store, door, issuer):
    secret = OctKey.import_key(b"s" * 32, {"kid": "oct"})
    issuer.keys.append({**secret.as_dict(private=True), "kid": "oct"})
    token = sign({"alg": "HS256", "kid": "oct"}, issuer.claims(), secret)
    assert await reason_of(store, door, token) == "token_algorithm"


async def test_another_key_under_the_issuers_key_id(store, door, issuer):
    assert await reason_of(store, door, issuer.token(key=OTHER_RSA)) == "token_signature"


async def test_a_key_is_used_for_its_own_algorithms_alone(store, door, issuer):
    issuer.keys = [public(RSA, alg="RS256"), public(EC["ES256"])]
    assert await reason_of(store, door, issuer.token({"alg": "PS256"})) == "token_key_unknown"
    lying = sign({"alg": "ES256", "kid": "rsa"}, issuer.claims(), EC["ES256"])
    assert await reason_of(store, door, lying) == "token_key_unknown"
    twisted = sign({"alg": "ES384", "kid": "p256"}, issuer.claims(), EC["ES384"])
    assert await reason_of(store, door, twisted) == "token_key_unknown"


async def test_keys_that_the_token_brings_along_are_not_looked_at(store, door, issuer):
    for header in (
        {"jwk": public(OTHER_RSA)},
        {"jku": f"{issuer.issuer}/mine"},
        {"x5u": f"{issuer.issuer}/mine"},
        {"x5c": ["MIIB"]},
    ):
        token = issuer.token({"kid": "other", **header}, OTHER_RSA)
        assert await reason_of(store, door, token) == "token_key_unknown"
    assert issuer.requests["/mine"] == 0


async def test_a_key_for_encryption_signs_nothing(store, door, issuer):
    for members in ({"use": "enc"}, {"key_ops": ["encrypt"]}):
        issuer.keys = [public(RSA), public(OTHER_RSA, **members)]
        assert await reason_of(store, door, issuer.token({"kid": "other"}, OTHER_RSA)) == "token_key_unknown"


async def test_one_octet_changed_anywhere_spoils_it(store, door, issuer):
    header, payload, signature = issuer.token().split(".")
    spoilt = signature[:-8] + ("A" if signature[-8] != "A" else "B") + signature[-7:]
    assert await reason_of(store, door, f"{header}.{payload}.{spoilt}") == "token_signature"
    other = segment(issuer.claims(sub="somebody-else"))
    assert await reason_of(store, door, f"{header}.{other}.{signature}") == "token_signature"


# --- form -------------------------------------------------------------------------------------------

HEADERS = [
    {"crit": ["exp"], "exp": 1},
    {"crit": []},
    {"b64": False},
    {"b64": False, "crit": ["b64"]},
    {"cty": "JWT"},
    {"zip": "DEF"},
    {"enc": "A128GCM"},
    {"typ": "logout+jwt"},
    {"typ": "dpop+jwt"},
    {"typ": "secevent+jwt"},
    {"typ": 5},
    {"kid": 5},
    {"kid": ["rsa"]},
    {"kid": "k" * 300},
]


@pytest.mark.parametrize("header", HEADERS, ids=[str(n) for n in range(len(HEADERS))])
async def test_headers_that_open_nothing(store, door, issuer, header):
    assert await reason_of(store, door, issuer.token(header)) == "token_malformed"


async def test_a_nested_or_encrypted_token_opens_nothing(store, door, issuer):
    inner = issuer.token()
    nested = sign({"alg": "RS256", "kid": "rsa", "cty": "JWT"}, inner.encode(), RSA)
    assert await reason_of(store, door, nested) == "token_malformed"
    encrypted = ".".join((segment({"alg": "RSA-OAEP", "enc": "A256GCM"}), "a", "b", "c", "d"))
    assert await reason_of(store, door, encrypted) == "token_malformed"


async def test_a_huge_token_is_refused_before_it_is_read(store, door, issuer):
    largest = issuer.token(filler="x" * 11_000)
    assert len(largest) < 16 * 1024
    await door.authenticate(bearer(largest), IMAP, HERE)
    assert await reason_of(store, door, issuer.token(filler="x" * 12_500)) == "token_malformed"


async def test_deep_claims_are_no_way_to_the_stack(store, door, issuer):
    payload = b'{"iss":"' + issuer.issuer.encode() + b'","a":' + b"[" * 3000 + b"]" * 3000 + b"}"
    token = sign({"alg": "RS256", "kid": "rsa"}, payload, RSA)
    assert await reason_of(store, door, token) in {"token_malformed", "token_claims"}


# --- floods and outages -----------------------------------------------------------------------------


async def test_a_flood_of_unknown_key_ids_costs_one_fetch(door, issuer):
    await door.authenticate(bearer(issuer.token()), IMAP, HERE)
    assert issuer.requests["/jwks"] == 1
    flood = [issuer.token({"kid": secrets.token_hex(8)}) for _ in range(60)]

    async def refuse(token: str) -> None:
        with pytest.raises(AuthenticationFailed):
            await door.authenticate(bearer(token), IMAP, HERE)

    await asyncio.gather(*(refuse(token) for token in flood))
    assert issuer.requests["/jwks"] == 1  # the first fetch was less than an interval ago
    await door.authenticate(bearer(issuer.token()), IMAP, HERE)


async def test_the_first_tokens_share_one_fetch(door, issuer):
    tokens = [issuer.token() for _ in range(20)]
    await asyncio.gather(*(door.authenticate(bearer(token), IMAP, HERE) for token in tokens))
    assert (issuer.requests[DISCOVERY], issuer.requests["/jwks"]) == (1, 1)


async def test_without_keys_nobody_is_told_that_the_token_is_wrong(store, door, issuer):
    issuer.down = True
    for _ in range(3):
        with pytest.raises(IssuerUnavailable):
            await door.authenticate(bearer(issuer.token()), IMAP, HERE)
    assert issuer.requests[DISCOVERY] == 1
    async with asyncio.timeout(20):
        while len(rows := await store.audit.list(10)) < 3:
            await asyncio.sleep(0.01)
    assert {row.reason for row in rows} == {"issuer_unavailable"}


async def test_a_wrong_token_costs_no_bcrypt(store, door, issuer):
    await reason_of(store, door, issuer.token(key=OTHER_RSA))
    await reason_of(store, door, "opaque")
    assert door._keys.pool.verifications == 0


async def test_an_unexpected_issuer_is_told_to_the_log_and_its_token_is_not(door, issuer, monkeypatch):
    told = []
    monkeypatch.setattr(verifier.log, "warning", lambda event, **fields: told.append((event, fields)))
    token = issuer.token(iss="https://elsewhere.example/\x1b[2J")
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(token), IMAP, HERE)
    assert told == [("a token of an unexpected issuer", {"issuer": "https://elsewhere.example/\ufffd[2J"})]
