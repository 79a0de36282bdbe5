"""Issuers that come, change and go while a host runs: what the settings say is trusted, and what need not
change does not."""

from __future__ import annotations

import pytest
from tests.support.oidc.served import served_issuer

from mailkeep.auth.tokens.development import DevelopmentIssuer
from mailkeep.errors import AuthenticationFailed
from mailkeep.model.principal import Credential, CredentialKind, Peer
from mailkeep.model.scope import Scope
from mailkeep.settings import AuthSettings

IMAP = frozenset({Scope.IMAP})
HERE = Peer("192.0.2.1", 4711, tls=True)
KEY = "k" * 64


async def login(door, token):
    return await door.authenticate(Credential(CredentialKind.BEARER, "", token), IMAP, HERE)


async def refused(door, token):
    with pytest.raises(AuthenticationFailed):
        await login(door, token)


async def test_an_issuer_is_trusted_from_the_reload_on_and_no_more_after_the_next(
    started, issuer, issuer_settings
):
    door = await started(development_tokens="off")
    await refused(door, issuer.token())
    door.trust(AuthSettings(issuers=(issuer_settings(),)))
    user = (await login(door, issuer.token())).user_id
    async with served_issuer() as other:
        both = (issuer_settings(), issuer_settings(issuer=other.issuer))
        door.trust(AuthSettings(issuers=both))
        theirs = other.token(email="other@example.test", sub="subject-2")
        assert (await login(door, theirs)).user_id != user
        fetched = issuer.requests["/jwks"]
        assert (await login(door, issuer.token())).user_id == user
        assert issuer.requests["/jwks"] == fetched  # its keys were kept
        door.trust(AuthSettings(issuers=both[1:]))
        await refused(door, issuer.token())
        assert (await login(door, theirs)).user_id != user
    door.trust(AuthSettings(development_tokens="off"))
    await refused(door, issuer.token())


async def test_other_settings_of_an_issuer_hold_at_once(started, issuer, issuer_settings):
    door = await started(issuer_settings())
    await login(door, issuer.token())
    door.trust(AuthSettings(issuers=(issuer_settings(audiences=("somebody-else",)),)))
    await refused(door, issuer.token())


async def test_a_random_key_of_development_outlives_a_reload_and_ends_with_the_first_issuer(
    started, issuer_settings
):
    door = await started(development_tokens="on")
    verifier = door._tokens
    random = verifier._development
    assert isinstance(random, DevelopmentIssuer)
    door.trust(AuthSettings(development_tokens="on", token_grace_seconds=7))
    assert verifier._development is random
    door.trust(AuthSettings(development_tokens="on", jwt_development_key=KEY))
    assert verifier._development not in (random, None)
    door.trust(AuthSettings(issuers=(issuer_settings(),)))
    assert verifier._development is None
