"""The benchmark's weekly numbers: against its tight reference and a finer rule."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.long

HOURS = 168


@pytest.fixture(scope="module")
def bench(root: Path) -> Any:
    """Return the benchmark's weekly program and what it is compared with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root)
        yield {name: import_module(f"benchmarks.{name}") for name in ("hourly", "weekly", "reference")}


def solved(bench: Any, problem: Any, cl: np.ndarray, v1: np.ndarray, **options: Any) -> np.ndarray:
    """Return ketamine, norketamine and slow state, shape (3, week, patient)."""
    return np.concatenate([np.stack(part) for part in bench["weekly"].solve(problem, cl, v1, **options)], axis=-1)


def worst(result: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    """Return the greatest errors of levels and of the slow state, relative with the reference's floors."""
    error = np.abs(result - known) / np.maximum(np.abs(known), np.array([0.1, 0.1, 0.001])[:, None, None])
    return float(error[:2].max()), float(error[2].max())


@pytest.mark.parametrize("name", ["K1", "K2"])
def test_a_finer_rule_agrees(bench: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = getattr(bench["hourly"], name)
    cl, v1 = bench["hourly"].people(125)
    cl[:2], v1[:2] = (25.0, 260.0), (5.0, 55.0)  # some from farther out than anybody
    result = solved(bench, problem, cl, v1)
    assert result.shape == (3, problem.hours // HOURS, 125)
    for option, value in (("NODES", 12), ("FIRST", 9), ("WIDEST", 4)):
        monkeypatch.setattr(bench["weekly"], option, value)
    bench["weekly"].weeks.clear_cache()
    levels, slow = worst(result, solved(bench, problem, cl, v1))
    bench["weekly"].weeks.clear_cache()
    assert levels < 1e-13 and slow < 1e-7


def test_any_course_agrees_with_the_reference(bench: Any) -> None:
    # starts with a pause, changes by an hour, one change within a week's last hours, an end within a week
    problem = bench["hourly"].Problem("other", (0, 5, 6, 30, 330, 335, 1050), (0.0, 40.0, 12.5, 0.0, 30.0, 0.0), 3)
    cl, v1 = np.array([80.0, 25.0, 190.0]), np.array([17.0, 40.0, 8.0])
    result = solved(bench, problem, cl, v1)
    assert result.shape == (3, 6, 3)
    each = [bench["reference"].solve(problem, cl[k], v1[k])[:, HOURS - 1 :: HOURS] for k in range(3)]
    known = np.stack(each, axis=-1)
    levels, slow = worst(result, known)
    assert levels < 1e-10 and slow < 1e-7


def test_a_solver_that_is_not_installed_is_left_out_with_a_sentence(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers = import_module("benchmarks.peers")
    absent = {"numbalsoda"}
    monkeypatch.setattr(peers, "find_spec", lambda name: None if name in absent else object())
    (sentence,) = peers.left_out()
    assert sentence.startswith("numba + LSODA takes no part: numbalsoda is not installed")
    names = ("numba + LSODA, rtol 1e-6", "SciPy LSODA, rtol 1e-6", "diffrax Kvaerno5, rtol 1e-6")
    assert [peers.is_installed(name) for name in names] == [False, True, True]
