"""What a worker process does: one scenario in, the bytes of an answer out.

The steps are those of `letheon.runs.simulate`, so the numbers are the same; between requests a worker remembers the
arms that it ran, because moving one slider changes one arm of several.
"""

import hashlib
import json
import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from letheon.errors import LetheonError
from letheon.scenario import Arm, Scenario, dumps

__all__ = ["ACTIONS", "Cancelled", "Engine"]

ACTIONS = ("figures", "document", "report")
_ARMS_KEPT = 6


class Cancelled(LetheonError):
    """Nobody waits for this answer any more."""


class Engine:
    """Runs scenarios in one process, and remembers arms.

    Examples
    --------
    >>> from letheon.scenario import loads
    >>> answer = Engine().answer("document", loads('''
    ... letheon: 1
    ... title: x
    ... population: {n: 4}
    ... follow_up: 1 day
    ... models: {rival: off}
    ... arms: {a: {drug: racemic, sessions: [{at: 0 h, rate: 1 mg/h, for: 1 h}]}}
    ... '''))
    >>> json.loads(answer)["n_patients"]
    4
    """

    def __init__(self) -> None:
        self._arms: OrderedDict[str, Any] = OrderedDict()

    def answer(self, action: str, scenario: Scenario, beat: Callable[[], None] = lambda: None) -> bytes:
        """Run a scenario and return what was asked for.

        Parameters
        ----------
        action : str
            One of `ACTIONS`: the figures of the page, the result document, or the report.
        scenario : Scenario
            What to run.
        beat : callable
            Called now and then; may raise `Cancelled`.

        Returns
        -------
        bytes
            JSON, or for a report HTML.
        """
        document = self.document(scenario, beat)
        if action == "report":
            from letheon.views import report

            return report.render(document, dumps(scenario)).encode()
        if action == "figures":
            from letheon.views.explore.figures import page_of

            document = page_of(document, scenario)
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    def document(self, scenario: Scenario, beat: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Return the result document of a scenario, as `letheon.runs.simulate` makes it."""
        from letheon.pipeline import document, plan_arms
        from letheon.runs.engine import run_arms
        from letheon.runs.environment import use_compile_cache

        use_compile_cache()
        totals = {}
        for arm, plan in zip(scenario.arms, plan_arms(scenario), strict=True):
            beat()
            key = _content(scenario, arm, plan)
            known = self._arms.pop(key, None)
            if known is None:
                known = run_arms(scenario, (plan,), None, lambda *_: beat())[arm.name]
            self._arms[key] = known
            totals[arm.name] = replace(known, plan=plan)
        while len(self._arms) > _ARMS_KEPT:
            self._arms.popitem(last=False)
        return document(scenario, totals)


def _content(scenario: Scenario, arm: Arm, plan: Any) -> str:
    """Return what an arm's result depends on, its name left out."""
    like = next((other.drug for other in scenario.arms if other.name == arm.like), None)
    parts = (
        replace(scenario.population),
        scenario.seed,
        scenario.follow_up_h,
        scenario.models,
        replace(arm, name="arm", like=None),
        like,
    )
    return hashlib.blake2b(repr(parts).encode() + pickle.dumps(replace(plan, name="arm"))).hexdigest()
