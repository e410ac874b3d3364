"""Malformed scenarios: each is refused with one sentence that names file, line and field, and the remedy.

The oracle is the sentence itself, in full: what a person reads is part of what a scenario file promises.
"""

import time
from pathlib import Path

import pytest
from conftest import HEAVY

from letheon.errors import InputError
from letheon.scenario import load, loads

POPULATION = "{n: 50, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2.0}"
SESSION = "{at: day 1, rate: 0.35 mg/kg/h, max: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 2}}"
GOOD = f"""letheon: 1
title: test
population: {POPULATION}
follow_up: 4 weeks
seed: 1
models: {{pk: auto}}
arms:
  ketamine:
    drug: racemic
    sessions:
      - {SESSION}
  placebo: {{drug: placebo, like: ketamine}}
"""


def refusal_of(text: str) -> str:
    with pytest.raises(InputError) as refusal:
        loads(text, "s.yaml")
    return str(refusal.value)


# what stands in GOOD, what takes its place, the refusal
# fmt: off
CASES = [
    # what YAML allows and a scenario does not
    ('    drug: racemic', '\tdrug: racemic', 'line 9: there is a tab where YAML needs spaces; indent with spaces.'),
    ('like: ketamine}\n', 'like: ketamine}\n---\nletheon: 1\n', 'line 13: a second document begins here; a file holds one scenario, so remove the --- or ... .'),
    ('letheon: 1\n', '%YAML 1.1\n---\nletheon: 1\n', 'line 1: there is a YAML directive (%); remove it, scenarios are read as YAML 1.2.'),
    ('title: test', 'title: &t test', 'line 2: there is an anchor, &t; remove it and write each value out.'),
    ('seed: 1', 'seed: *t', 'line 5: there is an alias, *t; write the value itself.'),
    ('seed: 1', 'seed: !python/object 1', 'line 5: there is a tag, !python/object; remove it, the unit gives the type of a value.'),
    ('seed: 1', '<<: {seed: 1}', 'line 5: merge keys (<<) are not supported; write each entry out.'),
    ('seed: 1', 'seed: 1\nseed: 2', 'line 6: the key "seed" is given twice, first on line 5; keep one.'),
    ('placebo: {drug: placebo, like: ketamine}', 'ketamine: {drug: racemic}', 'line 12, arms: the key "ketamine" is given twice, first on line 8; keep one.'),
    ('seed: 1', '? {a: b}\n: 1', 'line 5: a key here is itself a map or a list; keys are plain words, e.g. drug.'),
    ('title: test', 'title: [[[[[[[[[[[[', 'line 2: brackets or maps are nested over 10 deep; a scenario needs six levels.'),
    ('title: test', 'title: CRPS: a test', 'line 2: this is not valid YAML (a second colon on the line, or a wrong indentation above); check the indentation, brackets and quotes here and just above.'),
    ('title: test', 'title: "\\UFFFFFFFF"', 'line 2: the YAML reader cannot read an escape such as \\U; write the character itself.'),
    ('title: test', 'title: te\x00st', 'line 2: there is a NUL byte; save the file as plain UTF-8 text.'),
    # the top of the file
    ('letheon: 1\n', '', 'line 1: the key "letheon" is missing, found "title", "population", "follow_up"; begin with the format version, letheon: 1.'),
    ('letheon: 1', 'letheon: 2', 'line 1, letheon: "2" is not a format version that this Letheon reads; write letheon: 1.'),
    ('seed: 1', 'seeed: 1', 'line 5: "seeed" is not a known key here; write seed if you meant that.'),
    ('seed: 1', 'boosters: {on: relapse}', 'line 5: boosters belongs in an arm, next to its sessions; write e.g. arms: {ketamine: {drug: racemic, sessions: [...], boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h}, at_most: 6 per year}}}.'),
    ('title: test\n', '', 'line 1: the key "title" is missing; write e.g. title: "one infusion in CRPS".'),
    ('title: test', 'title: ' + 'x' * 201, 'line 2, title: the title has 201 characters; write at most 200.'),
    ('title: test', 'title: "a\\u202eb"', 'line 2, title: the title "a\\u202eb" has a line break or an invisible character; write one line of text.'),
    ('4 weeks', '12', 'line 4, follow_up: "12" has no unit; write e.g. 12 weeks or 12 h.'),
    ('4 weeks', '1 h', 'line 4, follow_up: "1 h" is outside 1 day to 10 years; write e.g. follow_up: 12 weeks.'),
    ('4 weeks', '11 years', 'line 4, follow_up: "11 years" is outside 1 day to 10 years; write e.g. follow_up: 12 weeks.'),
    ('4 weeks', '4 weeks ± 1', 'line 4, follow_up: "4 weeks ± 1" has a spread, which a time cannot have; write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.'),
    ('4 weeks', '1e300 weeks', 'line 4, follow_up: "1e300 weeks" is longer than any scenario can run (10 years); write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.'),
    ('seed: 1', 'seed: -1', 'line 5, seed: "-1" is outside 0 to 9223372036854775807; write e.g. 1.'),
    ('seed: 1', 'seed: 9223372036854775808', 'line 5, seed: "9223372036854775808" is outside 0 to 9223372036854775807; write e.g. 1.'),
    # what is compared
    ('seed: 1', 'compare: {against: ketamin}', 'line 5, compare.against: "ketamin" is not an arm here; write ketamine if you meant that.'),
    ('seed: 1', 'compare: {against: ward}', 'line 5, compare.against: "ward" is not an arm here; write one of ketamine, placebo.'),
    ('seed: 1', 'compare: placebo', 'line 5, compare: expected a map, found "placebo"; write e.g. {against: placebo}.'),
    ('  placebo: {drug: placebo, like: ketamine}\n', 'compare: {against: ketamine}\n', 'line 12, compare.against: ketamine is the only arm, so there is none to compare with it; add another arm.'),
    ('  placebo: {drug: placebo, like: ketamine}\n', 'compare: {against: placebo}\n', 'line 12, compare.against: there is no placebo arm here; add an arm such as sham: {drug: placebo, like: ketamine}.'),
    ('like: ketamine}\n', 'like: ketamine}\n  sham: {drug: placebo, like: ketamine}\ncompare: {against: placebo}\n', 'line 14, compare.against: arm ketamine has several placebo arms (placebo, sham); write the name of one, or keep only one of them.'),
    # population
    (POPULATION, '50', 'line 3, population: expected a map, found "50"; write e.g. {n: 1000, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2.0}.'),
    (" " + POPULATION, '', 'line 3, population: expected a map, found nothing; write e.g. {n: 1000, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2.0}.'),
    ('n: 50', 'n: 0', 'line 3, population.n: "0" is outside 1 to 10000000; write e.g. 1000.'),
    ('n: 50', 'n: 1_000', 'line 3, population.n: "1_000" is not a whole number in plain digits; write e.g. 1000.'),
    ('n: 50', 'n: １０００', 'line 3, population.n: "１０００" is not a whole number in plain digits; write e.g. 1000.'),
    ('n: 50', 'n: ' + '0' * 5000 + '1_0', 'line 3, population.n: "000000000000000000000000000000000000000000000000000000000..." is not a whole number in plain digits; write e.g. 1000.'),
    ('n: 50', 'n: [1]', 'line 3, population.n: expected one value, found a list; write e.g. 1000.'),
    ('79 ± 19 kg', '79', 'line 3, population.weight: "79" has no unit; write e.g. 79 ± 19 kg.'),
    ('79 ± 19 kg', '25 ± 5 kg', 'line 3, population.weight: the mean in "25 ± 5 kg" is outside 30 to 200 kg; write e.g. 79 ± 19 kg.'),
    ('79 ± 19 kg', '79,5 ± 19 kg', 'line 3, population: "5 ± 19 kg" stands alone after a comma, but inside { } a comma ends an entry; write 79.5 ± 19 kg with a decimal point.'),
    ('79 ± 19 kg', '1e400 kg', 'line 3, population.weight: "1e400" is too large a number; write e.g. 79 ± 19 kg.'),
    ('7.3 ± 2.0', '11', 'line 3, population.baseline_nrs: the mean in "11" is outside 4 to 10; write e.g. 7.3 ± 2.0.'),
    ('n: 50', 'n: 50, age: 3 years', 'line 3, population.age: the mean in "3 years" is outside 18 to 100 years, since only adults are modelled: no data here tell how children take up or bear the drug; write e.g. 46 ± 12 years.'),
    ('n: 50', 'n: 50, asian: 1.5', 'line 3, population.asian: "1.5" is outside 0 to 1; write e.g. 0.2.'),
    ('n: 50', 'n: 50, urine: 1.6 L', 'line 3, population.urine: "1.6 L" is not a flow of urine, because its unit is L; write e.g. 1.6 L/day.'),
    ('n: 50', 'n: 50, urine: 40 L/day', 'line 3, population.urine: "40 L/day" is outside 0.3 to 15 L/day; write e.g. 1.6 L/day.'),
    # models
    ('{pk: auto}', '{pk: otto2021}', 'line 6, models.pk: otto2021 describes esketamine only, and arm ketamine gives racemic; write pk: auto, clements1981, domino1982, hijazi2003, kamp2020 or pair.'),
    ('{pk: auto}', '{expectancy: 5 NRS}', 'line 6, models.expectancy: "5 NRS" is outside 0 to 3; write e.g. 0.5 NRS.'),
    ('{pk: auto}', '{norketamine: 2}', 'line 6, models.norketamine: "2" is outside -1 to 1; write e.g. -0.2.'),
    # endpoints
    ('seed: 1', 'endpoints: {days: [0]}', 'line 5, endpoints.days[1]: "0" is outside 1 to 3650; write e.g. days: [5, 38].'),
    ('seed: 1', 'endpoints: {days: [5, 29]}', 'line 5, endpoints.days[2]: day 29 is after day 28, on which the follow-up ends; write a day from 1 to 28.'),
    ('seed: 1', 'endpoints: {days: [38.5]}', 'line 5, endpoints.days[1]: "38.5" is not a whole number in plain digits; write e.g. days: [5, 38].'),
    ('seed: 1', 'endpoints: {days: [5, 6, 5]}', 'line 5, endpoints.days[3]: 5 is given twice; keep one.'),
    ('seed: 1', 'endpoints: {days: 5}', 'line 5, endpoints.days: expected a list, found "5"; write e.g. days: [5, 38].'),
    ('seed: 1', f'endpoints: {{days: {[*range(1, 29), *range(101, 180)]}}}', 'line 5, endpoints.days: there are 107 values; write at most 100.'),
    ('seed: 1', 'endpoints: {responders: [0 %]}', 'line 5, endpoints.responders[1]: "0 %" is not above 0 and at most 100 %; write e.g. responders: [20 %, 3 points].'),
    ('seed: 1', 'endpoints: {responders: [120 %]}', 'line 5, endpoints.responders[1]: "120 %" is not above 0 and at most 100 %; write e.g. responders: [20 %, 3 points].'),
    ('seed: 1', 'endpoints: {responders: [11 points]}', 'line 5, endpoints.responders[1]: "11 points" is not above 0 and at most 10 points; write e.g. responders: [20 %, 3 points].'),
    ('seed: 1', 'endpoints: {responders: [2 apples]}', 'line 5, endpoints.responders[1]: "2 apples" is neither a percentage nor a number of points; write e.g. responders: [20 %, 3 points].'),
    ('seed: 1', 'endpoints: {responders: [20]}', 'line 5, endpoints.responders[1]: "20" is neither a percentage nor a number of points; write e.g. responders: [20 %, 3 points].'),
    ('seed: 1', 'endpoints: {responders: [33.33 %]}', 'line 5, endpoints.responders[1]: "33.33 %" has more than one decimal; write e.g. responders: [20 %, 3 points].'),
    ('seed: 1', 'endpoints: {responders: [20 %, 20.0%]}', 'line 5, endpoints.responders[2]: 20 % is given twice; keep one.'),
    ('seed: 1', 'endpoints: {above: [0 ng/mL]}', 'line 5, endpoints.above[1]: "0 ng/mL" is not above 0, at most 100000 ng/mL, one decimal; write e.g. above: [100 ng/mL, 200 ng/mL].'),
    ('seed: 1', 'endpoints: {above: [100]}', 'line 5, endpoints.above[1]: "100" has no unit; write e.g. 100 ng/mL.'),
    ('seed: 1', 'endpoints: {above: [5 mg/mL]}', 'line 5, endpoints.above[1]: "5 mg/mL" is not a level in plasma, because its unit is mg/mL; write e.g. 100 ng/mL.'),
    ('seed: 1', 'endpoints: {above: [100 ng/mL, 100 µg/L]}', 'line 5, endpoints.above[2]: 100 ng/mL is given twice; keep one.'),
    ('seed: 1', 'endpoints: {exposure: auc}', 'line 5, endpoints.exposure: "auc" is neither on nor off; write on or off.'),
    ('seed: 1', 'endpoints: {day: [5]}', 'line 5, endpoints: "day" is not a known key here; write days if you meant that.'),
    # arms
    ('arms:\n  ketamine:\n    drug: racemic\n    sessions:\n      - ' + SESSION + '\n  placebo: {drug: placebo, like: ketamine}', 'arms: {}', 'line 7, arms: there are 0 arms; write 1 to 16.'),
    ('arms:\n  ketamine:\n    drug: racemic\n    sessions:\n      - ' + SESSION + '\n  placebo: {drug: placebo, like: ketamine}', 'arms: {placebo: {drug: placebo, like: placebo}}', 'line 7, arms.placebo.like: "placebo" is not an arm that gives a drug; add such an arm, e.g. ketamine: {drug: racemic, sessions: [{at: day 1, rate: 25 mg/h, for: 4 h}]}.'),
    ('  ketamine:', '  Ketamine:', 'line 8, arms: "Ketamine" cannot name an arm; use a to z, 0 to 9 and _, begin with a letter, at most 40 characters, e.g. high_dose.'),
    ('    drug: racemic\n', '', 'line 9, arms.ketamine: the key "drug" is missing; write e.g. drug: racemic.'),
    ('drug: racemic', 'drug: ketamine', 'line 9, arms.ketamine.drug: "ketamine" does not say which form; write racemic for the usual mixture, or esketamine or arketamine for one enantiomer.'),
    ('    drug: racemic\n', '    drug: racemic\n    salt: sulfate\n', 'line 10, arms.ketamine.salt: "sulfate" is not a known value here; write one of base, hydrochloride.'),
    ('    drug: racemic\n', '    drug: racemic\n    like: placebo\n', 'line 10, arms.ketamine.like: "placebo" is a placebo arm; start from an arm that gives a drug, or write drug: placebo too.'),
    ('  placebo: {drug: placebo, like: ketamine}', '  one: {like: two}\n  two: {like: one}', 'line 13, arms.two.like: these arms start from each other in a circle; write one of them without like.'),
    ('    drug: racemic\n', '    drug: racemic\n    bag: 0 mg/mL\n', 'line 10, arms.ketamine.bag: "0 mg/mL" is not a strength above 0 and at most 200 mg/mL; write e.g. bag: 5 mg/mL.'),
    ('    drug: racemic\n', '    drug: racemic\n    bag: 5\n', 'line 10, arms.ketamine.bag: "5" has no unit; write e.g. 5 mg/mL.'),
    ('    drug: racemic\n', '    drug: racemic\n    bag: 5 mg in 0 mL\n', 'line 10, arms.ketamine.bag: "0 mL" holds nothing; write e.g. 100 mg in 50 mL.'),
    ('    drug: racemic\n', '    drug: racemic\n    bag: 5 mg/h in 50 mL\n', 'line 10, arms.ketamine.bag: "5 mg/h" is a rate, not a dose; write rate: 5 mg/h in place of dose.'),
    ('  placebo: {drug: placebo, like: ketamine}', '  other: {like: ketamin}', 'line 12, arms.other.like: "ketamin" is not an arm of this file; write like: ketamine.'),
    ('like: ketamine}', 'like: ketamine}\n  other: {like: placebo}', 'line 13, arms.other.like: "placebo" is a placebo arm; start from an arm that gives a drug, or write drug: placebo too.'),
    ('  placebo: {drug: placebo, like: ketamine}', '  other: {like: ketamine, boosters: none}', 'line 12, arms.other.boosters: the arm that this one is like has no boosters to remove; leave this key out.'),
    ('rate: 0.35 mg/kg/h', 'ramp: {from: 10 mg/h, to: 42 mg/h, step: 5 mg/h, every: 10 min}', 'line 11, arms.ketamine.sessions[1].ramp: from 10 to 42 mg/h is not a whole number of steps of 5; write another step.'),
    ('rate: 0.35 mg/kg/h', 'ramp: {from: 10 mg/h, to: 40 mg/h, step: 5 mg/h, every: 1 h}', 'line 11, arms.ketamine.sessions[1].ramp: the ramp reaches its last rate after 6 h, but the session ends after 4 h; write a longer for, a larger step, or a shorter every.'),
    ('rate: 0.35 mg/kg/h', 'ramp: {from: 10 mg/h, to: 40 mg/h, step: 1 mg/kg/h, every: 1 h}', 'line 11, arms.ketamine.sessions[1].ramp: from, to and step have different units (mg/h, mg/h, mg/kg/h); write all in one unit.'),
    ('rate: 0.35 mg/kg/h', 'rate: 1 mg/h, ramp: {from: 10 mg/h, to: 40 mg/h, step: 5 mg/h, every: 1 h}', 'line 11, arms.ketamine.sessions[1].rate: rate cannot be combined with ramp; keep one of them.'),
    ('every: 1 day, times: 2', 'times: 2', 'line 11, arms.ketamine.sessions[1].repeat: neither every nor on is given; write one: every: 1 day, or on: [Mon, Tue, Wed, Thu, Fri].'),
    ('every: 1 day, times: 2', 'every: 1 day, on: [Mon], times: 2', 'line 11, arms.ketamine.sessions[1].repeat: both every and on are given; keep one: every: 1 day, or on: [Mon, Tue, Wed, Thu, Fri].'),
    ('every: 1 day, times: 2', 'on: [Monday], times: 2', 'line 11, arms.ketamine.sessions[1].repeat.on[1]: "Monday" is not a known value here; write one of Mon, Tue, Wed, Thu, Fri, Sat, Sun.'),
    ('seed: 1', 'day_1: Someday', 'line 5, day_1: "Someday" is not a known value here; write one of Mon, Tue, Wed, Thu, Fri, Sat, Sun.'),
    ('like: ketamine', 'like: placebo', 'line 12, arms.placebo.like: "placebo" is not another arm that gives a drug; write like: ketamine.'),
    ('like: ketamine', 'like: ketamine, sessions: []', 'line 12, arms.placebo.sessions: a placebo arm copies the sessions of another arm; write like: ketamine and leave sessions out.'),
    ('\n      - ' + SESSION, ' []', 'line 10, arms.ketamine.sessions: the list is empty; write at least one entry, e.g. - {at: day 1, rate: 25 mg/h, for: 4 h}.'),
    ('\n      - ' + SESSION, ' ' + SESSION, 'line 10, arms.ketamine.sessions: expected a list, found a map; write e.g. - {at: day 1, rate: 25 mg/h, for: 4 h}.'),
    (SESSION, 'day 1', 'line 11, arms.ketamine.sessions[1]: expected a map, found "day 1"; write e.g. {at: day 1, rate: 25 mg/h, for: 4 h}.'),
    # sessions
    (SESSION, '{at: day 1, for: 4 h}', 'line 11, arms.ketamine.sessions[1]: neither rate nor dose is given; write e.g. rate: 25 mg/h, or dose: 100 mg.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, dose: 5 mg, for: 4 h}', 'line 11, arms.ketamine.sessions[1].dose: both rate and dose are given; keep one of them.'),
    (SESSION, '{at: day 1, rate: 5, for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: "5" has no unit; write e.g. 5 mg/h or 0.1 mg/kg/h.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 4}', 'line 11, arms.ketamine.sessions[1].for: "4" has no unit; write e.g. 4 h or 4 min.'),
    (SESSION, '{at day 1, rate: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1]: "at day 1" has no colon followed by a space; write at: day 1.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 0 h}', 'line 11, arms.ketamine.sessions[1].for: "0 h" is not a length of time above 0; write e.g. for: 4 h.'),
    (SESSION, '{at: -1 h, rate: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].at: "-1 h" is before the origin; write a time from 0 h on, e.g. at: 0 h or at: day 1.'),
    (SESSION, '{at: day 0, rate: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].at: "day 0" is not a day; days are whole numbers from 1, so write e.g. day 1 or 12 h.'),
    (SESSION, '{at: day 29, rate: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].at: the session begins at 672 h, but the follow-up ends at 672 h; begin it earlier, or write a longer follow_up.'),
    (SESSION, '{at: day 28, rate: 5 mg/h, for: 25 h}', 'line 11, arms.ketamine.sessions[1]: the session ends at 673 h, after the follow-up ends at 672 h; shorten it, or write follow_up: 673 h or longer.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 4 h, repeat: {every: 1 week, times: 5}}', 'line 11, arms.ketamine.sessions[1].repeat: the last repeat ends at 676 h, after the follow-up ends at 672 h; shorten it, or write follow_up: 676 h or longer.'),
    (SESSION, '{at: day 1, rate: -5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: "-5 mg/h" is negative; write a rate of 0 or more, e.g. 5 mg/h.'),
    (SESSION, '{at: day 1, rate: 21 mg/kg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: "21 mg/kg/h" is 1470 mg/h at 70 kg, above the limit of 1400 mg/h (20 mg/kg/h); write a lower rate or a longer time.'),
    (SESSION, '{at: day 1, dose: 100 g, for: 4 h}', 'line 11, arms.ketamine.sessions[1].dose: "100 g" is 25000 mg/h at 70 kg, above the limit of 1400 mg/h (20 mg/kg/h); write a lower dose or a longer time.'),
    (SESSION, '{at: day 1, rate: 1e308 g/s, for: 1 s}', 'line 11, arms.ketamine.sessions[1].rate: "1e308 g/s" is too large a number; write one that a pump can run at, e.g. 20 mg/h.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, max: 0.5 mg/kg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].max: "0.5 mg/kg/h" depends on weight, and a ceiling does not; write e.g. max: 25 mg/h.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, max: 0 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].max: "0 mg/h" leaves nothing to infuse; write a ceiling above 0, e.g. max: 25 mg/h.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 4 h, repeat: {every: 0 h, times: 3}}', 'line 11, arms.ketamine.sessions[1].repeat.every: "0 h" is not above 0; write e.g. every: 1 day.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, duration: 4 h}', 'line 11, arms.ketamine.sessions[1]: "duration" is not a known key here; known keys are at, rate, dose, max, for, push, over, repeat, ramp, e.g. {at: day 1, rate: 25 mg/h, for: 4 h}.'),
    (SESSION, '{at: day 1, rate: 5 ± 1 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: "5 ± 1 mg/h" has a spread, which a rate cannot have; write e.g. 5 mg/h, 0.1 mg/kg/h, 5 µg/kg/min or 10 mg/h/70kg.'),
    (SESSION, '{at: day 1, rate: 300 mg/h, for: 5 h, repeat: {every: 1 h, times: 10}}', 'line 11, arms.ketamine.sessions: overlapping sessions add up to 1500 mg/h at 70 kg, above the limit of 1400 mg/h; move them apart or lower their rates.'),
]
# fmt: on


