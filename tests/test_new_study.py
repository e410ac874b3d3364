"""``letheon evidence add``: what a study file would be used for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from letheon import library
from letheon.library import read_study
from letheon.study.new_study import examine
from letheon.units import REFERENCE_WEIGHT_KG

BIB = "@article{author2026,\n  author = {Author, A.},\n  title = {A trial},\n  year = {2026},\n  note = {read}\n}\n"
READ = '[population.{0}]\nmean = {1}\nsd = 9\nverified = "fulltext"\n\n'


@pytest.fixture
def template(tmp_path: Path) -> Callable:
    def written(levels: bool = False, **changes: tuple[str, str]) -> Path:
        text = library.study_template()
        if not levels:  # which would be simulated
            text = text.rpartition("[[outcomes]]")[0]
        for old, new in changes.values():
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "author2026.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_template_is_a_study_and_says_its_own_dose(template: Callable) -> None:
    study, source = read_study(template())
    (arm, _) = study.arms
    assert source is None
    assert arm.dose_mg_70kg == sum(hours * rate for _, hours, rate in arm.infusions)
    assert arm.days == pytest.approx(max(start + hours for start, hours, _ in arm.infusions) / 24, abs=1e-3)


def test_a_whole_study_lacks_nothing_and_supports_its_result(template: Callable, tmp_path: Path) -> None:
    (tmp_path / "author2026.bib").write_text(BIB, encoding="utf-8")
    traits = READ.format("weight_kg", REFERENCE_WEIGHT_KG) + READ.format("age_year", 45)
    path = template(who=("[[arms]]", traits + "[[arms]]"), missing=('["weight of the patients"]', "[]"))
    result = examine(*read_study(path))
    (row,) = result.supports
    assert (result.missing, result.label, result.shipped) == ([], "randomised", False)
    assert (row.quantity, row.window, row.against, row.arms) == ("nrs", (28.0, 28.0), "placebo", ["ketamine"])


def test_reported_levels_are_compared_with_the_regimen(template: Callable) -> None:
    """Levels are linear in the rate: at twice the rate they are twice as high, and the report is contradicted."""
    twice = (
        ("[96, 4, 25]]", "[96, 4, 50]]"),
        ("[0, 4, 25], [24, 4, 25], [48, 4, 25], [72, 4, 25]", "[0, 4, 50], [24, 4, 50], [48, 4, 50], [72, 4, 50]"),
    )
    (own,) = examine(*read_study(template(levels=True))).checks
    (double,) = examine(*read_study(template(levels=True, last=twice[0], first=twice[1]))).checks
    assert double.simulated == pytest.approx([2 * level for level in own.simulated], rel=1e-3)
    assert (own.met, double.met, own.reported) == (True, False, (90.0, 270.0))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("se = 0.5 #", "#"), "pain mean difference of ketamine on day 28: an error"),
        (
            (
                'level = 0.95\nn = 40\nverified = "fulltext"',
                'level = 0.95\nn = 40\nverified = "recall"',
            ),
            "only recalled",
        ),
        (('diagnosis = "CRPS"', 'diagnosis = "depression"'), ""),
    ],
)
def test_what_is_missing_is_named(template: Callable, change: tuple[str, str], sentence: str) -> None:
    result = examine(*read_study(template(change=change)))
    assert any(sentence in one for one in result.missing) if sentence else not result.supports


def test_command_prints_template_document_and_refusals(command: Callable, template: Callable, tmp_path: Path) -> None:
    assert command("evidence", "add", "--template")[1] == library.study_template()
    code, out, _ = command("evidence", "add", template(), "--json")
    assert code == 0 and json.loads(out)["id"] == "author2026"
    code, _, err = command("evidence", "add", template(bad=('drug = "racemic"', 'drug = "ketamin"')))
    assert code == 2 and "[[arms]][0].drug: got 'ketamin'; expected one of" in err
    (tmp_path / "x.toml").write_bytes(b"\xff")
    assert "not a text in UTF-8" in command("evidence", "add", tmp_path / "x.toml")[2]
    assert command("evidence", "add")[0] == 2
