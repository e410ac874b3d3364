"""The page around the report: one HTML file with its style, script and data inside, and no way out of it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from importlib import resources

from letheon.views.report import figures, words


def frame(
    title: str,
    header: str,
    contents: Mapping[str, str],
    sections: Iterable[str],
    footer: str,
    shelf: figures.Shelf,
    foot: str = "",
) -> str:
    """Return a whole page around its sections, with style, data and scripts inside.

    The content policy lets in nothing from outside: no request can leave the page, and only the two scripts
    that stand in it, named by their hashes, may run. `contents` names the sections by their anchors; `title` and
    `foot`, which stands at the foot of each sheet of paper, are plain text, all else is HTML.
    """
    links = "".join(f'<li><a href="#{key}">{name}</a></li>' for key, name in contents.items())
    plotly, script = _asset("vendor", "plotly-basic.min.js"), _asset("document", "page.js")
    # Elements that are empty in HTML's own sense carry no slash; the order is head, content, data, scripts.
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(plotly, script)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>{words.escape(title)}</title>"
        f"<style>{_asset('document', 'style.css')}{_foot(foot)}</style></head>\n<body>"
        f'{header}<nav aria-label="Contents"><ul>{links}</ul></nav>\n<main>'
        + "\n".join(sections)
        + f"</main>\n{footer}"
        f'<script type="application/json" id="figures-data">{shelf.as_json()}</script>\n'
        f"<script>{plotly}</script>\n<script>{script}</script></body></html>\n"
    )


def _foot(text: str) -> str:
    """Return the rule that writes a text on each sheet; in a style sheet only escapes keep a text a text."""
    safe = "".join(letter if letter.isalnum() or letter in " .,-" else f"\\{ord(letter):x} " for letter in text)
    return f'@page{{@bottom-left{{content:"{safe}";font:7.5pt system-ui,sans-serif;color:#474d56}}}}'


def _policy(*scripts: str) -> str:
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    # Plotly writes its own style rules while it draws, hence 'unsafe-inline' for style alone.
    sources = f"script-src {hashes}; style-src 'unsafe-inline'"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _asset(room: str, name: str) -> str:
    return (resources.files("letheon.views") / room / name).read_text(encoding="utf-8")
