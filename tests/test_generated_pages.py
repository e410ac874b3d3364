"""Generated pages of the documentation are what their templates and facts give, and predictions stay on record."""

import json
import re

import generate
import numpy as np
import predict
import pytest

from letheon.study.records import encode
from letheon.views.document.tree import Table


@pytest.mark.parametrize("page", sorted(generate.PAGES))
def test_a_page_is_what_its_template_renders(page):
    """Red when a fact changed or the page was edited by hand: python docs/making/generate.py."""
    assert (generate.DOCS / f"{page}.md").read_text(encoding="utf-8") == generate.render(page)


def test_a_cell_neither_ends_early_nor_starts_an_element():
    text = generate.block(Table.of("t", ("a | b", "c"), [("a | b <script>", "d")]))
    assert "a \\| b &lt;script>" in text and {line.replace("\\|", "").count("|") for line in text.splitlines()} == {3}


@pytest.mark.parametrize(
    ("ranks", "shape"),
    [
        (np.linspace(0.0, 1.0, 400), "even"),
        (np.r_[np.linspace(0, 0.1, 150), np.linspace(0, 1, 100), np.linspace(0.9, 1, 150)], "narrow"),
        (np.linspace(0.3, 0.7, 400), "wide"), (np.linspace(0.0, 1.0, 400) ** 2, "low"),
        (np.linspace(0.0, 1.0, 400) ** 0.5, "high"),
    ],
)  # fmt: skip
def test_the_shape_of_ranks_is_classified(ranks, shape):
    tenths = generate.tenths(ranks)
    assert sum(tenths) == len(ranks)
    assert generate.shape(tenths) == shape


def test_a_prediction_on_record_is_never_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    (tmp_path / "predictions").mkdir()
    (tmp_path / "predictions" / "ketcrps2-2026-01-01.json").write_text("{}", encoding="utf-8")
    with pytest.raises(FileExistsError, match="stays as it is"):
        predict.record("2026-01-01")


def numbers(tree: dict) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?", json.dumps(tree))]


@pytest.mark.slow
def test_the_latest_prediction_is_reproduced():
    """Same seed, version and posterior: the same numbers, up to one diary entry that another processor rounds apart."""
    stored = generate.stored(max(name for name in generate.PAGES if name.startswith("predictions/")))
    again = json.loads(encode(predict.ketcrps2(stored["date"])))
    assert again.keys() == stored.keys()
    np.testing.assert_allclose(numbers(again["predictions"]), numbers(stored["predictions"]), atol=0.04)
