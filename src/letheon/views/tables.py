"""The table of a run in the terminal: its arms side by side, and how to read them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from letheon.definitions import RESEARCH_NOTICE
from letheon.views import harm_rows, plots, relief_rows
from letheon.views.harm_rows import support_words
from letheon.views.policy_words import policy_sentences
from letheon.views.report import words
from letheon.views.spans import ends

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["show_run"]

_LABEL_WIDTH = 21
_CELL_WIDTH = 18  # "+26.1 [12.9, 40.8]"
_NOTHING = "-"
_MINUS = "  minus placebo"
_NO_HARMS = "This result holds no harms; that says nothing about whether there are any."
_HARMS = (
    "Harms: brackets hold 90 % intervals where harms are simulated and 95 % where they were counted; a range without a"
    " number before it has no estimate, and a plus means beyond placebo. This does not say that any regimen is safe."
)

Row = tuple[str, list[str]]
Group = tuple[str, list[Row]]


def show_run(document: Mapping[str, Any], console: "Console") -> None:
    """Print what a run found: a table of its arms, how to read it, and its warnings.

    Parameters
    ----------
    document : mapping
        The result document.
    console : rich.console.Console
        Where to print; arms that do not fit its width side by side go into further tables.
    """
    from rich.text import Text

    console.print(Text(document["title"], style="bold"))
    for line in _heading(document):
        console.print(Text(line))
    arms = list(document["arms"].items())
    for part in _parts(arms, console.width):
        console.print(_table(document, dict(part)))
    for name, arm in arms:
        for sentence in policy_sentences(arm.get("policy")):
            console.print(Text(f"{name}: {sentence}"))
    for sentence in _reading(document):
        console.print(Text(sentence))
    for warning in document["warnings"]:
        console.print(Text.assemble(("Warning: ", "bold yellow"), warning))
    console.print(Text(RESEARCH_NOTICE, style="bold"))


def _heading(document: Mapping[str, Any]) -> Iterator[str]:
    models = document["models"]
    rival = f", rival: {models['rival']}" if models["rival"] else ""
    days = f"followed for {document['follow_up_days']:g} days"
    yield f"{document['n_patients']} virtual patients in each arm, {days}"
    yield f"pain model: {models['pain']}{rival}; seed: {document['seed']}"
    plasma = dict.fromkeys(arm["models"]["levels"]["label"] for arm in document["arms"].values() if arm.get("models"))
    if plasma:
        yield f"plasma levels: {'; '.join(plasma)}"


def _parts(arms: list, width: int) -> Iterator[list]:
    """Split the arms into tables that fit the width, as equal in size as can be."""
    most = max(1, (width - _LABEL_WIDTH) // (_CELL_WIDTH + 1))
    tables = -(-len(arms) // most)
    size = -(-len(arms) // tables)
    for start in range(0, len(arms), size):
        yield arms[start : start + size]


def _table(document: Mapping[str, Any], arms: Mapping[str, Mapping[str, Any]]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("", min_width=_LABEL_WIDTH, no_wrap=True)
    for name in arms:
        table.add_column(Text(name), justify="right", overflow="fold")
    for title, rows in _groups(document, list(arms.values())):
        table.add_section()
        table.add_row(Text(title, style="bold"))
        for label, cells in rows:
            table.add_row(Text(label), *(Text(cell) for cell in cells))
    return table


def _groups(document: Mapping[str, Any], arms: Sequence[Mapping[str, Any]]) -> Iterator[Group]:
    days = shown_days(arms[0]["endpoints"])
    yield "Pain, NRS 0 to 10", list(_pain_rows(document, arms, days))
    if day := relief_rows.named_day(plots.endpoint_days(arms[0]["endpoints"], "responder_30")):
        yield f"At {words.when(day)}", list(_responder_rows(arms, day))
    yield "Days at 30 % less pain", list(_days_rows("relief_days", arms))
    yield "Remission and relapse", list(_relapse_rows(arms))
    if any(arm.get("policy") for arm in arms):
        yield "Decided on the way", list(_policy_rows(arms))
    yield "Dose, mg", list(_dose_rows(arms))
    if all(arm["harms"] for arm in arms):
        yield from harm_rows.groups(arms)
    if all(arm.get("rival") for arm in arms):
        yield f"Rival, {arms[0]['rival']['model']}", list(_rival_rows(arms, days))


def shown_days(endpoints: Mapping[str, Any]) -> list[int]:
    """Return the days that the table shows: 7, 28 and the last one, as far as the run has them.

    Parameters
    ----------
    endpoints : mapping
        Endpoints of an arm.

    Returns
    -------
    list of int

    Examples
    --------
    >>> shown_days({"nrs_day_1": {}, "nrs_day_7": {}, "nrs_day_14": {}, "relief_days": {}})
    [7, 14]
    """
    found = sorted(int(match[1]) for name in endpoints if (match := re.fullmatch(r"nrs_day_(\d+)", name)))
    return [day for day in found if day in {7, 28, found[-1]}]


def _policy_rows(arms: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield what policies lead to: boosters, hours on the drip, the rate that titration ends at."""
    if any(arm["policy"] and arm["policy"]["boosters"] for arm in arms):
        yield from _measure_rows("boosters, mean", "boosters", arms)
        yield "  a year, mean", [_number(arm["endpoints"]["boosters"]["boosters_per_year"]) for arm in arms]
        yield from _share_rows("never in remission, %", "never_in_remission", arms)
    rates = [arm["endpoints"].get("final_rate", {}) for arm in arms]
    for unit in dict.fromkeys(rate["unit"] for rate in rates if rate):
        cells = [rate if rate.get("unit") == unit else {} for rate in rates]
        yield from _rows(f"final rate, {unit}", cells, arms)
    yield "hours on the drip", [_number(arm["endpoints"]["drip_hours"]["mean"]) for arm in arms]


