"""What every output says of relief, against numpy on the patients' own columns of a small run.

Oracles: medians, quantiles and paired differences that numpy takes from the Parquet files, the criterion of remission
in the body's code, and the library's threshold.
"""

import json
import re
from html import unescape

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from letheon import definitions, library
from letheon.pipeline.result import Against, Endpoint, RunResult
from letheon.runs import simulate
from letheon.scenario import loads
from letheon.scenario.measures import endpoint_days
from letheon.views.document import numbers as text_of
from letheon.views.document import terminal
from letheon.views.explore.figures import page_of
from letheon.views.subjects import names, relief, run
from letheon.views.subjects.words import WORDS

ALONE = """
letheon: 1
title: relief
population: {n: 96}
follow_up: 5 weeks
seed: 12
models: {pain: memory}
arms:
  drip: {drug: esketamine, sessions: [{at: 0 h, rate: 18 mg/h, for: 60 h}]}
"""
TEXT = (
    ALONE
    + "  weekly: {drug: esketamine, sessions: [{at: 0 h, rate: 18 mg/h, for: 20 h}]}\n"
    + ("  sham: {drug: placebo, like: drip}\n")
)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return simulate(loads(TEXT), out=tmp_path_factory.mktemp("relief") / "run")


@pytest.fixture(scope="module")
def columns(done):
    """Return every patient's endpoints of each arm, as the run folder holds them."""
    tables = {arm: pq.read_table(done.folder / "endpoints" / arm) for arm in done.result.arms}
    return {
        arm: {name: table[name].to_numpy().astype(float) for name in table.column_names}
        for arm, table in tables.items()
    }


@pytest.fixture(scope="module")
def alone():
    return simulate(loads(ALONE)).result


def entries(result: RunResult, arm: str):
    """Yield every endpoint of an arm with the column that it is of."""
    return [
        (name, entry)
        for name, entry in result.arms[arm].endpoints.items()
        if isinstance(entry, Endpoint) and entry.unit in ("share", "days", "NRS")
    ]


def values(columns: dict, name: str) -> np.ndarray:
    return 1.0 - columns[name.replace("never_in_", "")] if "never_in_" in name else columns[name]


