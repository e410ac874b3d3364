"""A study laid over a run: what was published, at the times it was reported, beside what the run simulates."""

from collections.abc import Iterator
from typing import NamedTuple

from letheon.library import Outcome, Study
from letheon.library.evidence import CONTROLS
from letheon.pipeline.labels import QUANTITIES
from letheon.pipeline.result import ArmResult, Endpoint, RunResult
from letheon.views.document import numbers, tree
from letheon.views.figures import curves, published
from letheon.views.subjects import average, names
from letheon.views.subjects.evidence import how_read, people

_Z = {0.9: 1.645, 0.95: 1.96}
_NOTE = (
    "Published values have their 90 % interval, or the range reported, in brackets; the interval beside a simulated "
    "mean is how well that mean is known. Means are those of the patients as simulated here, who need not be the "
    "study's: compare the regimen and the patients first."
)


class Point(NamedTuple):
    """One published value that a run has a number for, in that number's unit."""

    arm: str
    against: str
    control: bool  # whether it is of an arm without ketamine
    key: str  # of the endpoint; empty where the run reports none on that day
    quantity: str
    days: tuple[float, float]
    value: float
    ends: tuple[float, float] | None  # 90 % interval, or the range reported
    recalled: bool
    read: str


def points(study: Study) -> list[Point]:
    """Return the published values of a study on pain and responders after the first infusion, by day."""
    values = [_point(study, one) for one in study.outcomes if _name(QUANTITIES.get(one.measure, "")) and one.time_days]
    return sorted((one for one in values if one), key=lambda one: (one.days[1], one.quantity, one.against, one.arm))


def _name(quantity: str) -> str:
    return "Mean pain score" if quantity == "nrs" else names.responder_name(quantity)


def _point(study: Study, one: Outcome) -> Point | None:
    assert one.time_days
    if one.statement or one.subgroup or one.time_days[1] <= 0 or one.arm == "all":
        return None
    scale = 1.0 if one.unit in ("NRS", "1") else 0.01 if one.unit == "%" else 1.0 / one.n if one.n else None
    if scale is None:
        return None
    ends = _ends(one)
    value = one.value if one.value is not None else sum(one.range or (0.0, 0.0)) / 2.0
    quantity, drugs = QUANTITIES[one.measure], {arm.group: arm.drug for arm in study.arms}
    via = f" ({one.via})" if one.via else ""
    return Point(
        arm=one.arm,
        against=one.against,
        control=drugs[one.arm] in CONTROLS,
        key=f"{quantity}_day_{numbers.general(one.time_days[1])}",
        quantity=quantity,
        days=one.time_days,
        value=scale * value,
        ends=ends and (scale * ends[0], scale * ends[1]),
        recalled=one.verified == "recall",
        read=f"{how_read(one.verified)}{via}",
    )


def _ends(one: Outcome) -> tuple[float, float] | None:
    """Return the 90 % interval of a value by its standard error; of a range, the range."""
    if one.range is not None or one.value is None:
        return one.range
    se = one.se
    if se is None and one.sd is not None and one.n:
        se = one.sd / one.n**0.5
    if se is None and one.interval is not None and one.level in _Z:
        se = (one.interval[1] - one.interval[0]) / (2.0 * _Z[one.level])
    return None if se is None else (one.value - _Z[0.9] * se, one.value + _Z[0.9] * se)


def section(result: RunResult, study: Study) -> tree.Section:
    """Return the published values of a study beside the arms of a run: a figure of pain, and a table of all."""
    known = points(study)
    return tree.Section(
        "beside", f"Beside {study.id}", (_who(study), *_figure(result, study, known), *_table(result, known))
    )


def summary(result: RunResult, study: Study) -> tree.Document:
    """Return what the terminal shows of it: the table."""
    blocks = (_who(study), *_table(result, points(study)))
    return tree.Document("", (tree.Section("beside", f"Beside {study.id}", blocks),))


