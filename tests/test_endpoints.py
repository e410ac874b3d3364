"""Endpoints of one's own: the patients' own columns, recomputed from their diary entries.

Oracles: the mean of three entries that stand in the same table, the standard days and thresholds, and the program of
another scenario.
"""

import numpy as np
import pyarrow.parquet as pq
import pytest
from scenarios import scenario_text

from letheon.pipeline import block
from letheon.pipeline.result import decode
from letheon.runs import simulate
from letheon.scenario import loads
from letheon.views.subjects import names, run
from letheon.views.subjects.endpoints import brief_groups, endpoint_tables

pytestmark = pytest.mark.long  # two runs

ARMS = (
    "drip: {drug: racemic, sessions: [{at: day 1, rate: 25 mg/h, for: 4 h}], "
    "boosters: {every: [1 week], session: {rate: 25 mg/h, for: 4 h}}}",
    "sham: {drug: placebo, like: drip}",
)
DAYS = [*range(20, 0, -1)]
OWN = f"{{days: {DAYS}, responders: [20 %, 50 %, 3 points, 1.5 points, 100 %], weekly: on, area: on}}"
MADE = {
    "responder_20": (0.8, 0.0),
    "responder_3pt": (1.0, 3.0),
    "responder_1_5pt": (1.0, 1.5),
    "responder_100": (0.0, 0.0),
}
ALL = {"responder_30": (0.7, 0.0), "responder_50": (0.5, 0.0), "responder_2pt": (1.0, 2.0)} | MADE


def text(**entries: object) -> str:
    return scenario_text(*ARMS, follow_up="20 days", population="{n: 64}", **entries)