def numbers(text: str) -> list[float]:
    """Return the numbers of a text, behind its thin spaces and signs."""
    plain = text.replace("\u2212", "-").replace(",", "")
    return [float(one) for one in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", plain)]


def shown(result: RunResult) -> str:
    return terminal.text(run.summary(result), 160)


def row(text: str, label: str, after: str = "") -> list[str]:
    lines = text.partition(f"\n{after}")[2].splitlines()
    line = next(line for line in lines if line.strip().startswith(label))
    return re.split(r"\s{2,}", line.strip())[1:]


@pytest.mark.long
def test_every_share_and_every_count_of_days_has_its_patients_and_its_excess(done, columns):
    """Red when an endpoint drops its quantiles, or its difference is not that of the same patients."""
    checked = set()
    for arm in ("drip", "weekly"):
        for name, entry in entries(done.result, arm):
            own, sham = values(columns[arm], name), values(columns["sham"], name)
            assert entry.mean == pytest.approx(own.mean(), rel=1e-5, abs=1e-7), name
            assert entry.against.mean == pytest.approx((own - sham).mean(), rel=1e-4, abs=1e-6), name
            low, high = entry.against.mean_interval
            assert low <= entry.against.mean <= high or entry.unit != "share", name
            if entry.unit != "share":
                quantiles = [entry.q05, entry.q50, entry.q95]
                assert quantiles == pytest.approx(np.quantile(own, [0.05, 0.5, 0.95]).tolist(), rel=1e-5, abs=1e-6), (
                    name
                )
            checked.add(name)
    assert {"responder_2pt_day_35", "remission", "never_in_remission", "relief_days", "pain_free_days"} <= checked


def test_without_placebo_every_output_states_that_there_is_no_excess(alone):
    assert not any(entry.against for _, entry in entries(alone, "drip"))
    page = page_of(alone, loads(ALONE))["arms"]["drip"]
    lead = relief.keys(alone.arms["drip"].endpoints)
    assert len(lead) == sum(relief.NO_PLACEBO in " ".join(statement["more"]) for statement in page["relief"])
    assert run.page(alone, ALONE).count(relief.NO_PLACEBO) >= len(lead)
    lasts = next(answer for answer in page["answers"] if answer["id"] == "lasts")
    assert relief.NO_PLACEBO in lasts["short"] and relief.NO_PLACEBO in " ".join(lasts["more"])
    text = shown(alone)
    for after in ("At least 30 % less pain at", "Days with at least 30 %", "Remission: at least 30 %"):
        assert row(text, "minus placebo", after) == [relief.NO_PLACEBO]


def test_the_terminal_shows_the_patients_then_the_mean_then_the_excess(done, columns):
    text, after = shown(done.result), "Days with at least 30 %"
    own, sham = columns["drip"]["relief_days"], columns["sham"]["relief_days"]
    low, middle, high = np.quantile(own, [0.05, 0.5, 0.95])
    assert row(text, after)[0] == f"{middle:.0f} ({low:.0f} to {high:.0f})"
    assert numbers(row(text, "mean", after)[0])[0] == pytest.approx(own.mean(), abs=0.501)
    excess = re.search(r"[-+][\d.]+", row(text, "minus placebo", after)[0])
    assert float(excess[0]) == pytest.approx((own - sham).mean(), abs=0.501)
    better, after = columns["drip"]["responder_30_day_28"], "At least 30 % less pain at"
    assert numbers(row(text, after)[0])[0] == pytest.approx(100 * better.mean(), abs=0.501)


def test_page_and_report_say_the_same_of_relief(done, columns):
    page = page_of(done.result, loads(TEXT))["arms"]
    html = unescape(run.page(done.result, TEXT))
    for arm in ("drip", "weekly"):
        share, days, remission = page[arm]["relief"]
        for statement in (share, days, remission):
            pieces = (statement["label"], statement["value"], statement["aside"], *statement["more"])
            assert all(piece in html for piece in pieces)
        own, sham = columns[arm]["responder_30_day_28"], columns["sham"]["responder_30_day_28"]
        printed = [numbers(share["value"])[0], *(numbers(piece)[0] for piece in share["more"])]
        assert printed == pytest.approx([100 * own.mean(), 100 * sham.mean(), 100 * (own - sham).mean()], abs=0.501)
        own, sham = columns[arm]["relief_days"], columns["sham"]["relief_days"]
        low, middle, high = np.quantile(own, [0.05, 0.5, 0.95])
        assert numbers(days["value"]) == pytest.approx([middle, 35], abs=0.501)
        assert numbers(days["aside"])[1:] == pytest.approx([low, high], abs=0.501)
        printed = [numbers(piece)[0] for piece in days["more"]]
        assert printed == pytest.approx([own.mean(), sham.mean(), (own - sham).mean()], abs=0.501)
    assert [len(statement["more"]) for statement in page["sham"]["relief"]] == [0, 1, 0]  # compared with nothing
    assert json.dumps(page["drip"]["relief"], allow_nan=False)


def test_labels_name_their_thresholds_and_shares_read_as_patients_of_100(done):
    """Red when a row of days, hours or shares does not say above or below what it counts."""
    remission = names.endpoint_name(relief.REMISSION)
    assert numbers(remission) == [pytest.approx(100 * (1 - definitions.RELIEF)), definitions.REMISSION_DAYS]
    assert numbers(names.endpoint_name("relief_days")) == [pytest.approx(100 * (1 - definitions.RELIEF))]
    noticeable = library.harms("psychedelic")["noticeable"].canonical
    (hours,) = (one for table in WORDS.harms for one in table.rows if one.key == "psychedelic_hours")
    assert numbers(hours.name) == [100 * noticeable]
    assert page_of(done.result, loads(TEXT))["noticeable_load"] == noticeable
    shares = {0.43: "43 of 100", 0.004: "0.4 of 100", 1e-5: "<0.1 of 100", 0.0: "0 of 100"}
    assert {share: text_of.of_100(share) for share in shares} == shares
    against = Against(arm="sham", mean=-0.031, mean_interval=(-0.1, 0.04), chance_better=0.3)
    entry = Endpoint(mean=0.2, against=against, unit="share")
    assert numbers(relief.excess(entry)) == [3, 90, -10, 4, 30] and "fewer" in relief.excess(entry)


@pytest.mark.parametrize("days", [1, 5, 13, 20, 27, 28, 31, 84, 400])
def test_the_named_day_is_the_one_nearest_to_four_weeks(days):
    reached = endpoint_days(24.0 * days)
    named = relief.named_day(reached)
    assert named in reached and all(abs(named - 28) <= abs(day - 28) for day in reached)
    endpoints = {f"responder_30_day_{day}": {} for day in reached}
    assert relief.keys(endpoints) == [f"responder_30_day_{named}"]


def test_a_share_read_during_the_course_has_a_warning(done):
    before = relief.statement(done.result, "drip", "responder_30_day_28")
    longer = msgspec.structs.replace(done.result.arms["drip"], course_end_day=60.0)
    result = msgspec.structs.replace(done.result, arms={**done.result.arms, "drip": longer})
    assert len(relief.statement(result, "drip", "responder_30_day_28").more) == len(before.more) + 1
