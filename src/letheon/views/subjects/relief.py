"""What every output says of relief: shares of patients and days, on a named day, with patients and placebo beside.

How patients differ (the median patient and the range of 90 % of them) and how well a mean is known (its 90 % interval)
never share brackets.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from letheon.pipeline.result import Endpoint, RunResult
from letheon.views.document import numbers
from letheon.views.figures.curves import endpoint_days, has_placebo, is_placebo
from letheon.views.subjects import average
from letheon.views.subjects.names import arm_name, endpoint_name, pain_model

NO_PLACEBO = "no placebo arm"
REMISSION = "remission"
_NAMED_DAY = 28  # pain four weeks after the start is what most trials report
_INTERVAL = "90 % interval"


class Statement(NamedTuple):
    """What is said of one endpoint of one arm."""

    label: str  # what it is, and when
    value: str  # the number that leads
    aside: str  # behind it, in brackets
    more: tuple[str, ...]  # the mean with its interval, then placebo and what the arm has over it
    support: str
    basis: tuple[str, ...]
    # all below the value: what stands behind it and more, with each mechanism of an average beside what it is of
    lines: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """All but the label, as one piece of text."""
        return "; ".join([f"{self.value} {self.aside}".rstrip(), *self.more])


def named_day(days: Sequence[int]) -> int | None:
    """Return the day on which responders are reported first: the one nearest to four weeks, the earlier of two."""
    return min(days, key=lambda day: (abs(day - _NAMED_DAY), day), default=None)


def keys(endpoints: Iterable[str]) -> list[str]:
    """Return the endpoints of relief that lead, in order: responders on the named day, days, remission."""
    known = list(endpoints)
    day = named_day(endpoint_days(known, "responder_30"))
    return [key for key in (f"responder_30_day_{day}", "relief_days", REMISSION) if key in known]


def statement(result: RunResult, name: str, key: str) -> Statement:
    """Say one endpoint of an arm: a share of patients, or a number of days."""
    arm = result.arms[name]
    entry, alone = arm.endpoint(key), average.alone(arm, key)
    assert entry is not None
    if entry.unit == "share":
        day = key.rpartition("_day_")[2]
        value, aside = numbers.of_100(entry.mean), _known(entry.mean_interval, entry.unit)
        mean = "the course is still running" if day.isdigit() and int(day) < arm.course_end_day else ""
    else:
        value, aside, mean = typical(entry)
        value += f" of {numbers.general(result.follow_up_days)}"
    against, apart = _against(result, name, key), average.differences_beside(alone) if entry.against else ()
    own = (aside, mean, *_beside(alone), average.verdict(entry))
    lines = (*own, *against, *apart, average.verdict_of_difference(alone) if entry.against else "")
    more = tuple(filter(None, (mean, *against)))
    label, support, basis = endpoint_name(key), entry.support or "", entry.basis or ()
    return Statement(label, value, aside, more, support, basis, tuple(filter(None, lines)))


def _beside(alone: Mapping[str, Endpoint]) -> tuple[str, ...]:
    """Say an endpoint under each mechanism: of days the median patient first."""
    if not any(isinstance(one.q50, float) for one in alone.values()):
        return average.beside(alone)
    parts = ((f"{pain_model(model)}: ", *typical(one)) for model, one in alone.items())
    texts = (f"{name}{value} {spread}, {mean}" for name, value, spread, mean in parts)
    return tuple(text.replace("90 % of patients ", "").replace(f"{_INTERVAL} ", "") for text in texts)


def typical(entry: Endpoint) -> tuple[str, str, str]:
    """Say a number that patients differ in: the median patient, the range of 90 % of them, then the mean.

    >>> typical(Endpoint(mean=31.2, q05=0.0, q50=2.0, q95=83.0, mean_interval=(17.0, 46.0), unit="days"))
    ('median patient 2', '(90 % of patients 0 to 83)', 'mean 31 (90 % interval 17 to 46)')
    """
    middle, spread = of_patients(entry)
    mean = f"mean {numbers.amount(entry.mean, entry.unit)} {_known(entry.mean_interval, entry.unit)}".rstrip()
    return f"median patient {middle}", f"(90 % of patients {spread})", mean


def of_patients(entry: Endpoint) -> tuple[str, str]:
    """Return the median patient and the range of 90 % of them."""
    values = (entry.q50, entry.q05, entry.q95)
    middle, low, high = (numbers.amount(v or 0.0, entry.unit).removesuffix(".0") for v in values)
    return middle, f"{low} to {high}"


def excess(entry: Endpoint) -> str:
    """Say how much more an arm has than another, with its interval, and the chance that it is better."""
    assert entry.against
    if entry.against.same_regimen:
        return "0 more: same regimen"
    difference, interval = entry.against.mean, numbers.change_interval(entry.against.mean_interval, entry.unit)
    size = numbers.change(abs(difference), entry.unit).removesuffix(" points").removeprefix("+")
    more = f"{size} {'fewer' if difference < 0 else 'more'} ({_INTERVAL} {interval})"
    return ", ".join(filter(None, (more, average.chance(entry.against))))


def _known(interval: Sequence[float] | object, unit: str) -> str:
    if not isinstance(interval, Sequence):
        return ""
    return f"({_INTERVAL} {numbers.interval(interval, unit).removesuffix(' %')})"


def _against(result: RunResult, name: str, key: str) -> tuple[str, ...]:
    """Say what placebo has, and how much more the arm has; nothing for an arm that is compared with none."""
    arm = result.arms[name]
    entry = arm.endpoint(key)
    if entry is None or not entry.against:
        return () if is_placebo(arm) or has_placebo(result) else (f"{NO_PLACEBO} in this scenario",)
    other = result.arms[entry.against.arm]
    mean = other.endpoints.endpoint(key)
    assert mean is not None
    value = numbers.of_100(mean.mean) if entry.unit == "share" else f"mean {numbers.amount(mean.mean, entry.unit)}"
    return f"{value} on {'placebo' if is_placebo(other) else arm_name(entry.against.arm)}", excess(entry)
