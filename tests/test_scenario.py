"""Scenarios: what a file means, worked out by hand; writing and reading back; the examples."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.dosing import Infusion, Rate, Regimen
from letheon.errors import InputError
from letheon.library import receptor
from letheon.scenario import (
    Arm,
    Models,
    OwnEndpoints,
    Population,
    Responder,
    Scenario,
    Spread,
    dumps,
    load,
    loads,
    pk_choices,
)

HOUR, DAY = 3_600_000, 24 * 3_600_000
EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.yaml"))
HEAD = "letheon: 1\ntitle: test\nfollow_up: 12 weeks\n"
ARM = "arms: {a: {drug: %s, sessions: [{at: 0 h, rate: 5 mg/h, for: 1 h}]}}"


def sessions(*entries: str, extra: str = "", drug: str = "racemic") -> Arm:
    text = HEAD + f"arms:\n  a:\n    drug: {drug}\n{extra}    sessions:\n"
    return loads(text + "".join(f"      - {entry}\n" for entry in entries)).arms[0]


CONTRACT = """\
letheon: 1                                  # format version
title: "100 h of esketamine in CRPS-1 (Sigtermans 2009)"
population: {n: 1000, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2.0}
follow_up: 12 weeks
seed: 20090101
models: {pk: auto, pain: average}
arms:
  esketamine:
    drug: esketamine
    sessions:
      - {at: 0 h,  rate: 5 mg/h/70kg,  for: 24 h}
      - {at: 24 h, rate: 10 mg/h/70kg, for: 24 h}
      - {at: 48 h, rate: 15 mg/h/70kg, for: 24 h}
      - {at: 72 h, rate: 20 mg/h/70kg, for: 28 h}
  outpatient:
    drug: racemic
    sessions:
      - {at: day 1, rate: 0.35 mg/kg/h, max: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 10}}
  placebo: {drug: placebo, like: esketamine}   # sham sessions of that arm
