"""An average of both mechanisms: its weight, each mechanism beside it, and where the two disagree."""

from collections.abc import Mapping

from letheon import library
from letheon.definitions import LAST_SUPPORTED_DAY
from letheon.pipeline.result import Against, ArmResult, Endpoint, RunResult, TimeToRelapse
from letheon.views.document import numbers
from letheon.views.document.tree import Badge, Group, Inline, Row, Strong
from letheon.views.figures.curves import endpoint_days
from letheon.views.subjects.names import PAIN_MODELS, pain_model
from letheon.views.subjects.words import TEXTS


def weight(result: RunResult) -> str:
    """Say what the numbers of a run hold under: what the average weighs each mechanism by, or that there is but one."""
    if not result.models.weights:
        other = next((name for model, name in PAIN_MODELS.items() if model != result.models.pain), "")
        return TEXTS.one_mechanism.format(only=pain_model(result.models.pain), other=other)
    scored = library.weights().about.get("trials", ())
    low, used, high = (numbers.fixed(w, 2) for w in _weights(result))
    trials = numbers.count(len(scored), "trial")
    predicted = TEXTS.weight if scored else TEXTS.no_weight
    return f"{TEXTS.average} {predicted.format(weight=used, low=low, high=high, trials=trials)}"


def weight_in_short(result: RunResult) -> str:
    """Say in one line what an average weighs each mechanism by."""
    low, used, high = (numbers.fixed(w, 2) for w in _weights(result))
    return TEXTS.weight_in_short.format(weight=used, low=low, high=high)


def by_weight(result: RunResult) -> Group | None:
    """Return the averages that lead, at both ends of the interval of the weight; nothing without an average."""
    if not result.models.weights:
        return None
    days = endpoint_days(next(iter(result.arms.values())).endpoints)
    last = max(day for day in days if day <= max(LAST_SUPPORTED_DAY, days[0]))
    pain = f"Pain at {numbers.day_name(last)}"
    keys = {f"nrs_day_{last}": pain, "relief_days": "Days of relief, mean"}
    low, used, high = _weights(result)
    rows = [
        Row(label, tuple(_at_weights(arm, key, (low, used, high)) for arm in result.arms.values()))
        for key, label in keys.items()
    ]
    low, used, high = (numbers.fixed(w, 2) for w in (low, used, high))
    return Group(tuple(rows), f"Averages if pain memory weighs {low}, {used} (used here), {high}")


def _weights(result: RunResult) -> tuple[float, float, float]:
    """Return the weight of the pain memory between the ends of its interval."""
    assert result.models.weights
    low, high = library.weights().interval
    return low, result.models.weights.memory, high


def _at_weights(arm: ArmResult, key: str, weights: tuple[float, float, float]) -> tuple[Inline, ...]:
    assert arm.by_model
    memory, slow = arm.by_model.memory.endpoint(key), arm.by_model.slow_site.endpoint(key)
    assert memory and slow
    low, used, high = (numbers.amount(w * memory.mean + (1.0 - w) * slow.mean, memory.unit) for w in weights)
    return f"{low}, ", Strong(used), f", {high}"


def alone(arm: ArmResult, key: str) -> dict[str, Endpoint]:
    """Return an endpoint under each mechanism of an average; nothing where it depends on neither."""
    entry = arm.endpoint(key)
    if not arm.by_model or entry is None or entry.agree is None:
        return {}
    return {model: one for model, part in arm.by_model.items() if (one := part.endpoint(key))}


def times_alone(arm: ArmResult) -> dict[str, TimeToRelapse]:
    """Return the times to relapse under each mechanism of an average."""
    return {model: part.time_to_relapse for model, part in arm.by_model.items()} if arm.by_model else {}


def beside(parts: Mapping[str, Endpoint]) -> tuple[str, ...]:
    """Say the mean under each mechanism.

    >>> beside({"memory": Endpoint(mean=0.34, mean_interval=(0.22, 0.47), unit="share")})
    ('pain memory 34 % (22 to 47 %)',)
    """
    return tuple(
        f"{pain_model(model)} {numbers.amount(one.mean, one.unit)}"
        + (f" ({numbers.interval(one.mean_interval, one.unit)})" if one.mean_interval else "")
        for model, one in parts.items()
    )


def differences_beside(parts: Mapping[str, Endpoint]) -> tuple[str, ...]:
    """Say the difference from another arm under each mechanism."""
    return tuple(
        f"{pain_model(model)} {numbers.change(one.against.mean, one.unit).removesuffix(' points')}"
        f" ({numbers.change_interval(one.against.mean_interval, one.unit)})"
        for model, one in parts.items()
        if one.against and not one.against.same_regimen
    )


def verdict(entry: Endpoint) -> str:
    """Say that the mechanisms disagree on an endpoint; nothing where they agree."""
    return TEXTS.disagree if entry.agree is False else ""


def verdict_of_difference(parts: Mapping[str, Endpoint]) -> str:
    """Say that the mechanisms disagree on a difference: in size, or in whether there is a clear one at all."""
    apart = {model: one.against for model, one in parts.items() if one.against and not one.against.same_regimen}
    if len(apart) < 2:
        return ""
    clear = [model for model, one in apart.items() if not _holds(one.mean_interval, 0.0)]
    if len(clear) == 1:
        return TEXTS.one_clear.format(pain_model(clear[0]))
    one, other = apart.values()
    agree = _holds(one.mean_interval, other.mean) and _holds(other.mean_interval, one.mean)
    return "" if agree else TEXTS.disagree


def verdict_of_times(parts: Mapping[str, TimeToRelapse]) -> str:
    """Say that the mechanisms disagree on a median time to relapse."""
    known = [one for one in parts.values() if one.in_remission]
    if len(known) < 2:
        return ""
    one, other = known
    agree = _reaches(one, other.median) and _reaches(other, one.median)
    return "" if agree else TEXTS.disagree


def badge(verdict: str) -> Badge | str:
    """Return a verdict as a badge; nothing for none."""
    return Badge("mechanisms disagree", "disagree", verdict) if verdict else ""


def _holds(interval: tuple[float, float], value: float) -> bool:
    return interval[0] <= value <= interval[1]


def _reaches(one: TimeToRelapse, median: float | None) -> bool:
    """Whether a median lies in the interval of another; an end that is not reached is later than all."""
    low, high = (float("inf") if end is None else end for end in one.median_interval)
    return low <= (float("inf") if median is None else median) <= high


def chance(difference: Against) -> str:
    """Say the chance that an arm is better than another; nothing where neither direction is better."""
    if difference.same_regimen or difference.chance_better is None:
        return ""
    return f"better: {numbers.chance_better(difference.chance_better)}"