def compiled() -> list[int]:
    return [one._cache_size() for one in (block._build, block._run, block._read_out)]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The scenario with own endpoints, then without, and whether the second run compiled nothing anew.

    Both in one fixture: between tests, a process that has grown forgets its programs.
    """
    own = simulate(loads(text(endpoints=OWN)), out=tmp_path_factory.mktemp("own") / "run")
    before = compiled()
    return own, simulate(loads(text()), out=tmp_path_factory.mktemp("plain") / "run"), compiled() == before


@pytest.fixture(scope="module")
def own(both):
    return both[0]


def table_of(done, arm: str) -> dict[str, np.ndarray]:
    table = pq.read_table(done.folder / "endpoints" / arm)
    return {name: table[name].to_numpy() for name in table.column_names}


@pytest.mark.parametrize("arm", ["drip", "sham"])
@pytest.mark.parametrize("model", ["memory_", "slow_site_", ""])
def test_responders_are_those_of_the_last_three_entries(own, arm, model):
    """Red when a threshold is read on another day, with another sign, or from another mechanism."""
    table = table_of(own, arm)
    entries = [table[f"{model}nrs_day_{day}"].astype(float) for day in (16, 17, 18)]
    recent, baseline = sum(entries) / 3, table["baseline_nrs"]
    seen = set()
    for name, (share, points) in ALL.items():
        expected = recent <= share * baseline - points + 1e-9
        assert table[f"{model}{name}_day_18"].tolist() == expected.astype(int).tolist(), name
        assert table[f"{model}{name}_day_18"].dtype == np.int8
        seen.add(expected.sum())
    assert len(seen) > 3


def test_standard_endpoints_stay_as_they_were(both):
    """Every number that both documents have is the same; only own endpoints are new."""
    own, done, same_programs = both
    assert same_programs
    for arm, other in done.result.arms.items():
        mine = own.result.arms[arm]
        parts = [
            (mine, other),
            *zip(dict(mine.by_model.items()).values(), dict(other.by_model.items()).values(), strict=True),
        ]
        for one, two in parts:
            assert {name: one.endpoints[name] for name in two.endpoints} == two.endpoints
        added = {f"{name}_day_{day}" for name in ("nrs", *ALL) for day in {*DAYS} - {1, 3, 7, 14, 20}}
        added |= {f"{name}_day_{day}" for name in MADE for day in DAYS}
        added |= {"nrs_week_1", "nrs_week_2", "pain_area", "pain_area_change"}
        assert set(mine.endpoints) - set(other.endpoints) == added
        columns, longer = table_of(done, arm), table_of(own, arm)
        assert all((longer[name] == values).all() for name, values in columns.items())


def test_the_end_of_follow_up_is_an_endpoint(both):
    """Day 20 is no standard day."""
    arm = both[1].result.arms["drip"]
    assert arm.endpoint("nrs_day_20").against and arm.endpoint("responder_50_day_20").mean_interval
    assert run.headline_days(arm.endpoints) == [7, 20]


@pytest.mark.parametrize("model", ["memory_", "slow_site_", ""])
def test_weeks_and_area_are_those_of_the_daily_entries(own, model):
    """Red when a week is shifted by a day, or the padded days behind the follow-up count."""
    table = table_of(own, "drip")
    entries = np.array([table[f"{model}nrs_day_{day}"] for day in range(1, 21)], float)
    for week in (1, 2):
        np.testing.assert_allclose(table[f"{model}nrs_week_{week}"], entries[7 * week - 7 : 7 * week].mean(axis=0))
    assert (table[f"{model}pain_area"] == entries.sum(axis=0)).all()
    change = (entries - table["baseline_nrs"]).sum(axis=0)
    np.testing.assert_allclose(table[f"{model}pain_area_change"], change, atol=1e-9)
    arm = own.result.arms["drip"]
    area, relative = arm.endpoint("pain_area"), arm.endpoint("pain_area_change")
    assert area.against.mean == pytest.approx(relative.against.mean, abs=1e-4) and relative.mean_interval[0] < 0
    assert area.against.chance_better > 0.5 > area.against.mean


def test_shares_and_differences_are_those_of_the_columns(own):
    weights = own.result.models.weights
    shares = {"memory": weights.memory, "slow_site": weights.slow_site}
    columns = {arm: table_of(own, arm) for arm in ("drip", "sham")}
    for name in ("responder_20_day_5", "responder_1_5pt_day_18", "nrs_day_17", "nrs_week_2", "pain_area"):
        mean = {arm: sum(w * t[f"{m}_{name}"].mean() for m, w in shares.items()) for arm, t in columns.items()}
        entry = own.result.arms["drip"].endpoint(name)
        assert entry.mean == pytest.approx(mean["drip"], rel=1e-5)
        assert entry.against.mean == pytest.approx(mean["drip"] - mean["sham"], rel=1e-5, abs=1e-5)
        better = (entry.against.mean > 0) == name.startswith("responder")
        assert (entry.against.chance_better > 0.5) == better
        assert entry.support == "assumed"  # no study in CRPS gave so little
    assert decode((own.folder / "result.json").read_bytes()) == own.result


def heads(tables) -> list[str]:
    """Return what the rows of tables begin with, without a unit."""
    rows = [
        row.head
        for table in tables
        for row in (row for group in getattr(table, "groups", [table]) for row in group.rows)
    ]
    return [str(head if isinstance(head, str) else head[0]).removesuffix(" (NRS days)") for head in rows]


def test_every_own_endpoint_stands_in_tables(own):
    """Red when a table leaves an own day or threshold out, or sorts 100 % before 20 %."""
    rows, endpoints = heads(endpoint_tables(own.result)), own.result.arms["drip"].endpoints
    added = [names.endpoint_name(key) for key in endpoints if key.startswith(("nrs_", "responder_", "pain_area"))]
    assert {*added} <= {*rows} and len({*added}) == 20 * 8 + 4
    ordered = [names.endpoint_name(f"{name}_day_18") for name in ("responder_20", "responder_50", "responder_100")]
    assert sorted(ordered, key=rows.index) == ordered
    full = heads(brief_groups(own.result))
    for name in ("responder_1_5pt_day_16", "responder_30_day_5", "nrs_day_17", "nrs_week_2", "pain_area"):
        assert names.endpoint_name(name) in full