@pytest.mark.parametrize(("old", "new", "sentence"), CASES)
def test_refusal_names_place_and_remedy(old: str, new: str, sentence: str) -> None:
    assert GOOD.count(old) >= 1
    assert refusal_of(GOOD.replace(old, new, 1)) == f"s.yaml, {sentence}"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("kg, baseline_nrs: 7.3 ± 2.0}", "kg", 4), ("title: test", 'title: "test', 13),
        ("title: test", 'title: "\\q"', 2), ("title: test", "title: @home", 2), ("title: test", "title: [a}", 2),
    ],
)  # fmt: skip
def test_what_is_not_yaml_is_refused_with_its_line(old: str, new: str, line: int) -> None:
    # the words in brackets are those of the YAML reader, and may change with its version
    sentence = refusal_of(GOOD.replace(old, new, 1))
    assert sentence.startswith(f"s.yaml, line {line}: this is not valid YAML (")
    assert sentence.endswith("); check the indentation, brackets and quotes here and just above.")


@pytest.mark.parametrize(
    "text", ["", "# nothing but words\n\n", "~\n", "---\n", "\ufeff", "- 1\n- 2\n", "hello\n", "'quoted'", "[]"]
)
def test_a_scenario_is_a_map(text: str) -> None:
    empty = text[:1] in ("", "#", "~", "\ufeff") or text == "---\n"
    reason = "there is no scenario in the file" if empty else "a scenario is a map from keys to values"
    assert refusal_of(text) == f"s.yaml, line 1: {reason}; begin with a line letheon: 1."


