"""The page of what supports a number, made from the library's studies and their checks.

``python -m letheon.views.support_page docs/support.md`` writes it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from letheon import library
from letheon.library import Met, Study, StudyArm
from letheon.pipeline.labels import SupportRow, support_rows, usable
from letheon.views.report.words import SUPPORT

__all__ = ["page"]

_HEAD = """# What supports a number

This page is made from the library. Every number of a result carries a label, and beside it the studies that it rests
on. In order of certainty:"""

_RULES = """\
The same dose per kg, days and hours on the drip means within 25 % of the study's. The same patients means that the
scenario's mean weight, age and baseline pain each lie within one SD of the study's; a study of which these were not
read has no such patients. A study gives a label only if the simulation of its own arm meets what it reported. The
score of an arm and its difference from placebo are different quantities, with labels of their own. Dose, hours and
baseline are facts of the scenario, and have no label. Rules that decide on the way (titration, boosters), other drugs
beside and switched models make another treatment than the trial's. No result beyond 12 weeks is supported.

## Results that could give a label

Each result of a randomised or uncontrolled study in CRPS that is also a number of a result document. Whether the
simulation meets it is noted under each pain model: the simulated mean lies inside the 90 % interval of the reported
value. One that neither model meets, or whose regimen is not known, gives no label."""

_FINDINGS = """## What held-out trials found

Trials that report no such number support an extrapolation if the models give what they found a chance of 5 % or more.

| study | found | pain memory | slow site |
| --- | --- | --- | --- |"""


def page() -> str:
    """Return the page.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> page().splitlines()[0]
    '# What supports a number'
    """
    labels = [
        "| label | stands where |",
        "| --- | --- |",
        *(f"| `{name}` | {text} |" for name, text in SUPPORT.items()),
    ]
    parts = [_HEAD, "\n".join(labels), _RULES, "\n".join(_table()), "\n".join([_FINDINGS, *_findings()])]
    return "\n\n".join(parts) + "\n"


def _table() -> Iterator[str]:
    yield (
        "| study, design | quantity | window | compared with | given | patients | reported | pain memory | slow site |"
        " gives a label |"
    )
    yield "| --- " * 10 + "|"
    for row in support_rows():
        told = (_check(row, pain) for pain in ("memory", "slow_site"))
        cells = (
            f"[{row.study.id}](evidence.md#{row.study.id}), {row.study.design}",
            f"`{row.quantity}`" + (" on placebo" if row.sham else ""),
            "the course" if row.window is None else _days(row.window),
            row.comparator or "nothing",
            "; ".join(_given(row.study, arm) for arm in row.arms) or "no arm with ketamine",
            _patients(row.study),
            _reported(row),
            *map(_met, told),
            _verdict(row),
        )
        yield f"| {' | '.join(cells)} |"


def _days(window: tuple[float, float]) -> str:
    first, last = window
    return f"day {last:g}" if first == last else f"days {first:g} to {last:g}"


def _given(study: Study, arm: StudyArm) -> str:
    if not usable(arm) or arm.days is None or arm.dose_mg_70kg is None:
        return f"{arm.drug}, " + ("its timetable contradicts the study" if arm.contradicted else "regimen not known")
    return f"{arm.drug}, {arm.dose_mg_70kg / 70:.3g} mg/kg at 70 kg in {arm.hours:g} h over {arm.days:.3g} days"


def _patients(study: Study) -> str:
    who = study.population
    traits = {"kg": who.weight_kg, "years": who.age_year, "NRS": who.pain}
    told = [
        f"{one.mean:g}{f' ± {one.sd:g}' if one.sd is not None else ''} {unit}" for unit, one in traits.items() if one
    ]
    return ", ".join([study.diagnosis, *told]) if told else f"{study.diagnosis}, not known"


def _reported(row: SupportRow) -> str:
    one = row.outcome
    value = one.statement or (f"{one.range[0]:g} to {one.range[1]:g}" if one.range else f"{one.value:g}")
    unit = {"1": "", "patients": f"of {one.n} patients"}.get(one.unit, one.unit)
    error = f" ± {one.se:g}" if one.se is not None else ""
    return f"{value}{error} {unit}".strip()


def _check(row: SupportRow, pain: str) -> Met | None:
    return next((one for one in library.checks() if row.is_of(one) and one.pain == pain), None)


def _met(one: Met | None) -> str:
    if one is None:
        return "not simulated"
    return f"{one.simulated:.3g}: {'met' if one.met else '**missed**'}"


def _verdict(row: SupportRow) -> str:
    named = {"memory": "pain memory", "slow_site": "slow site"}
    met = [name for pain, name in named.items() if row.met(pain)]
    return "no" if not met else f"`{row.study.design}`" + ("" if len(met) == 2 else f", {met[0]} only")


def _findings() -> Iterator[str]:
    found: dict[str, list[Met]] = {}
    for one in library.checks():
        if one.measure == "finding":
            found.setdefault(one.study, []).append(one)
    for study, both in found.items():
        chances = {one.pain: f"{100 * one.simulated:.2g} %: {'met' if one.met else '**missed**'}" for one in both}
        said = both[0].reported.replace("<", "&lt;")
        yield f"| [{study}](evidence.md#{study}) | {said} | {chances['memory']} | {chances['slow_site']} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
