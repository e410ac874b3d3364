"""Predictions on record: they can be made again, and their page says what the file says."""

import json
from pathlib import Path

import numpy as np
import pytest

from letheon.errors import InputError
from letheon.views.prediction_page import page, record

HOME = Path(__file__).parents[1] / "docs" / "predictions"
FILES = sorted(HOME.glob("*.json"))


def test_there_is_a_prediction_on_record():
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_the_page_says_what_the_file_says(path):
    told = json.loads(path.read_text(encoding="utf-8"))
    assert path.with_suffix(".md").read_text(encoding="utf-8") == page(told)
    assert told["date"] in path.name
    for by_model in told["predictions"].values():
        assert set(by_model) == {"memory", "slow_site"}


def test_a_prediction_on_record_is_never_overwritten(tmp_path):
    (tmp_path / "ketcrps2-2026-01-01.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="stays as it is"):
        record(tmp_path, "2026-01-01")


def numbers(tree) -> list[float]:
    if isinstance(tree, dict):
        return [x for value in tree.values() for x in numbers(value)]
    if isinstance(tree, list):
        return [x for value in tree for x in numbers(value)]
    return [tree] if isinstance(tree, float) else []


@pytest.mark.slow
def test_the_latest_prediction_can_be_made_again():
    """Same seed, version and posterior: the same numbers, up to one diary entry that another processor rounds apart."""
    from letheon.study.records import encode
    from letheon.study.trial.prediction import ketcrps2

    told = json.loads(FILES[-1].read_text(encoding="utf-8"))
    again = json.loads(encode(ketcrps2(told["date"])))
    assert again.keys() == told.keys()
    np.testing.assert_allclose(numbers(again["predictions"]), numbers(told["predictions"]), atol=0.04)
