"""The answer of a run in some fifteen lines: what the terminal prints last."""

from collections import Counter
from collections.abc import Callable, Iterator

from letheon.definitions import RESEARCH_NOTICE
from letheon.pipeline.result import ArmResult, Endpoint, RunResult
from letheon.scenario.measures import exposure_of, substance_name
from letheon.views.document import numbers, tree
from letheon.views.figures.curves import comparator, has_placebo, is_placebo
from letheon.views.subjects import average, harms, names, relief
from letheon.views.subjects.endpoints import exposure_keys
from letheon.views.subjects.run import headline_days
from letheon.views.subjects.words import TEXTS, WORDS


def brief(result: RunResult) -> tree.Document:
    """Return the answer: pain, relief and harms of each arm, what placebo leaves of them, and where mechanisms part."""
    patients = numbers.count(result.n_patients, "virtual patient")
    days = numbers.general(result.follow_up_days)
    facts = f"{patients} an arm, {days} days, seed {result.seed}. {TEXTS.brief_brackets}"
    against = _against(result)
    table = tree.Table("Arms", ("", *map(names.arm_name, result.arms)), (tree.Group(tuple(_rows(result))),))
    lines = [*_mechanisms(result), _support(result), _more(result)]
    blocks = (tree.Paragraph(facts), *against, table, *_exposure(result), *map(tree.Paragraph, lines))
    return tree.Document(result.title, (tree.Section("answer", "", blocks),), footer=(RESEARCH_NOTICE,))


def _against(result: RunResult) -> list[tree.Table]:
    """Return the differences from an arm that gives a drug, which is asked for; those from placebo stand among arms."""
    other = comparator(result)
    if other in ("", "placebo"):
        return []
    title = TEXTS.brief_against.format(other=names.arm_name(other))
    arms = {name: arm for name, arm in result.arms.items() if name != other}
    keys = [*(f"nrs_day_{day}" for day in _days(result)), *relief.keys(next(iter(arms.values())).endpoints)[:2]]
    rows: list[tree.Row] = []
    for key in keys:
        entries = [arm.endpoint(key) for arm in arms.values()]
        label = _label(key).replace("median", "mean")
        rows.append(tree.Row(label, tuple(_cell(_minus, one) or numbers.ABSENT for one in entries), "main"))
        rows.append(tree.Row("  chance of better", tuple(_cell(_chance, one) for one in entries)))
    return [tree.Table(title, ("", *map(names.arm_name, arms)), (tree.Group(tuple(rows), title),))]


def _chance(entry: Endpoint) -> str:
    return average.chance(entry.against).removeprefix("better: ") if entry.against else ""


def _days(result: RunResult) -> list[int]:
    return headline_days(next(iter(result.arms.values())).endpoints)


def _rows(result: RunResult) -> Iterator[tree.Row]:
    for day in _days(result):
        yield from _with_excess(result, f"nrs_day_{day}", _mean, "main")
    for key in relief.keys(next(iter(result.arms.values())).endpoints)[:2]:
        yield from _with_excess(result, key, _median if key == "relief_days" else _of_100)
    for key in WORDS.harm_headlines:
        yield tree.Row(_label(key), tuple(_harm(arm, key) for arm in result.arms.values()))


def _with_excess(result: RunResult, key: str, show: Callable[[Endpoint], str], kind: str = "") -> Iterator[tree.Row]:
    """Yield the row of an endpoint, and that of its difference from placebo where arms are compared with one."""
    entries = [arm.endpoint(key) for arm in result.arms.values()]
    yield tree.Row(_label(key), tuple(_cell(show, one) for one in entries), kind)
    if comparator(result) == "placebo" and any(one and one.against for one in entries):
        label = "  mean, minus placebo" if show is _median else "  minus placebo"
        yield tree.Row(label, tuple(_cell(_minus, one) for one in entries))


def _leading(result: RunResult) -> tuple[str, dict[str, str]]:
    """Return the drug itself, and what was read of its levels in plasma by endpoint."""
    parts = {key: part for key in exposure_keys(result) if (part := exposure_of(key))}
    drug = next((substance for _, substance in parts.values()), "")
    return drug, {key: kind for key, (kind, substance) in parts.items() if substance == drug}


def _exposure(result: RunResult) -> list[tree.Table]:
    """Return the exposure to the drug itself, where a scenario asks for it; metabolites stand in the full tables."""
    drug, kinds = _leading(result)
    rows: list[tree.Row] = []
    for key, kind in kinds.items():
        entries = [arm.endpoint(key) for arm in result.arms.values()]
        unit = next(one.unit for one in entries if one)
        rows.append(tree.Row(f"{_label(kind)} ({unit})", tuple(_cell(_mean, one) for one in entries)))
    title, heads = TEXTS.brief_exposure.format(drug=substance_name(drug)), ("", *map(names.arm_name, result.arms))
    return [tree.Table("Exposure", heads, (tree.Group(tuple(rows), title),))] if rows else []