"""


def test_the_contract() -> None:
    steps = [(0, 24, 5), (24, 24, 10), (48, 24, 15), (72, 28, 20)]
    hundred_hours = tuple(Infusion(a * HOUR, b * HOUR, Rate(per_kg_mg_h=rate / 70)) for a, b, rate in steps)
    bag = tuple(Infusion(day * DAY, 4 * HOUR, Rate(0.0, 0.35, 25.0)) for day in range(10))
    assert loads(CONTRACT) == Scenario(
        title="100 h of esketamine in CRPS-1 (Sigtermans 2009)",
        population=Population(1000, Spread(79.0, 19.0), Spread(7.3, 2.0), Spread(46.0, 12.0), 0.0),
        follow_up_h=2016.0,
        seed=20090101,
        models=Models("auto", "average"),
        arms=(
            Arm("esketamine", "esketamine", Regimen("esketamine", hundred_hours)),
            Arm("outpatient", "racemic", Regimen("racemic", bag)),
            Arm("placebo", "placebo", Regimen("placebo", hundred_hours), like="esketamine"),
        ),
    )


def test_defaults_and_every_switch() -> None:
    scenario = loads(HEAD + ARM % "racemic")
    usual = Population(1000, Spread(79.0, 19.0), Spread(7.3, 2.0), Spread(46.0, 12.0), 0.0)
    assert (scenario.seed, scenario.population, scenario.warnings) == (1, usual, ())
    assert scenario.models == Models("auto", "average", True, 0.0, 0.0, False, False, False)
    assert scenario.arm("a") is scenario.arms[0]
    with pytest.raises(KeyError):
        scenario.arm("b")
    switches = (
        "population: {weight: 70 kg, baseline_nrs: 6 +/- 1.5 NRS, age: 40 years, asian: 0.25}\n"
        "models: {pk: pair, pain: slow_site, flares: false, expectancy: 0.5 NRS, norketamine: -0.2, "
        "induction: on, occasions: true, borrow_variability: on}\n"
    )
    scenario = loads(HEAD + switches + ARM % "arketamine")
    assert scenario.models == Models("pair", "slow_site", False, 0.5, -0.2, True, True, True)
    assert scenario.population == Population(1000, Spread(70.0, 0.0), Spread(6.0, 1.5), Spread(40.0, 0.0), 0.25)


def test_earlier_files_asked_for_one_mechanism_by_the_word_rival() -> None:
    def read(models: str):
        return loads(HEAD + f"models: {{{models}}}\n" + ARM % "racemic")

    alone = {"rival: off": "memory", "pain: slow_site, rival: off": "slow_site", "rival: on": "average"}
    assert {text: (read(text).models.pain, read(text).warnings) for text in alone} == {
        text: (pain, ()) for text, pain in alone.items()
    }
    assert "models.rival" in read("pain: memory, rival: on").warnings[0]
    with pytest.raises(InputError, match=r"line 4, models\.rival: an average needs both mechanisms"):
        read("pain: average, rival: off")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{at: 0 h, push: 2.01 mg/kg}", "140.7 mg at 70 kg, above the limit of 2 mg/kg"),
        ("{at: 0 h, dose: 150 mg, for: 5 min}", "150 mg at 70 kg, above the limit of 2 mg/kg"),
        ("{at: 0 h, push: 10 mg, over: 9 s}", '.over: "9 s" is too short'),
        ("{at: 0 h, rate: 5 mg/h, for: 9 s}", '.for: "9 s" is too short'),
        ("{at: 0 h, push: 10 mg, over: 6 min}", '.over: "6 min" is longer than the 5 min of a push'),
        ("{at: 0 h, push: 10 mg, for: 1 min}", ".for: for cannot be combined with push"),
        ("{at: 0 h, dose: 10 mg, over: 1 min}", ".over: over is the length of a push"),
        ("{at: 0 h, dose: 10 mg, max: 25 mg/h, for: 1 min}", ".max: max limits the rate of an infusion"),
        ("{at: 0 h, push: 10 mg/h}", "is a rate, not a dose"),
    ],
)
def test_limits_of_a_push(entry: str, reason: str) -> None:
    with pytest.raises(InputError, match=re.escape(reason)):
        sessions(entry)


@pytest.mark.parametrize(("rates", "words"), [((0,), "every session"), ((5, 0), "1 of 2 sessions"), ((5, 5), None)])
def test_a_rate_of_zero_is_a_pause_with_a_warning(rates: tuple[int, ...], words: str | None) -> None:
    entries = [f"{{at: day {day}, rate: {rate} mg/h, for: 1 h}}" for day, rate in enumerate(rates, 1)]
    scenario = loads(HEAD + f"arms: {{a: {{drug: racemic, sessions: [{', '.join(entries)}]}}}}")
    assert [words in warning for warning in scenario.warnings] == ([True] if words else [])
    running = [entry for entry, rate in zip(entries, rates, strict=True) if rate]
    assert not running or scenario.arms[0].regimen.schedule() == sessions(*running).regimen.schedule()


def test_boosters_without_drug_have_a_warning_and_placebo_has_none() -> None:
    five, nothing = (f"rate: {rate} mg/h, for: 1 h" for rate in (5, 0))
    one = f"a: {{drug: racemic, sessions: [{{at: 0 h, {five}}}], boosters: {{every: 1 week, session: {{{nothing}}}}}}}"
    scenario = loads(HEAD + f"arms: {{{one}, sham: {{drug: placebo, like: a}}}}")
    (warning,) = scenario.warnings
    assert warning.startswith("arms.a.boosters: every session has a rate of 0")


def test_overlapping_sessions_add_with_a_warning() -> None:
    text = HEAD + (
        "arms: {a: {drug: racemic, sessions: [{at: 0 h, rate: 5 mg/h, for: 4 h}, {at: 2 h, rate: 5 mg/h, for: 4 h}]},"
        " b: {drug: racemic, sessions: [{at: 0 h, rate: 5 mg/h, for: 2 h}, {at: 2 h, rate: 5 mg/h, for: 4 h}]}}"
    )
    scenario = loads(text)
    assert scenario.arms[0].regimen.schedule().rates(70.0) == (5.0, 10.0, 5.0)
    assert scenario.warnings == ("arms.a: sessions overlap, and their rates add.",)


def test_salt_multiplies_every_mass() -> None:
    factor = receptor()["salt_hydrochloride"].value
    assert factor == pytest.approx(237.73 / (237.73 + 36.46), rel=1e-3)  # HCl weighs 36.46 g/mol
    entry = "{at: 0 h, rate: 0.35 mg/kg/h, max: 25 mg/h, for: 4 h}"
    salted = sessions(entry, extra="    salt: hydrochloride\n").regimen.infusions[0].rate
    assert salted == Rate(0.0, 0.35 * factor, 25.0 * factor)
    assert sessions(entry, extra="    salt: base\n") == sessions(entry)


def test_limits_themselves_are_allowed() -> None:
    top = "population: {n: 10000000, weight: 200 ± 60 kg, baseline_nrs: 10 ± 5}\nseed: 9223372036854775807\n"
    text = "letheon: 1\ntitle: " + "x" * 200 + "\nfollow_up: 10 years\n" + top
    scenario = loads(text + ARM.replace("5 mg/h, for: 1 h", "20 mg/kg/h, for: 24 h") % "racemic")
    assert scenario.follow_up_h == 87_600.0
    assert scenario.arms[0].regimen.schedule().rates(70.0) == (1400.0,)
    day = "letheon: 1\ntitle: x\nfollow_up: 1 day\n" + ARM.replace("for: 1 h", "for: 1 day") % "racemic"
    assert loads(day).arms[0].regimen.stop_ms == DAY


@pytest.mark.parametrize("spell", [lambda t: "\ufeff" + t, lambda t: t.replace("\n", "\r\n"), lambda t: "---\n" + t])
def test_byte_order_mark_line_ends_and_document_start(spell, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(spell(CONTRACT).encode("utf-8"))
    assert load(path) == load(str(path)) == loads(spell(CONTRACT)) == loads(CONTRACT)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_read_and_read_back(path: Path) -> None:
    scenario = load(path)
    assert loads(dumps(scenario)) == scenario
    assert scenario.warnings == ()


@pytest.mark.parametrize(
    ("name", "arm", "dose_mg_at_70_kg", "days"),
    [
        ("sigtermans2009", "esketamine", 1280.0, 5), ("sigtermans2009", "esketamine_fast", 40 + 80 + 120 + 22 * 76, 5),
        ("schwartzman2009", "ketamine", 70 * 4 * (0.175 + 0.2625 + 8 * 0.35), 10),
        ("goldberg2010", "racemic", 3360.0, 5), ("single_infusion", "ketamine", 35.0, 1),
        ("anaesthetic_5_day", "anaesthetic", 70 * 24 * 25.0, 5), ("days_3_5_7", "days_3", 3 * 6 * 24.0, 3),
        ("days_3_5_7", "days_5", 5 * 6 * 24.0, 5), ("days_3_5_7", "days_7", 7 * 6 * 24.0, 7),
        ("ketcrps2", "continuous", 70 * (24 * 0.05 + 24 * 0.1 + 96 * 0.2), 6),
        ("ketcrps2", "continuous_at_maximum", 70 * 144 * 0.2, 6),
        ("ketcrps2", "intermittent", 70 * 6 * (0.05 + 0.1 + 4 * 0.2), 6),
        ("ketcrps2", "intermittent_at_maximum", 70 * 6 * 6 * 0.2, 6), ("small", "ketamine", 2 * 4 * 24.5, 2),
    ],
)  # fmt: skip
def test_doses_and_days_of_the_examples(name: str, arm: str, dose_mg_at_70_kg: float, days: int) -> None:
    (path,) = (path for path in EXAMPLES if path.stem == name)
    regimen = load(path).arm(arm).regimen
    assert regimen.schedule().dose_mg(70.0) == pytest.approx(dose_mg_at_70_kg, rel=1e-12)
    assert len(regimen.dosing_days()) == days


# 25 sessions at most, which together stay below the limit of 1400 mg/h
rates = st.one_of(
    st.builds(Rate, st.floats(0, 40)),
    st.builds(Rate, st.just(0.0), st.floats(0, 0.5)),
    st.builds(Rate, st.just(0.0), st.floats(1e-9, 0.5), st.floats(1e-9, 1e4)),
    st.builds(Rate, st.floats(0, 40), st.just(0.0), st.floats(1e-9, 1e4)),
)
lengths = st.integers(10_000, 300_000) | st.integers(300_001, 16 * HOUR)  # pushes and infusions


def infusion(start: int, length: int, rate: Rate) -> Infusion:
    return Infusion(start, length, replace(rate, ceiling_mg_h=math.inf) if length <= 300_000 else rate)


infusions = st.builds(infusion, st.integers(0, 2_000 * HOUR), lengths, rates)
courses = st.builds(
    lambda start, length, rate, every, times: [infusion(start + k * every, length, rate) for k in range(times)],
    st.integers(0, 500 * HOUR),
    lengths,
    rates,
    st.integers(1, 24 * HOUR),
    st.integers(1, 20),
)


@st.composite
def regimens(draw: st.DrawFn, drug: str) -> Regimen:
    return Regimen.create(drug, draw(st.lists(infusions, max_size=5)) + draw(courses))


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    drugs = draw(st.lists(st.sampled_from(["racemic", "esketamine", "arketamine"]), min_size=1, max_size=3))
    names = draw(st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), min_size=4, max_size=4, unique=True))
    arms = [Arm(name, drug, draw(regimens(drug))) for name, drug in zip(names, drugs, strict=False)]
    if draw(st.booleans()):
        like = draw(st.sampled_from(arms))
        arms.insert(draw(st.integers(0, len(arms))), Arm(names[3], "placebo", like.regimen.sham(), like.name))
    pk = [model for model, allowed in pk_choices().items() if set(drugs) <= set(allowed)]
    return Scenario(
        title=draw(titles),
        population=Population(
            n=draw(st.integers(1, 10_000_000)),
            weight=Spread(draw(st.floats(30, 200)), draw(st.floats(0, 60))),
            baseline_nrs=Spread(draw(st.floats(4, 10)), draw(st.floats(0, 5))),
            age=Spread(draw(st.floats(18, 100)), draw(st.floats(0, 30))),
            asian=draw(st.floats(0, 1)),
        ),
        follow_up_h=draw(st.integers(2_100 * HOUR, 87_600 * HOUR)) / HOUR,
        seed=draw(st.integers(0, 2**63 - 1)),
        models=Models(
            draw(st.sampled_from(pk)),
            draw(st.sampled_from(["average", "memory", "slow_site"])),
            draw(st.booleans()),
            draw(st.floats(0, 3)),
            draw(st.floats(-1, 1)),
            *(draw(st.booleans()) for _ in range(3)),
        ),
        arms=tuple(arms),
        endpoints=OwnEndpoints(
            tuple(sorted(draw(st.sets(st.integers(1, 87), max_size=4)))),
            tuple(
                draw(
                    st.sets(
                        st.builds(Responder, tenths, st.just("%"))
                        | st.builds(Responder, st.just(1.0), st.just("points")),
                        max_size=4,
                    )
                )
            ),
            draw(st.booleans()),
            draw(st.booleans()),
        ),
    )


tenths = st.integers(1, 1000).map(lambda number: number / 10)
titles = (
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "M", "Zs"]), min_size=1, max_size=200)
    .map(str.strip)
    .filter(lambda text: text and all(c.isprintable() or c == "\u00a0" for c in text))
)


@given(scenarios())
def test_reading_what_was_written_gives_the_same_scenario(scenario: Scenario) -> None:
    again = loads(dumps(scenario))
    assert replace(again, warnings=()) == scenario
    assert loads(dumps(again)) == again


def test_writing_fills_in_every_default_and_groups_repeats() -> None:
    lines = dumps(loads(CONTRACT)).splitlines()
    assert lines[2:6] == [
        "population: {n: 1000, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2 NRS, age: 46 ± 12 years, asian: 0}",
        "follow_up: 2016 h",
        "seed: 20090101",
        "models: {pk: auto, pain: average, flares: on, expectancy: 0 NRS, norketamine: 0, "
        "induction: off, occasions: off, borrow_variability: off}",
    ]
    assert lines[10] == "      - {at: 0 h, rate: 0.07142857142857142 mg/kg/h, for: 24 h}"
    grouped = "      - {at: 0 h, rate: 0.35 mg/kg/h, max: 25 mg/h, for: 4 h, repeat: {every: 24 h, times: 10}}"
    assert lines[-2:] == [grouped, "  placebo: {drug: placebo, like: esketamine}"]


FIVE = "rate: 5 mg/h, for: 1 h}"


BLOCK = "\n        ".join(
    ["at: 'day 1'", 'rate: "5 mg/h"', "for: 1 h", "repeat:\n          every: 2 days\n          times: 3"]
)


@pytest.mark.parametrize(
    ("entries", "others"),
    [
        (["{at: day 1, dose: 100 mg, for: 4 h}"], ["{at: day 1, rate: 25 mg/h, for: 4 h}"]),
        (["{at: 0 h, push: 2 mg/kg}"], ["{at: 0 h, dose: 2 mg/kg, for: 1 min}"]),
        (["{at: day 3, " + FIVE], ["{at: 48 h, rate: 5 mg/h, for: 60 min}"]),
        (
            ["{at: day 1, " + FIVE[:-1] + ", repeat: {every: 2 days, times: 3}}"],
            [f"{{at: day {d}, {FIVE}" for d in (5, 1, 3)],
        ),
        ([BLOCK], [f"{{at: {hour} h, {FIVE}" for hour in (0, 48, 96)]),
        (
            ["{at: day 3, " + FIVE[:-1] + ", repeat: {on: [Mon, Thu], times: 3}}"],
            [f"{{at: day {d}, {FIVE}" for d in (4, 8, 11)],
        ),
        (
            ["{at: 2 h, ramp: {from: 0.3 mg/kg/h, to: 0.1 mg/kg/h, step: 0.1 mg/kg/h, every: 2 h}, for: 9 h}"],
            [f"{{at: {2 + 2 * k} h, rate: 0.{3 - k} mg/kg/h, for: {5 if k == 2 else 2} h}}" for k in range(3)],
        ),
        (
            ["{at: 0 h, ramp: {from: 1 mg/h, to: 2 mg/h, step: 0.1 mg/h, every: 1 h}, for: 11 h, max: 1.5 mg/h}"],
            [f"{{at: {k} h, rate: {(10 + k) / 10} mg/h, for: 1 h, max: 1.5 mg/h}}" for k in range(11)],
        ),
    ],
    ids=["dose", "push", "day", "repeat", "block style and quotes", "weekdays", "ramp down", "ramp under a ceiling"],
)
def test_spellings_of_the_same_sessions(entries: list[str], others: list[str]) -> None:
    assert sessions(*entries) == sessions(*others)
    forty = sessions("{at: day 2, dose: 0.5 mg/kg, for: 40 min}").regimen.schedule()
    assert forty.edges_ms == (DAY, DAY + 2_400_000)
    assert forty.dose_mg(80.0) == pytest.approx(40.0, rel=1e-15)


def test_weekdays_count_from_day_1() -> None:
    """Red when the first session falls on a day that is not listed, or the week begins on another one."""
    nine = "arms: {a: {drug: racemic, sessions: [{at: day 1 + 9 h, rate: 5 mg/h, for: 1 h, repeat: {on: [Sun, Mon], times: 4}}]}}"
    for first, days in (("Mon", (1, 7, 8, 14)), ("Wed", (5, 6, 12, 13))):
        arm = loads(HEAD + f"day_1: {first}\n" + nine).arm("a")
        assert [i.start_ms for i in arm.regimen.infusions] == [(d - 1) * DAY + 9 * DAY // 24 for d in days]


@pytest.mark.parametrize(
    ("bag", "volumes", "masses"),
    [
        ("5 mg/mL", ("2 mL/h", "3 ml", "1 cc/min", "0.1 mL/h"), ("10 mg/h", "15 mg", "5 mg/min", "0.5 mg/h")),
        (
            "100 mg in 100 mL",
            ("4.4 cc/h", "2 mL", "0.3 mL/min", "1 mL/h"),
            ("4.4 mg/h", "2 mg", "0.3 mg/min", "1 mg/h"),
        ),
        (
            "3 mg/kg in 50 mL",
            ("1 mL/h", "5 mL", "0.5 mL/min", "2 mL/h"),
            ("0.06 mg/kg/h", "0.3 mg/kg", "0.03 mg/kg/min", "0.12 mg/kg/h"),
        ),
    ],
)
def test_volumes_of_a_bag_are_masses_of_its_drug_to_the_bit(bag, volumes, masses) -> None:
    """Red when a volume is rounded on the way, a key is left out, or the strength counts another mass than the rates."""
    text = (
        "salt: hydrochloride, sessions: [{at: 0 h, rate: %s, for: 72 h}, {at: 80 h, dose: %s, for: 1 h}, "
        "{at: 80 h, push: %s}], titration: {every: 6 h, step: %s, max: %s}"
    )
    by_volume, by_mass = (
        loads(HEAD + f"arms: {{a: {{drug: racemic, {more}{text % (rate, dose, dose, step, most)}}}}}").arm("a")
        for more, (rate, dose, most, step) in ((f"bag: {bag}, ", volumes), ("", masses))
    )
    assert (by_volume.regimen, by_volume.policy) == (by_mass.regimen, by_mass.policy)
    scenario = loads(
        HEAD + f"arms: {{a: {{drug: racemic, bag: {bag}, {text % (*volumes[:2], *volumes[1:2], *volumes[3:1:-1])}}}}}"
    )
    assert loads(dumps(scenario)) == replace(scenario, warnings=())


def test_an_arm_like_another_equals_its_text_with_the_changes() -> None:
    """Red when a change reaches the arm that it starts from, a list is merged, or a removed key stays."""
    rules = (
        "titration: {every: 6 h, step: %s, max: 40 mg/h}, boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h}}"
    )
    base = (
        f"{{drug: racemic, salt: hydrochloride, sessions: [{{at: 0 h, {FIVE}, {{at: 9 h, {FIVE}], {rules % '5 mg/h'}}}"
    )
    changes = "{like: slow, sessions: [{at: 2 h, dose: 9 mg, for: 1 h}], boosters: none}"
    text = f"arms: {{a: {base}, slow: {{like: a, titration: {{step: 2.5 mg/h}}}}, b: {changes}, p: {{drug: placebo, like: b}}}}"
    arms = {arm.name: arm for arm in loads(HEAD + text).arms}
    slow = base.replace("step: 5 mg/h", "step: 2.5 mg/h")
    bare = "{drug: racemic, salt: hydrochloride, sessions: [{at: 2 h, dose: 9 mg, for: 1 h}], "
    bare += (rules % "2.5 mg/h").partition(", boosters")[0] + "}"
    copied = loads(HEAD + f"arms: {{a: {base}, slow: {slow}, b: {bare}, p: {{drug: placebo, like: b}}}}")
    assert arms == {arm.name: arm for arm in copied.arms}


def test_a_push_neither_overlaps_nor_counts_for_the_limit_of_rates() -> None:
    push = sessions("{at: 2 h, push: 0.35 mg/kg, over: 90 s}", "{at: 0 h, rate: 20 mg/kg/h, for: 4 h}")
    assert [infusion.is_push for infusion in push.regimen.infusions] == [False, True]
    assert push.regimen.schedule().dose_mg(80.0) == pytest.approx(80 * (80 + 0.35), rel=1e-12)
    scenario = loads(HEAD + f"arms: {{a: {{drug: racemic, sessions: [{{at: 0 h, {FIVE}, {{at: 0 h, push: 20 mg}}]}}}}")
    assert scenario.warnings == () and "push: 20 mg, over: 1 min" in dumps(scenario)
