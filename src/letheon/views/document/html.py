"""A document as one HTML page that opens in any browser without a network, by the templates in this folder."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from letheon.definitions import PAGE_NOTICE
from letheon.views.document import tree

if TYPE_CHECKING:
    from jinja2 import Environment

_THIN, _MINUS, _DASH = "\u202f", "\u2212", "\u2013"  # a narrow space that does not break, signs


def render(document: tree.Document) -> str:
    """Return the page of a document: its style, scripts and data inside, nothing fetched; equal trees, equal text.

    The content policy lets in nothing from outside, and only the two scripts that stand in the page, named by their
    hashes, may run.
    """
    plotly, script = _asset("vendor", "plotly-basic.min.js"), _asset("document", "page.js")
    page = _environment().get_template("page.html.jinja")
    return page.render(
        document=document,
        notice=PAGE_NOTICE,
        figures=FigureRegistry(),
        policy=_policy(plotly, script),
        style=_asset("document", "style.css"),
        # in a style sheet only escapes keep a text a text
        sheet="".join(one if one.isalnum() or one in " .,-" else f"\\{ord(one):x} " for one in document.sheet),
        plotly=plotly,
        script=script,
    )


def typeset(text: str) -> str:
    """Return text with real minus signs, a dash for no number, and no break before a percent sign or in a bound.

    >>> typeset("-1.27 to -0.3, 5 %").replace(_THIN, "_"), typeset("-"), typeset("2010-11")
    ('−1.27 to −0.3, 5_%', '–', '2010-11')
    """
    if text.strip() == "-":
        return _DASH
    text = re.sub(r"(?<![\w.)-])-(?=\d)", _MINUS, text)
    return re.sub(r"(?<=[<>]) (?=\d)| (?=%)", _THIN, text)


class FigureRegistry(list[Mapping[str, Any]]):
    """The figures of a page, collected while it is rendered, to be written once as JSON."""

    def place(self, figure: Mapping[str, Any]) -> int:
        """Keep a figure and return its number."""
        self.append(figure)
        return len(self) - 1

    def as_json(self) -> str:
        """Return all figures as JSON that may stand inside a script element.

        Axes that many curves share are written once: a string ``"3"`` as x is the fourth of `axes`.
        """
        axes: dict[tuple[Any, ...], int] = {}

        def short(trace: dict[str, Any]) -> dict[str, Any]:
            x = trace["x"]
            return trace | {"x": str(axes.setdefault(tuple(x), len(axes)))} if len(x) > 20 else trace

        figures = [{"data": [*map(short, one["data"])], "layout": one["layout"]} for one in self]
        document = {"axes": list(axes), "figures": figures}
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        # Inside a script element only these could end it or change how it is read.
        return re.sub("[<>&\u2028\u2029]", lambda mark: f"\\u{ord(mark[0]):04x}", text)


def _kind_of(part: object) -> str:
    return type(part).__name__


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("letheon.views.document"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Jinja does not say what these two hold
    environment.filters["typeset"] = typeset  # pyright: ignore[reportUnknownMemberType]
    environment.globals["kind_of"] = _kind_of  # pyright: ignore[reportUnknownMemberType]
    return environment


def _policy(*scripts: str) -> str:
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    # Plotly writes its own style rules while it draws, hence 'unsafe-inline' for style alone.
    sources = f"script-src {hashes}; style-src 'unsafe-inline'"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"


@cache
def _asset(room: str, name: str) -> str:
    return (resources.files("letheon.views") / room / name).read_text(encoding="utf-8")
