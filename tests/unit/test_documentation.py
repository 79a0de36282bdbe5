"""Documents that can be wrong without anybody noticing: the settings' list, and links."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailkeep_cli.main import main
from mailkeep_cli.manual import page
from mailkeep_cli.settings import described, reference

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*.md"))]
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_the_list_of_settings_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == reference(), "run: make settings"


def test_the_manual_page_is_what_the_commands_say() -> None:
    assert (ROOT / "docs" / "mailkeep.1").read_text() == page(main), "run: make man"


def test_every_setting_is_in_the_list() -> None:
    listed = {(one.section, one.name): one for one in described()}
    assert listed["smtp", "hostname"].default == '"localhost"'
    assert listed["tls", "profile"].values == "one of `intermediate`, `modern`"
    assert listed["tls.certificates", "key"].default == "required"
    assert listed["auth.issuers", "leeway_seconds"].values == "number"
    assert listed["smtp", "max_recipients"].meaning.startswith("RFC 5321 section 4.5.3.1.8")
    assert listed["auth", "jwt_development_key"].meaning.endswith("Also `MAILKEEP_JWT_DEVELOPMENT_KEY`.")
    assert len(listed) > 80


def test_the_command_answers_people_and_programs() -> None:
    told = CliRunner().invoke(main, ["settings", "--json"])
    rows = json.loads(told.stdout)
    assert {"setting": "log.level", "values": "one of `debug`, `info`, `warning`, `error`"}.items() <= next(
        row for row in rows if row["setting"] == "log.level"
    ).items()
    assert CliRunner().invoke(main, ["settings", "--markdown"]).stdout == reference()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in _LINK.findall(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found.read_text()), target


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
