"""What a worker process does: one scenario in, the bytes of an answer out.

The steps are those of `letheon.runs.simulate`, so the numbers are the same; between requests a worker remembers arms.
While a slider moves the page asks for drafts: patients are run on a coarser mesh, and the spread of the means under
other draws, which takes ten times as long, is that of the last whole answer, laid around the new means. An arm on
placebo stays as it was while its patients are the same. Nothing of a draft enters a whole answer.
"""

import hashlib
import json
import pickle
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec
import numpy as np

from letheon.body.mesh import DRAFT
from letheon.pipeline import plan_arms
from letheon.pipeline.models import common_models
from letheon.pipeline.plan import ArmPlan
from letheon.pipeline.result import ArmResult, RunResult, document_of
from letheon.pipeline.summary import ArmTotals, run_result
from letheon.runs.engine import KINDS, run_arms
from letheon.runs.environment import use_compile_cache
from letheon.scenario import Arm, Scenario, dumps
from letheon.scenario.comparing import comparators
from letheon.views.explore.figures import MOST_POINTS, page_of
from letheon.views.explore.handout import handout
from letheon.views.subjects import run

_ARMS_KEPT = 8


class Engine:
    """Runs scenarios in one process, and remembers arms."""

    def __init__(self) -> None:
        self._arms: OrderedDict[str, ArmTotals] = OrderedDict()
        self._last: OrderedDict[str, _Last] = OrderedDict()
        self._programs: set[tuple[object, ...]] = set()
        self._phase: Callable[[str], None] = lambda _: None

    def answer(
        self,
        action: str,
        scenario: Scenario,
        heartbeat: Callable[[], None] = lambda: None,
        phase: Callable[[str], None] = lambda _: None,
    ) -> bytes:
        """Run a scenario and return JSON, or for a report or a hand-out HTML.

        `action` is ``figures`` of the page, a ``draft`` of them, which says in ``draft`` whether anything in it is
        borrowed, the result ``document``, the ``report``, or the ``handout`` for patients. `heartbeat` is called now
        and then and may raise; `phase` is called with ``preparing`` before a program has to be compiled, ``computing``
        from then on.
        """
        self._phase = phase
        result, borrowed = self._result(scenario, heartbeat, action)
        if action == "handout":
            return handout(result).encode()
        if action == "report":
            return run.page(result, dumps(scenario)).encode()
        if action in ("figures", "draft"):
            document = page_of(result, scenario) | {"draft": borrowed}
        else:
            document = document_of(result)
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    def _result(self, scenario: Scenario, heartbeat: Callable[[], None], action: str) -> tuple[RunResult, bool]:
        """Return the result of a scenario, and whether anything in it is borrowed."""
        use_compile_cache()
        self._phase("computing")
        lenders = {arm.name: self._last.get(_like(scenario, arm)) for arm in scenario.arms}
        draft = action == "draft" and None not in lenders.values()
        plans = plan_arms(scenario, DRAFT, MOST_POINTS) if draft else plan_arms(scenario)
        totals: dict[str, ArmTotals] = {}
        borrowed: dict[str, ArmResult] = {}
        compared = comparators(scenario.arms, scenario.against)
        whose: dict[str, tuple[object, ...]] = {}  # what placebo depends on beside the timetable that it mirrors
        for arm, plan in zip(scenario.arms, plans, strict=True):
            heartbeat()
            last = lenders[arm.name] if draft else None
            whose[arm.name] = scenario.population, scenario.seed, arm.policy
            if last is None:
                totals[arm.name] = self._totals(scenario, arm, plan, heartbeat, KINDS)
            elif arm.drug == "placebo" and arm.name not in compared and last.whose == whose[arm.name]:
                totals[arm.name], borrowed[arm.name] = last.totals, last.result
            else:
                people = self._totals(scenario, arm, plan, heartbeat, KINDS[:1])
                bank = last.totals.bank_columns, _laid(last.totals, plan)
                totals[arm.name] = replace(people, bank_columns=bank[0], bank_profile=bank[1])
        result = run_result(scenario, totals, skip=borrowed, lists=action not in ("figures", "draft"))
        arms = {arm.name: borrowed.get(arm.name) or result.arms[arm.name] for arm in scenario.arms}
        for arm in scenario.arms if not draft else ():
            self._last[_like(scenario, arm)] = _Last(totals[arm.name], whose[arm.name], arms[arm.name])
            self._last.move_to_end(_like(scenario, arm))
        for memory in (self._arms, self._last):
            while len(memory) > _ARMS_KEPT:
                memory.popitem(last=False)
        return msgspec.structs.replace(result, arms=arms), draft

    def _totals(
        self, scenario: Scenario, arm: Arm, plan: ArmPlan, heartbeat: Callable[[], None], kinds: Sequence[str]
    ) -> ArmTotals:
        """Return the totals of an arm, from memory where it has been run before."""
        key = _content(scenario, arm, plan)
        known = self._arms.pop(key, None)
        if known is None:
            program = plan.structure, len(plan.day_rows), len(plan.save)
            if program not in self._programs:
                self._phase("preparing")

            def block_done(*_: object) -> None:
                if program not in self._programs:
                    self._programs.add(program)
                    self._phase("computing")
                heartbeat()

            known = run_arms(scenario, (plan,), None, block_done, kinds=kinds)[arm.name]
        self._arms[key] = known = replace(known, plan=plan)
        return known


class _Last(NamedTuple):
    """An arm of the last whole answer: its totals, whose they are, and its result."""

    totals: ArmTotals
    whose: tuple[object, ...]
    result: ArmResult


def _like(scenario: Scenario, arm: Arm) -> str:
    """Return what two arms must share for one to borrow from the other: the same quantities, some spread in each."""
    boosters = arm.policy.boosters
    rules = boosters is None, boosters is not None and boosters.on_relapse, arm.policy.titration is None
    plasma = common_models(scenario)  # which the drugs of other arms decide too
    return repr(
        (arm.name, arm.drug, rules, scenario.follow_up_h, scenario.endpoints, scenario.models, sorted(plasma.items()))
    )


def _laid(last: ArmTotals, plan: ArmPlan) -> dict[str, np.ndarray]:
    """Return the bank's profiles of an earlier answer at the times of another plan, between the nearest two."""
    earlier, now = last.plan.profile_time_h, plan.profile_time_h
    after = np.clip(np.searchsorted(earlier, now), 1, len(earlier) - 1)
    share = np.clip((now - earlier[after - 1]) / (earlier[after] - earlier[after - 1]), 0.0, 1.0)
    return {
        name: rows[:, after - 1] * (1.0 - share) + rows[:, after] * share for name, rows in last.bank_profile.items()
    }


def _content(scenario: Scenario, arm: Arm, plan: ArmPlan) -> str:
    """Return what an arm's result depends on, its name left out."""
    like = next((other.drug for other in scenario.arms if other.name == arm.like), None)
    content = replace(arm, name="arm", like=None), like
    parts = scenario.population, scenario.seed, scenario.follow_up_h, scenario.models, *content
    return hashlib.blake2b(repr(parts).encode() + pickle.dumps(replace(plan, name="arm"))).hexdigest()
