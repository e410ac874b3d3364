"""A study laid over a run: published values at their times. The oracles are the paper's numbers, as literals."""

from collections.abc import Callable
from pathlib import Path

import pytest
from stored import ROOT, sigtermans

from letheon.views.document import terminal
from letheon.views.subjects.beside import points, section, summary
from letheon.views.subjects.evidence import study_of

LEIDEN = study_of("sigtermans2009")


def test_published_values_keep_sign_day_and_error() -> None:
    """2.68 (SE 0.51) and 5.45 (SE 0.48) in week 1; the difference in week 12 is -1.27 (SE 0.7)."""
    published = {(one.arm, one.against, one.days[1]): one for one in points(LEIDEN)}
    drug, sham = published["esketamine", "", 7.0], published["placebo", "", 7.0]
    assert (drug.value, sham.value, drug.control, sham.control) == (2.68, 5.45, False, True)
    assert drug.ends == pytest.approx((2.68 - 1.645 * 0.51, 2.68 + 1.645 * 0.51))
    late = published["esketamine", "placebo", 84.0]
    assert (late.value, late.key) == (-1.27, "nrs_day_84")
    assert late.ends == pytest.approx((-1.27 - 1.645 * 0.7, -1.27 + 1.645 * 0.7))


def test_counts_become_shares() -> None:
    """After 45 min pain had fallen by more than half in 8 of 12 patients on esketamine and 3 of 12 on midazolam."""
    early = [one for one in points(study_of("noppers2011")) if one.days[1] == 0.031]
    assert {(one.arm, one.control): one.value for one in early} == {
        ("esketamine", False): pytest.approx(8 / 12),
        ("midazolam", True): pytest.approx(3 / 12),
    }


def test_figure_draws_each_score_at_its_day() -> None:
    result = sigtermans()
    figure = section(result, LEIDEN).blocks[1].blocks[1].figure
    traces = [one for one in figure["data"] if one["meta"]["part"] == "published"]
    drawn = {(one["name"], x): y for one in traces for x, y in zip(one["x"], one["y"], strict=True)}
    assert drawn == {("esketamine", 7.0): 2.68, ("placebo", 7.0): 5.45}
    assert all(len(one["error_y"]["array"]) == len(one["x"]) for one in traces)


def test_table_sets_drug_beside_drug_and_placebo_beside_placebo() -> None:
    result = sigtermans()
    table = next(block for block in section(result, LEIDEN).blocks if hasattr(block, "groups"))
    rows = {(row.head, row.cells[0]): row.cells[3:] for group in table.groups for row in group.rows}
    drug, fast, sham = rows["Mean pain score: esketamine", "7"]
    assert sham == "-" and drug != "-" and fast != "-"
    assert rows["Mean pain score: placebo", "7"][:2] == ("-", "-")
    heads = [row.head for group in table.groups for row in group.rows]
    assert heads[1:3] == ["  pain memory alone", "  slow site alone"] and len(heads) == 3 * len(points(LEIDEN))
    assert {"-2.8", "(-3.9", "-1.6)"} <= {*terminal.text(summary(result, LEIDEN)).split()}


def test_study_without_pain_says_so() -> None:
    assert "no pain score" in terminal.text(summary(sigtermans(), study_of("idvall1979")))


def test_unknown_study_is_refused_before_the_run(command: Callable, tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, _, err = command("simulate", ROOT / "examples" / "small.yaml", "--out", out, "--beside", "sigterman2009")
    assert code == 2 and "sigtermans2009" in err and not out.exists()
