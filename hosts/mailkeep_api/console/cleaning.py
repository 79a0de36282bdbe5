"""The child that makes a stranger's HTML harmless: HTML on its input, what may be shown on its output.

Structure and text are kept. Nothing is kept that loads (images, style), runs, asks (forms), or by which a
page could be addressed (id, class, name). Links open elsewhere, and tell nobody where they stood. HTML can be
written so that taking it apart costs minutes or gigabytes, so this process has little of both.
"""

from __future__ import annotations

import resource
import sys

SECONDS = 2  # of one processor; a newsletter takes a few hundredths
MEMORY = 512 * 1024 * 1024
TAGS = {
    *("a", "abbr", "address", "article", "b", "bdi", "bdo", "blockquote", "br", "caption", "center", "cite"),
    *("code", "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "footer"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre"),
    *(
        "q",
        "s",
        "samp",
        "section",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
    ),
    *("tfoot", "th", "thead", "tr", "u", "ul", "var", "wbr"),
}
ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}


def clean(html: str) -> str:
    """What may be shown of it."""
    import nh3  # noqa: PLC0415  for this process alone

    return nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags={"script", "style", "title", "template", "noscript", "svg", "math", "select"},
        attributes=ATTRIBUTES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
    )


def main() -> None:
    """Clean the input, within the limits."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would be somebody's mail
    html = sys.stdin.buffer.read().decode("utf-8", "replace")
    sys.stdout.buffer.write(clean(html).encode())


if __name__ == "__main__":
    main()