def _who(study: Study) -> tree.Paragraph:
    patients = people(study.population.n, study.population.verified)
    return tree.Paragraph(f"{study.id}: {study.design}, {study.diagnosis}, {patients}.")


def _figure(result: RunResult, study: Study, known: list[Point]) -> Iterator[tree.Figure]:
    drawn = [
        published.Score(one.arm, one.control, sum(one.days) / 2.0, one.value, one.ends, one.recalled)
        for one in known
        if one.quantity == "nrs" and not one.against and one.days[1] <= result.follow_up_days
    ]
    if not drawn:
        return
    look = curves.styles(result)
    keys = [(tree.Swatch(style.colour, dash=style.dash), names.arm_name(name)) for name, style in look.items()]
    keys += [
        (tree.Swatch(colour, 0, mark="diamond" if control else "square"), f"published: {names.arm_name(arm)}")
        for (arm, control), colour in published.colours(drawn).items()
    ]
    words = "; ".join(
        f"{one.arm} {numbers.amount(one.value, 'NRS')} on day {numbers.general(one.day)}" for one in drawn
    )
    plot = tree.Plot(published.figure(result, drawn), f"Mean pain score over time; published: {words}.", "tall")
    yield tree.Figure("Mean pain score, simulated and published", (tree.Legend(tuple(keys)), plot))


def _table(result: RunResult, known: list[Point]) -> Iterator[tree.Block]:
    if not known:
        yield tree.Paragraph("It reports no pain score and no share of responders after the first infusion.")
        return
    heads = ("Published", "Day", "Value", "Read", *map(names.arm_name, result.arms))
    rows = [row for one in known for row in _rows(result, one)]
    yield tree.Table.of("Published and simulated", heads, rows, kind="text")
    yield tree.Paragraph(_NOTE, "small")


def _rows(result: RunResult, one: Point) -> Iterator[tree.Row]:
    """Yield a published value with what is simulated, and below it what each mechanism of an average says alone."""
    label = f"{_name(one.quantity)}: {names.arm_name(one.arm)}"
    label += f" minus {names.arm_name(one.against)}" if one.against else ""
    days = " to ".join(dict.fromkeys(numbers.general(day) for day in one.days))
    simulated = [_simulated(result, arm, arm.endpoint(one.key), one) for arm in result.arms.values()]
    yield tree.Row(label, (days, _published(one), one.read, *simulated), "main")
    for model in names.PAIN_MODELS if any(arm.by_model for arm in result.arms.values()) else ():
        entries = (average.alone(arm, one.key).get(model) for arm in result.arms.values())
        cells = [_simulated(result, *each, one) for each in zip(result.arms.values(), entries, strict=True)]
        if set(cells) != {numbers.ABSENT}:
            yield tree.Row(f"  {names.pain_model(model)} alone", ("", "", "", *cells), "second")


def _published(one: Point) -> str:
    unit = "NRS" if one.quantity == "nrs" else "share"
    show, show_ends = (numbers.change, numbers.change_interval) if one.against else (numbers.amount, numbers.interval)
    return f"{show(one.value, unit)} ({show_ends(one.ends, unit)})" if one.ends else show(one.value, unit)


def _simulated(result: RunResult, arm: ArmResult, entry: Endpoint | None, one: Point) -> str:
    """Return the number of an arm that a published one stands for; nothing where the arm is of another kind."""
    if curves.is_placebo(arm) != one.control or entry is None:
        return numbers.ABSENT
    if not one.against:
        interval = f" ({numbers.interval(entry.mean_interval, entry.unit)})" if entry.mean_interval else ""
        return numbers.amount(entry.mean, entry.unit) + interval
    if not entry.against or not curves.is_placebo(result.arms[entry.against.arm]):
        return numbers.ABSENT
    difference = numbers.change(entry.against.mean, entry.unit)
    return f"{difference} ({numbers.change_interval(entry.against.mean_interval, entry.unit)})"
