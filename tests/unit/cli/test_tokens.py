"""`mailkeep tokens dev`, and the key that `mailkeep up` makes for it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailkeep.auth.tokens.jws import take_apart
from mailkeep.auth.tokens.signatures import secret_verifies
from mailkeep.errors import SettingsError
from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import load_settings
from mailkeep_cli import context
from mailkeep_cli.main import main
from mailkeep_cli.up import with_development_key
from mailkeep_cli.up_files import development_key_file
from mailkeep_cli.up_plan import UpPlan

CA = DevelopmentCa(Path("/tls/ca.pem"), Path("/tls/server.pem"), Path("/tls/server.key"))
KEY = "k" * 32


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in this process must not take its logging away."""
    monkeypatch.setattr(context, "configure", lambda _settings: None)


def dev(tmp_path: Path, *words: str, **environ: str) -> Result:
    environment = {"MAILKEEP_CONFIG": "", "MAILKEEP_STORE_DATABASE": "", **environ}
    return CliRunner().invoke(main, ["tokens", "dev", *words, "--data-dir", str(tmp_path)], env=environment)


def test_a_token_of_the_configured_key(tmp_path: Path) -> None:
    ran = dev(tmp_path, "Alice@example.test", "--scope", "imap", MAILKEEP_JWT_DEVELOPMENT_KEY=KEY)
    parts = take_apart(ran.stdout.strip())
    assert parts is not None
    assert secret_verifies(parts, KEY.encode())
    assert parts.claims["sub"] == "alice@example.test"
    assert (parts.claims["iss"], parts.claims["aud"]) == ("mailkeep-dev", "mailkeep")
    assert parts.claims["scope"] == "imap"
    assert parts.claims["exp"] - parts.claims["iat"] == 3600


def test_as_json_with_an_end(tmp_path: Path) -> None:
    ran = dev(tmp_path, "a@example.test", "--expires", "10m", "--json", MAILKEEP_JWT_DEVELOPMENT_KEY=KEY)
    told = json.loads(ran.stdout)
    assert told["token_type"] == "Bearer"
    assert take_apart(told["token"]) is not None


def test_without_a_key_the_way_out_is_told(tmp_path: Path) -> None:
    ran = dev(tmp_path, "a@example.test")
    assert ran.exit_code == 1
    assert "There is no development key." in ran.stderr
    assert "MAILKEEP_JWT_DEVELOPMENT_KEY" in ran.stderr


def test_with_an_issuer_there_are_none(tmp_path: Path) -> None:
    issuers = json.dumps([{"issuer": "https://id.example.org"}])
    ran = dev(tmp_path, "a@example.test", MAILKEEP_AUTH_ISSUERS=issuers, MAILKEEP_JWT_DEVELOPMENT_KEY=KEY)
    assert ran.exit_code == 1
    assert "issuers" in ran.stderr


def test_the_key_of_a_run_is_private_and_new_each_time(tmp_path: Path) -> None:
    plan = UpPlan(tmp_path)
    keys = []
    for _ in range(2):
        environment = with_development_key(plan.environment({}, CA), plan)
        keys.append(load_settings(environ=environment).auth.jwt_development_key)
        file = development_key_file(tmp_path)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text().strip() == keys[-1]
    assert keys[0] != keys[1]
    parts = take_apart(dev(tmp_path, "a@example.test").stdout.strip())
    assert parts is not None
    assert secret_verifies(parts, keys[1].encode())


@pytest.mark.parametrize(
    ("host", "inherited"),
    [
        ("*", {}),
        ("192.0.2.1", {}),
        ("127.0.0.1", {"MAILKEEP_AUTH_DEVELOPMENT_TOKENS": "off"}),
        ("127.0.0.1", {"MAILKEEP_AUTH_ISSUERS": '[{"issuer":"https://id.example.org"}]'}),
        ("127.0.0.1", {"MAILKEEP_JWT_DEVELOPMENT_KEY": KEY}),
    ],
)
def test_where_no_key_is_made(tmp_path: Path, host: str, inherited: dict[str, str]) -> None:
    plan = UpPlan(tmp_path, host=host)
    development_key_file(tmp_path).write_text("of a former run")
    environment = plan.environment(inherited, CA)
    assert with_development_key(environment, plan) == environment
    assert not development_key_file(tmp_path).exists()


def test_a_configured_key_on_a_public_address_is_refused(tmp_path: Path) -> None:
    plan = UpPlan(tmp_path, host="*")
    with pytest.raises(SettingsError, match="development"):
        with_development_key(plan.environment({"MAILKEEP_JWT_DEVELOPMENT_KEY": KEY}, CA), plan)