def test_sizes_have_limits() -> None:
    """Red when 16 arms, 40 letters, 2000 infusions or 250 kB are refused, or one more is read."""
    head = GOOD[: GOOD.index("arms:")]
    arms = [f"  arm_{k}: {{drug: racemic, sessions: [{SESSION}]}}\n" for k in range(17)]
    assert len(loads(head + "arms:\n" + "".join(arms[:16])).arms) == 16
    assert refusal_of(head + "arms:\n" + "".join(arms)) == "s.yaml, line 8, arms: there are 17 arms; write 1 to 16."
    assert loads(GOOD.replace("ketamine", "k" * 40)).arms[0].name == "k" * 40
    assert f'arms: "{"k" * 41}" cannot name an arm; use a to z' in refusal_of(GOOD.replace("ketamine", "k" * 41))
    often = "{at: 0 h, rate: 1 mg/h, for: 10 s, repeat: {every: 1 min, times: 1500}}\n      - {at: 30 h, rate: 1 mg/h, "
    many = GOOD.replace(SESSION, often + "for: 10 s, repeat: {every: 1 min, times: TIMES}}")
    assert len(loads(many.replace("TIMES", "500")).arms[0].regimen.infusions) == 2000
    assert refusal_of(many.replace("TIMES", "501")) == (
        "s.yaml, line 12, arms.ketamine.sessions[2]: with this session the arm has 2001 infusions; "
        "write at most 2000, repeats counted, e.g. with longer infusions."
    )
    room = 250_000 - len(GOOD.encode())
    assert loads(GOOD + "#" * room).title == "test"
    large = "s.yaml: is larger than 250 kB; write many sessions with repeat: {every: 1 day, times: 10}."
    assert refusal_of(GOOD + "#" * (room + 1)) == large


