"""The first screen: five questions about a plan, each answered in a sentence or two."""

from msgspec import Struct
from msgspec.structs import replace

from letheon.pipeline.result import ArmResult, Endpoint, RunResult
from letheon.views.document import numbers
from letheon.views.explore import mechanisms
from letheon.views.explore.answers import endpoint_of, last_day, share_of
from letheon.views.figures.curves import is_placebo
from letheon.views.subjects import relief


class Line(Struct, frozen=True):
    """A short answer, from the average of both explanations."""

    id: str  # key of the question, or ``basis``: what all answers rest on
    text: str
    more: str = ""
    apart: str = ""  # what each explanation says alone


_DISAGREE = {"helps": "whether it helps", "lasts": "how long", "cures": "what is left at the end"}


def short(result: RunResult, name: str) -> list[Line]:
    """Answer what anyone asks first about an arm that gives a drug."""
    arm = result.arms[name]
    keys = {"helps": relief.keys(arm.endpoints)[0], "lasts": "relief_days", "cures": f"nrs_day_{last_day(arm)}"}
    apart = {id: mechanisms.apart(arm, key) for id, key in keys.items()}
    lines = (_helps(result, arm, keys["helps"]), _lasts(result, arm), _cures(result, arm, keys["cures"]))
    return [
        Line("basis", _basis(result)),
        *(replace(line, apart=apart[line.id].sentence) for line in lines),
        Line("harms", _harms(arm)),
        Line("sure", _sure(result, [text for id, text in _DISAGREE.items() if apart[id].disagree])),
    ]


def _basis(result: RunResult) -> str:
    brackets = "Brackets hold 90 % intervals."
    if not result.models.weights:
        model = mechanisms.NAMES[result.models.pain]
        return f"Simulated under one of two explanations of how ketamine relieves this pain: {model}. {brackets}"
    return (
        "Nobody knows how ketamine relieves this pain: two explanations are simulated and averaged. Pain memory: it "
        f"weakens what nerve cells have learned. Fading effect: it lingers and wears off. {brackets}"
    )


def after(day: int) -> str:
    """Say how long after the start a day is."""
    return f"after {numbers.duration(day) if day > 7 else '1 week'}" if day % 7 == 0 else f"on day {day}"


def _helps(result: RunResult, arm: ArmResult, key: str) -> Line:
    entry, sham = endpoint_of(arm, key), placebo_of(result, arm, key)
    beside = f"; on placebo, {numbers.percent(sham.mean)}" if sham else ""
    share = f"{numbers.of_100(entry.mean)} patients ({mechanisms.known(entry)})"
    return Line(
        "helps",
        f"{share} have at least 30 % less pain {after(int(key.rpartition('_day_')[2]))}{beside}.",
        mechanisms.better(result, entry.against) if entry.against else "",
    )


def _lasts(result: RunResult, arm: ArmResult) -> Line:
    days, sham = endpoint_of(arm, "relief_days"), placebo_of(result, arm, "relief_days")
    middle, low, high = (numbers.amount(v or 0.0, "days").removesuffix(".0") for v in (days.q50, days.q05, days.q95))
    beside = f"; {numbers.amount(sham.mean, 'days')} on placebo" if sham else ""
    return Line(
        "lasts",
        f"The middle patient has that relief on {middle} of {numbers.general(result.follow_up_days)} days, nine in "
        f"ten on {low} to {high}.",
        f"On average {numbers.amount(days.mean, 'days')} days ({mechanisms.known(days)}){beside}.",
    )


def placebo_of(result: RunResult, arm: ArmResult, key: str) -> Endpoint | None:
    """Return what patients on placebo have, where an arm is compared with it."""
    entry = endpoint_of(arm, key)
    other = result.arms[entry.against.arm] if entry.against else None
    return other.endpoint(key) if other and is_placebo(other) else None


def _cures(result: RunResult, arm: ArmResult, key: str) -> Line:
    pain, start = endpoint_of(arm, key), result.population.baseline_nrs.mean
    return Line(
        "cures",
        f"No study has shown one. Average pain {after(last_day(arm))}: {numbers.amount(pain.mean, 'NRS')} of 10 "
        f"({mechanisms.known(pain)}); before, {numbers.amount(start, 'NRS')}.",
    )


def _harms(arm: ArmResult) -> str:
    if not arm.harms.exposure.infusion_days:
        return "No drug runs in this plan."
    dreams, liver = map(arm.harms.estimate, ("psychomimetic_elicited", "liver_injury"))
    return (
        f"Dreamlike or strange feelings while it runs: {share_of(dreams)}. Liver enzymes above three times the limit: "
        f"{share_of(liver)}. Harm to the bladder: not known."
    )


def _sure(result: RunResult, disputed: list[str]) -> str:
    small = "Not very: trials are few and small"
    if not result.models.weights:
        return f"{small}, and the other explanation may say something else."
    if not disputed:
        return f"{small}. The two explanations agree on these answers, but both may be wrong."
    *most, last = disputed
    where = f"{', '.join(most)} and {last}" if most else last
    return f"{small}, and the two explanations disagree on {where}. No trial tells which is right."
