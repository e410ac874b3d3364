"""Intervals whose ends read alike are bounds, wherever one is written; red when a place writes them by itself."""

from __future__ import annotations

import pytest

from letheon.views import harm_rows, optimise_words, tables
from letheon.views.explore import answers
from letheon.views.report import harms, words

WRITERS = {
    "terminal": lambda v: tables._with_interval({"mean": v, "mean_interval": [v, v]}, "mean", "mean_interval"),
    "terminal, harms": lambda v: harm_rows._cell({"estimate": v, "interval": [v, v], "unit": "mmHg"}),
    "terminal, range": lambda v: harm_rows.interval({"interval": [v, v]}, "mL"),
    "report": lambda v: words.between([v, v], "NRS"),
    "report, share": lambda v: words.between([v / 100, v / 100], "share"),
    "report, change": lambda v: words.change_between([v, v], "NRS"),
    "report, harms": lambda v: harms._amount({"estimate": v, "interval": [v, v]}, "mmHg"),
    "page": lambda v: answers._ends({"interval": [v, v], "unit": "mmHg"}),
    "search": lambda v: optimise_words.interval({"mean": v, "mean_interval": [v, v], "unit": "days"}),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("value", [0.0, 7.24, 50.0, -0.0033])
def test_equal_ends_are_written_as_a_bound(name, value):
    said = WRITERS[name](value)
    exact = value == 0.0 and name.endswith(", harms")  # a size of exactly 0, as without drug, is no estimate
    assert ("≤" in said or "under" in said) != exact


@pytest.mark.parametrize("name", WRITERS)
def test_ends_that_differ_are_both_written(name):
    write = {
        "terminal": lambda: tables._with_interval({"mean": 5.0, "mean_interval": [4.0, 6.0]}, "mean", "mean_interval"),
        "report": lambda: words.between([4.0, 6.0], "NRS"),
    }.get(name)
    assert write is None or ("4.0" in write() and "6.0" in write() and "≤" not in write())