@pytest.mark.parametrize(
    ("pk", "drug", "remedy"),
    [
        ("otto2021", "racemic", "write pk: auto, clements1981, domino1982, hijazi2003, kamp2020 or pair."),
        ("domino1982", "esketamine", "write pk: auto, kamp2020, otto2021, pair, perezruixo2021 or simons2022."),
        ("perezruixo2021", "arketamine", "write pk: auto, kamp2020 or pair."),
    ],
)
def test_a_model_must_describe_the_drug(pk: str, drug: str, remedy: str) -> None:
    sentence = refusal_of(GOOD.replace("pk: auto", f"pk: {pk}").replace("drug: racemic", f"drug: {drug}"))
    assert sentence.startswith(f"s.yaml, line 6, models.pk: {pk} describes ")
    assert sentence.endswith(f" only, and arm ketamine gives {drug}; {remedy}")


def test_thousands_of_leading_zeros_are_a_number() -> None:
    zeros = "0" * 5000
    scenario = loads(GOOD.replace("n: 50", f"n: {zeros}50").replace("seed: 1", f"seed: {zeros}7"))
    assert (scenario.population.n, scenario.seed) == (50, 7)
    rule = f"boosters: {{on: relapse, session: {{rate: 5 mg/h, for: 1 h}}, at_most: {zeros}6 per year}}"
    assert loads(GOOD.replace("drug: racemic", f"drug: racemic\n    {rule}")).arms[0].policy.boosters.at_most == 6