def _label(key: str) -> str:
    name, _, day = key.partition("_day_")
    name, _, level = name.partition("_above_")
    return WORDS.brief[name].format(day=day, level=level.replace("_", "."))


def _cell(show: Callable[[Endpoint], str], entry: Endpoint | None) -> str:
    return show(entry) if entry else numbers.ABSENT


def _mean(entry: Endpoint) -> str:
    if entry.mean == 0 and not any(entry.mean_interval or ()):
        return numbers.amount(entry.mean, entry.unit)
    interval = f" ({numbers.interval(entry.mean_interval, entry.unit)})" if entry.mean_interval else ""
    return f"{numbers.amount(entry.mean, entry.unit)}{interval}"


def _minus(entry: Endpoint) -> str:
    if not entry.against:
        return ""
    if entry.against.same_regimen:
        return "0 (same regimen)"
    difference = numbers.change(entry.against.mean, entry.unit).removesuffix(" points")
    return f"{difference} ({numbers.change_interval(entry.against.mean_interval, entry.unit)})"


def _of_100(entry: Endpoint) -> str:
    interval = numbers.interval(entry.mean_interval, entry.unit).removesuffix(" %") if entry.mean_interval else ""
    return f"{numbers.of_100(entry.mean)} ({interval})" if interval else numbers.of_100(entry.mean)


def _median(entry: Endpoint) -> str:
    middle, spread = relief.of_patients(entry)
    return f"{middle} ({spread})"


def _harm(arm: ArmResult, key: str) -> str:
    entry = arm.harms.estimate(key)
    known = harms.ends(entry)
    return known if entry.estimate is None else f"{numbers.amount(entry.estimate, entry.unit)} ({known})"


def _mechanisms(result: RunResult) -> Iterator[str]:
    """Say what the average weighs, and on which of the numbers above the mechanisms disagree."""
    if not result.models.weights:
        yield average.weight(result)
        return
    yield average.weight_in_short(result)
    apart = list(_disagreements(result))
    if apart:
        (arm, number, both), *others = apart
        arms: dict[str, list[str]] = {}
        for name, other, _ in others:
            arms.setdefault(other, []).append(name)
        also = "".join(f"; also {other} ({', '.join(found)})" for other, found in arms.items())
        yield f"{TEXTS.brief_disagree} {arm}, {number}: {both}{also}."


def _disagreements(result: RunResult) -> Iterator[tuple[str, str, str]]:
    """Yield the numbers above on which the mechanisms disagree, the last day first: arm, name, and what each says."""
    days = [f"nrs_day_{day}" for day in reversed(_days(result))]
    minus = f"minus {names.arm_name(comparator(result))}"
    for key in (*days, *relief.keys(next(iter(result.arms.values())).endpoints)[:2]):
        for name, arm in result.arms.items():
            entry, parts = arm.endpoint(key), average.alone(arm, key)
            if is_placebo(arm) or entry is None:
                continue
            if average.verdict_of_difference(parts):
                yield names.arm_name(name), f"{_label(key)}, {minus}", ", ".join(average.differences_beside(parts))
            elif average.verdict(entry):
                yield names.arm_name(name), _label(key), ", ".join(average.beside(parts))


def _support(result: RunResult) -> str:
    """Count the labels of the numbers above, of arms that give drug, from the strongest."""
    labels: Counter[str] = Counter()
    for arm in result.arms.values():
        if is_placebo(arm):
            continue
        entries = [arm.endpoint(f"nrs_day_{day}") for day in _days(result)]
        entries += [arm.endpoint(key) for key in (*relief.keys(arm.endpoints)[:2], *_leading(result)[1])]
        known = [one for entry in entries if entry for one in (entry, entry.against) if one]
        labels.update(one.support for one in (*known, *map(arm.harms.estimate, WORDS.harm_headlines)) if one.support)
    counts = (f"{labels[name]} {name}" for name in names.SUPPORT if labels[name])
    return f"How well supported: {', '.join(counts)}."


def _more(result: RunResult) -> str:
    warnings = numbers.count(len(result.warnings), "warning")
    placebo = "" if has_placebo(result) else " There is no placebo arm: no number says what the drug adds to placebo."
    return f"{warnings}, the support of each number, and all else: --full, or the report.{placebo}"