def _pain_rows(document: Mapping[str, Any], arms: Sequence[Mapping[str, Any]], days: Iterable[int]) -> Iterator[Row]:
    baseline = document["population"]["baseline_nrs"]["mean"]
    yield "baseline, mean", [_number(baseline) for _ in arms]
    for day in days:
        yield from _measure_rows(f"day {day}, mean", f"nrs_day_{day}", arms)


def _measure_rows(label: str, name: str, arms: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    yield from _rows(label, [arm["endpoints"].get(name, {}) for arm in arms], arms)


def _rows(label: str, found: Sequence[Mapping[str, Any]], arms: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    yield label, [_with_interval(one, "mean", "mean_interval") for one in found]
    yield "  patients", [_patients(one) for one in found]
    yield "  support", [support_words(one) for one in found]
    yield from _difference_row(found, arms)


def _days_rows(name: str, arms: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield what patients differ in before what is known of their mean."""
    found = [arm["endpoints"].get(name, {}) for arm in arms]
    yield "patients", [_patients(one) for one in found]
    yield "mean", [_with_interval(one, "mean", "mean_interval") for one in found]
    yield "  support", [support_words(one) for one in found]
    yield from _difference_row(found, arms, said=True)


def _share_rows(label: str, name: str, arms: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    found = [arm["endpoints"].get(name, {}) for arm in arms]
    yield label, [_with_interval(one, "mean", "mean_interval", True) for one in found]
    yield "  support", [support_words(one) for one in found]
    yield from _difference_row(found, arms, share=True, said=True)


def _difference_row(
    found: Sequence[Mapping[str, Any]], arms: Sequence[Mapping[str, Any]], share: bool = False, said: bool = False
) -> Iterator[Row]:
    """Yield the difference from placebo; with `said`, a scenario without a placebo arm is told so."""
    compared = [arm["drug"] != "placebo" and "minus_placebo" in one for one, arm in zip(found, arms, strict=True)]
    if any(compared):
        cells = [
            _with_interval(one, "minus_placebo", "minus_placebo_interval", share) if shown else ""
            for one, shown in zip(found, compared, strict=True)
        ]
        yield _MINUS, cells
        labels = [support_words(e, "minus_placebo_") if s else "" for e, s in zip(found, compared, strict=True)]
        yield "  support", labels
    elif said and all(arm["drug"] != "placebo" for arm in arms):
        yield _MINUS, [relief_rows.NO_PLACEBO if one else _NOTHING for one in found]


def _responder_rows(arms: Sequence[Mapping[str, Any]], day: int) -> Iterator[Row]:
    for share in (30, 50):
        yield from _share_rows(f"{share} % less pain, %", f"responder_{share}_day_{day}", arms)


def _relapse_rows(arms: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    yield from _share_rows("in remission, %", relief_rows.REMISSION, arms)
    found = [arm["endpoints"].get("time_to_relapse_days", {}) for arm in arms]
    yield "median days of these", [_median(one) for one in found]
    yield "  support", [support_words(one) for one in found]


def _dose_rows(arms: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    found = [arm["endpoints"].get("dose_mg", {}) for arm in arms]
    yield "mean", [_number(one.get("mean")) for one in found]
    yield "  patients", [_patients(one) for one in found]


def _rival_rows(arms: Sequence[Mapping[str, Any]], days: Iterable[int]) -> Iterator[Row]:
    rivals = [arm["rival"]["endpoints"] for arm in arms]
    named = [(f"NRS day {day}, mean", f"nrs_day_{day}") for day in days]
    for label, name in named:
        yield label, [_with_interval(one.get(name, {}), "mean", "mean_interval") for one in rivals]
    found = [one.get("relief_days", {}) for one in rivals]
    yield "days 30 %, patients", [_patients(one) for one in found]
    yield "  mean", [_with_interval(one, "mean", "mean_interval") for one in found]
    yield from _difference_row(found, arms, said=True)


def _reading(document: Mapping[str, Any]) -> Iterator[str]:
    yield (
        '"patients" is the median patient and, in round brackets, the range that 90 % of the patients lie in: patients'
        f" differ. The interval in square brackets says how well a mean is known: {document['interval']}."
    )
    yield (
        '"in remission" is at least 30 % less pain at any time within 14 days after the course: some are on placebo'
        ' too. "median days of these" is how long until pain is back, from the end of the course.'
    )
    yield '"support" is the evidence behind a number, with its study.'
    if not any(map(plots.is_placebo, document["arms"].values())):
        yield "There is no placebo arm in this scenario: no number here says what the drug adds to placebo."
    if not harm_rows.has_harms(document):
        yield _NO_HARMS
        return
    yield _HARMS
    yield from harm_rows.unknowns(document)


# --- cells ---


def _number(value: float | None, sign: bool = False) -> str:
    """Write a number with what is worth showing of it: one decimal below 100, none above."""
    if value is None:
        return _NOTHING
    return _rounded(value, 1 if abs(value) < 99.95 else 0, sign)


def _percent(value: float | None, sign: bool = False) -> str:
    if value is None:
        return _NOTHING
    return _rounded(100 * value, 0, sign)


def _rounded(value: float, digits: int, sign: bool) -> str:
    """Round; what rounds to zero has no sign."""
    text = f"{value:z.{digits}f}"
    return f"+{text}" if sign and float(text) > 0 else text


def _with_interval(found: Mapping[str, Any], value: str, interval: str, share: bool = False) -> str:
    write, sign = (_percent if share else _number), value == "minus_placebo"
    middle = write(found.get(value), sign)
    low, high = found.get(interval) or (None, None)
    return middle if low is None or high is None else f"{middle} [{ends(write(low), write(high), ', ')}]"


def _patients(found: Mapping[str, Any]) -> str:
    """Write the median patient and the range of 90 % of them; days are whole numbers."""
    values = [found.get(key) for key in ("q50", "q05", "q95")]
    if None in values:
        return _NOTHING
    days = found.get("unit") == "days"
    middle, low, high = (f"{v:z.0f}" if days else _number(v).removesuffix(".0") for v in values)
    return f"{middle} ({low} to {high})"


def _median(found: Mapping[str, Any]) -> str:
    """Write a Kaplan-Meier median; one that lies beyond the follow-up is not reached, which is no number."""
    if not found.get("in_remission"):
        return _NOTHING
    low, high = found.get("median_interval") or (None, None)
    cells = [_day(day, found.get("restricted_to")) for day in (found.get("median"), low, high)]
    return cells[0] if low is None and high is None else f"{cells[0]} [{ends(cells[1], cells[2], ', ')}]"


def _day(day: float | None, end: float | None) -> str:
    if day is not None:
        return f"{day:z.0f}"
    return _NOTHING if end is None else f">{end:.0f}"