LARGE = {
    "list": "title: [" + "1," * 120_000 + "]",
    "map": "title: {" + ",".join(f"{k}: 1" for k in range(25_000)) + "}",
    "block list": "title:\n" + "- 1\n" * 60_000,
    "block map": "".join(f"k{k}: 1\n" for k in range(25_000)),
    "sessions": "arms:\n  a:\n    sessions:\n" + "      - {at: 0 h, rate: 5 mg/h, for: 1 h}\n" * 5_000,
    "directives": "%a\n" * 80_000,
    "lines": "title: " + "x\n " * 80_000,
    "blank": "\n" * 249_000,
    "million": GOOD + "a: b\n" * 200_000,
    "key": "k" * 249_000 + ": 1",
    **{f"nested {part}": GOOD.replace("test", f"\n  {part * 60_000}") for part in ("[", "{a: ", "- ", "? ")},
}


@pytest.mark.parametrize("kind", LARGE)
def test_large_and_deep_texts_are_refused_within_a_second(kind: str) -> None:
    began = time.process_time()
    assert len(refusal_of(LARGE[kind])) < 500
    assert time.process_time() - began < 2.0  # a second on an idle machine


def test_files_that_are_not_utf_8_or_too_large(tmp_path: Path) -> None:
    utf_16 = "s.yaml, line 1: the text is UTF-16; save the file as UTF-8."
    for content, sentence in (
        (GOOD.encode("utf-16"), utf_16),
        (b"\xfe\xff" + GOOD.encode("utf-16-be"), utf_16),
        (GOOD.encode("utf-16-le"), "s.yaml, line 1: there is a NUL byte; save the file as plain UTF-8 text."),
        (GOOD.encode("latin-1"), "s.yaml, line 3: the byte 0xb1 is not UTF-8; save the file as UTF-8."),
        (GOOD.encode() + b"#" * 250_000, "s.yaml: is larger than 250 kB; write many sessions with repeat: "),
    ):
        path = tmp_path / "s.yaml"
        path.write_bytes(content)
        with pytest.raises(InputError) as refusal:
            load(path)
        assert str(refusal.value).replace(str(path), "s.yaml").startswith(sentence)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    unreadable = "; give the path of a scenario file you may read."
    below_a_file = str(Path(__file__) / "s.yaml")
    for path, start, end in (
        (str(tmp_path / "none.yaml"), ": there is no such file", "; give the path of a scenario file."),
        (str(tmp_path), ": is a folder", "; give the path of a scenario file inside it."),
        (below_a_file, ": cannot be read (", unreadable),
        ("/dev/null", ": is a device or a pipe", "; give the path of a scenario file."),
        ("a\0b", "", f"cannot be read (the path is not valid){unreadable}"),
    ):
        with pytest.raises(InputError) as refusal:
            load(path)
        sentence = str(refusal.value)
        assert sentence.startswith(path + start if start else "") and sentence.endswith(end)


def test_a_refusal_loads_nothing_heavy(fresh_python, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(GOOD.replace("seed: 1", "seed: one"), encoding="utf-8")
    process = fresh_python(
        "import sys, letheon\n"
        "from letheon.errors import InputError\n"
        "try:\n    letheon.load(sys.argv[1])\n"
        "except InputError as error:\n    print(error.exit_code, *sys.modules)\n",
        str(path),
    )
    assert process.returncode == 0, process.stderr
    code, *modules = process.stdout.split()
    assert code == "2" and "letheon.scenario.reading" in modules
    assert not HEAVY & {name.split(".")[0] for name in modules}
