"""Both explanations of relief in plain words: what each says beside their average, and how they are weighed."""

from collections.abc import Iterable
from typing import NamedTuple

from letheon import library
from letheon.pipeline.result import Against, ArmResult, Endpoint, ModelResult, RunResult
from letheon.views.document import numbers
from letheon.views.subjects import names, relief

NAMES = {"memory": "pain memory", "slow_site": "fading effect"}
INTERVAL = "90 % interval"


class Apart(NamedTuple):
    """What each explanation alone says of an endpoint."""

    lines: tuple[str, ...] = ()  # one each; none where a result has one alone, or where it makes no difference
    disagree: bool = False  # whether the mean of one lies outside the interval of the other

    @property
    def sentence(self) -> str:
        """All of it as text."""
        both = f"{', '.join(self.lines)}." if self.lines else ""
        both = both[:1].upper() + both[1:]
        return f"{both} The two disagree." if self.disagree else both


def apart(arm: ArmResult, key: str) -> Apart:
    """Say what each explanation alone says of an endpoint of an arm."""
    entry = arm.endpoint(key)
    if not arm.by_model or entry is None or entry.agree is None:
        return Apart()
    lines = tuple(f"{NAMES[model]} {_mean(one, key)}" for model, one in arm.by_model.items())
    return Apart(lines, entry.agree is False)


def _mean(one: ModelResult, key: str) -> str:
    entry = one.endpoint(key)
    assert entry is not None
    if entry.unit == "share":
        return f"{numbers.of_100(entry.mean)} ({known(entry)})"
    mean = "mean " if entry.unit == "days" else ""  # beside a median patient
    return f"{mean}{numbers.amount(entry.mean, entry.unit)} ({known(entry)})"


def apart_against(arm: ArmResult, key: str) -> Apart:
    """Say what each explanation alone says of the difference of a pain score from another arm's."""
    if not arm.by_model:
        return Apart()
    parts = [(NAMES[model], entry.against) for model, one in arm.by_model.items() if (entry := one.endpoint(key))]
    lines = (f"{name} {_change(one)}" for name, one in parts if one and not one.same_regimen)
    return Apart(tuple(lines))


def _change(one: Against) -> str:
    return f"{numbers.change(one.mean, 'NRS')} ({numbers.change_interval(one.mean_interval, 'NRS')})"


def known(entry: Endpoint) -> str:
    """Say the interval of a mean."""
    return numbers.interval(entry.mean_interval or None, entry.unit).removesuffix(" %")


def better(result: RunResult, one: Against) -> str:
    """Say how likely it is that an arm is better than the one that it is compared with."""
    other = "placebo" if result.arms[one.arm].drug == "placebo" else names.arm_name(one.arm)
    if one.same_regimen:
        return f"Same regimen as {other}."
    if one.chance_better is None:
        return ""
    return f"Chance of being better than {other}: {numbers.chance_better(one.chance_better)}."


def weighing(result: RunResult, name: str) -> str:
    """Say how the average weighs the explanations, and what it is at both ends of what is known of the weight."""
    weights, used, arm = library.weights(), result.models.weights, result.arms[name]
    if not used or not arm.by_model:
        return ""
    share, days = (_at_ends(arm, key, weights.interval) for key in (relief.keys(arm.endpoints)[0], "relief_days"))
    low, high = (numbers.amount(end, "share") for end in weights.interval)
    answers = f"{share} of 100 patients have the relief named first above, and it lasts {days} days on average"
    if not (trials := weights.about.get("trials")):
        return (
            "In the average both explanations count the same, because they have not yet been compared on trials that "
            f"they had not seen. If pain memory counts for anything from {low} to {high}, {answers}."
        )
    count = numbers.count(len(trials), "trial")
    return (
        f"In the average pain memory counts for {numbers.amount(used.memory, 'share')} and the fading effect for "
        f"{numbers.amount(used.slow_site, 'share')}, by how well each predicted {count} that it had not seen. That is "
        f"not the chance that it is true, and it is not known well: for pain memory it may be {low} to {high} "
        f"({INTERVAL}). From one end to the other, {answers}."
    )


def _at_ends(arm: ArmResult, key: str, ends: Iterable[float]) -> str:
    """Return the average of an endpoint at both ends of the weight of pain memory, the lower one first."""
    assert arm.by_model
    (memory, unit), (other, _) = (
        (one.mean, one.unit) for _, part in arm.by_model.items() if (one := part.endpoint(key))
    )
    averages = sorted(weight * memory + (1.0 - weight) * other for weight in ends)
    low, high = (numbers.amount(mean, unit).removesuffix(" %") for mean in averages)
    return low if low == high else f"{low} to {high}"
