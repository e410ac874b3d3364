"""Malformed scenarios: each is refused with one sentence that names file, line and field, and the remedy.

The oracle is the sentence itself, in full: what a person reads is part of what a scenario file promises.
"""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letheon.errors import InputError
from letheon.scenario import Scenario, load, loads

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


def test_the_scenario_that_all_cases_spoil_is_good() -> None:
    assert [arm.name for arm in loads(GOOD).arms] == ["ketamine", "placebo"]


# what stands in GOOD, what takes its place, the refusal
# fmt: off
CASES = [
    # what YAML allows and a scenario does not
    ('    drug: racemic', '\tdrug: racemic', 'line 9: there is a tab where YAML needs spaces; indent with spaces.'),
    ('like: ketamine}\n', 'like: ketamine}\n---\nletheon: 1\n', 'line 13: a second document begins here; a file holds one scenario, so remove the --- or ... .'),
    ('letheon: 1\n', '%YAML 1.1\n---\nletheon: 1\n', 'line 1: there is a YAML directive (%); remove it, scenarios are read as YAML 1.2.'),
    ('title: test', 'title: &t test', 'line 2: there is an anchor, &t; remove it and write each value out.'),
    ('seed: 1', 'seed: *t', 'line 5: there is an alias, *t; write the value itself.'),
    ('seed: 1', 'seed: !!int 1', 'line 5: there is a tag, tag:yaml.org,2002:int; remove it, the unit gives the type of a value.'),
    ('seed: 1', 'seed: !python/object 1', 'line 5: there is a tag, !python/object; remove it, the unit gives the type of a value.'),
    ('seed: 1', '<<: {seed: 1}', 'line 5: merge keys (<<) are not supported; write each entry out.'),
    ('seed: 1', 'seed: 1\nseed: 2', 'line 6: the key "seed" is given twice, first on line 5; keep one.'),
    ('placebo: {drug: placebo, like: ketamine}', 'ketamine: {drug: racemic}', 'line 12, arms: the key "ketamine" is given twice, first on line 8; keep one.'),
    ('seed: 1', '? {a: b}\n: 1', 'line 5: a key here is itself a map or a list; keys are plain words, e.g. drug.'),
    ('title: test', 'title: [[[[[[[[[[[[', 'line 2: brackets or maps are nested over 10 deep; a scenario needs six levels.'),
    ('title: test', 'title: CRPS: a test', 'line 2: this is not valid YAML (a second colon on the line, or a wrong indentation above); check the indentation, brackets and quotes here and just above.'),
    ('title: test', 'title: "\\UFFFFFFFF"', 'line 2: the YAML reader cannot read an escape such as \\U; write the character itself.'),
    ('title: test', 'title: te\x00st', 'line 2: there is a NUL byte; save the file as plain UTF-8 text.'),
    ('title: test', 'title: te\x07st', 'line 2: there is a control character in the text; remove it, and save as plain UTF-8.'),
    ('title: test', 'title: te\ud800st', 'line 2: there is a control character in the text; remove it, and save as plain UTF-8.'),
    # the top of the file
    ('letheon: 1\n', '', 'line 1: the key "letheon" is missing, found "title", "population", "follow_up"; begin with the format version, letheon: 1.'),
    ('letheon: 1', 'letheon: 2', 'line 1, letheon: "2" is not a format version that this Letheon reads; write letheon: 1.'),
    ('letheon: 1', 'letheon: 1.0', 'line 1, letheon: "1.0" is not a format version that this Letheon reads; write letheon: 1.'),
    ('letheon: 1', 'letheon:', 'line 1, letheon: nothing is written here; write e.g. letheon: 1.'),
    ('seed: 1', 'seeed: 1', 'line 5: "seeed" is not a known key here; write seed if you meant that.'),
    ('seed: 1', 'zebra: 1', 'line 5: "zebra" is not a known key here; known keys are letheon, title, population, follow_up, seed, models, arms, optimise, e.g. title: my scenario.'),
    ('seed: 1', 'boosters: {on: relapse}', 'line 5: boosters belongs in an arm, next to its sessions; write e.g. arms: {ketamine: {drug: racemic, sessions: [...], boosters: {on: relapse, session: {rate: 25 mg/h, for: 4 h}, at_most: 6 per year}}}.'),
    ('title: test\n', '', 'line 1: the key "title" is missing; write e.g. title: "one infusion in CRPS".'),
    ('title: test', 'title:', 'line 2, title: nothing is written here; write e.g. title: "one infusion in CRPS".'),
    ('title: test', 'title: ' + 'x' * 201, 'line 2, title: the title has 201 characters; write at most 200.'),
    ('title: test', 'title: "a\\nb"', 'line 2, title: the title "a\\nb" has a line break or an invisible character; write one line of text.'),
    ('title: test', 'title: "a\\u202eb"', 'line 2, title: the title "a\\u202eb" has a line break or an invisible character; write one line of text.'),
    ('title: test', 'title: [a]', 'line 2, title: expected one value, found a list; write e.g. title: "one infusion in CRPS".'),
    ('follow_up: 4 weeks\n', '', 'line 1: the key "follow_up" is missing; write e.g. follow_up: 12 weeks.'),
    ('4 weeks', '12', 'line 4, follow_up: "12" has no unit; write e.g. 12 weeks or 12 h.'),
    ('4 weeks', '1 h', 'line 4, follow_up: "1 h" is outside 1 day to 10 years; write e.g. follow_up: 12 weeks.'),
    ('4 weeks', '11 years', 'line 4, follow_up: "11 years" is outside 1 day to 10 years; write e.g. follow_up: 12 weeks.'),
    ('4 weeks', '-4 weeks', 'line 4, follow_up: "-4 weeks" is outside 1 day to 10 years; write e.g. follow_up: 12 weeks.'),
    ('4 weeks', '4 weeks ± 1', 'line 4, follow_up: "4 weeks ± 1" has a spread, which a time cannot have; write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.'),
    ('4 weeks', 'forever', 'line 4, follow_up: "forever" does not start with a number; write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.'),
    ('4 weeks', '1e300 weeks', 'line 4, follow_up: "1e300 weeks" is longer than any scenario can run (10 years); write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.'),
    ('4 weeks', "4 week's", 'line 4, follow_up: "4 week\'s" has the unknown unit "week\'s"; write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.'),
    ('seed: 1', 'seed: -1', 'line 5, seed: "-1" is outside 0 to 9223372036854775807; write e.g. 1.'),
    ('seed: 1', 'seed: 9223372036854775808', 'line 5, seed: "9223372036854775808" is outside 0 to 9223372036854775807; write e.g. 1.'),
    ('seed: 1', 'seed: 1.5', 'line 5, seed: "1.5" is not a whole number in plain digits; write e.g. 1.'),
    ('seed: 1', 'seed: true', 'line 5, seed: "true" is not a whole number in plain digits; write e.g. 1.'),
    # population
    (POPULATION, '50', 'line 3, population: expected a map, found "50"; write e.g. {n: 1000, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2.0}.'),
    (POPULATION, '[50]', 'line 3, population: expected a map, found a list; write e.g. {n: 1000, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2.0}.'),
    (" " + POPULATION, '', 'line 3, population: expected a map, found nothing; write e.g. {n: 1000, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2.0}.'),
    ('n: 50', 'n: 0', 'line 3, population.n: "0" is outside 1 to 10000000; write e.g. 1000.'),
    ('n: 50', 'n: 1e12', 'line 3, population.n: "1e12" is not a whole number in plain digits; write e.g. 1000.'),
    ('n: 50', 'n: 1_000', 'line 3, population.n: "1_000" is not a whole number in plain digits; write e.g. 1000.'),
    ('n: 50', 'n: true', 'line 3, population.n: "true" is not a whole number in plain digits; write e.g. 1000.'),
    ('n: 50', 'n: １０００', 'line 3, population.n: "１０００" is not a whole number in plain digits; write e.g. 1000.'),
    ('n: 50', 'n: ' + '9' * 5000, 'line 3, population.n: "999999999999999999999999999999999999999999999999999999999..." is outside 1 to 10000000; write e.g. 1000.'),
    ('n: 50', 'n: ' + '0' * 5000 + '1_0', 'line 3, population.n: "000000000000000000000000000000000000000000000000000000000..." is not a whole number in plain digits; write e.g. 1000.'),
    ('n: 50', 'n: ５０', 'line 3, population.n: "５０" is not a whole number in plain digits; write e.g. 1000.'),
    ('n: 50', 'n: [1]', 'line 3, population.n: expected one value, found a list; write e.g. 1000.'),
    ('n: 50', 'n: ~', 'line 3, population.n: nothing is written here; write e.g. 1000.'),
    ('n: 50', 'size: 50', 'line 3, population: "size" is not a known key here; known keys are n, weight, baseline_nrs, age, asian, urine, e.g. {n: 1000, weight: 79 ± 19 kg, baseline_nrs: 7.3 ± 2.0}.'),
    ('79 ± 19 kg', '79', 'line 3, population.weight: "79" has no unit; write e.g. 79 ± 19 kg.'),
    ('79 ± 19 kg', '25 ± 5 kg', 'line 3, population.weight: the mean in "25 ± 5 kg" is outside 30 to 200 kg; write e.g. 79 ± 19 kg.'),
    ('79 ± 19 kg', '79 ± 100 kg', 'line 3, population.weight: the spread in "79 ± 100 kg" is outside 0 to 60 kg; write e.g. 79 ± 19 kg.'),
    ('79 ± 19 kg', '79,5 ± 19 kg', 'line 3, population: "5 ± 19 kg" stands alone after a comma, but inside { } a comma ends an entry; write decimals with a point, e.g. 79.5 ± 19 kg.'),
    ('79 ± 19 kg', "'79,5 ± 19 kg'", 'line 3, population.weight: "79,5 ± 19 kg" has a comma in its number; write 79.5 ± 19 kg with a decimal point.'),
    ('79 ± 19 kg', '174 lb', 'line 3, population.weight: "174 lb" has the unknown unit "lb"; write e.g. 79 ± 19 kg.'),
    ('79 ± 19 kg', 'nan kg', 'line 3, population.weight: "nan kg" does not start with a number; write e.g. 79 ± 19 kg.'),
    ('79 ± 19 kg', '1e400 kg', 'line 3, population.weight: "1e400" is too large a number; write e.g. 79 ± 19 kg.'),
    ('79 ± 19 kg', '79 h', 'line 3, population.weight: "79 h" has the unit h, which is not allowed here; write e.g. 79 ± 19 kg.'),
    ('7.3 ± 2.0', '11', 'line 3, population.baseline_nrs: the mean in "11" is outside 4 to 10; write e.g. 7.3 ± 2.0.'),
    ('7.3 ± 2.0', '7.3 mm', 'line 3, population.baseline_nrs: "7.3 mm" has the unknown unit "mm"; write e.g. 7.3 ± 2.0.'),
    ('n: 50', 'n: 50, age: 46 ± 12', 'line 3, population.age: "46 ± 12" has no unit; write e.g. 46 ± 12 years.'),
    ('n: 50', 'n: 50, age: 3 years', 'line 3, population.age: the mean in "3 years" is outside 18 to 100 years, since only adults are modelled: no data here tell how children take up or bear the drug; write e.g. 46 ± 12 years.'),
    ('n: 50', 'n: 50, asian: 30 %', 'line 3, population.asian: "30 %" has the unknown unit "%"; write e.g. 0.2.'),
    ('n: 50', 'n: 50, asian: 1.5', 'line 3, population.asian: "1.5" is outside 0 to 1; write e.g. 0.2.'),
    ('n: 50', 'n: 50, urine: 1.6', 'line 3, population.urine: "1.6" has no unit; write e.g. 1.6 L/day.'),
    ('n: 50', 'n: 50, urine: 1.6 L', 'line 3, population.urine: "1.6 L" is not a flow of urine, because its unit is L; write e.g. 1.6 L/day.'),
    ('n: 50', 'n: 50, urine: 40 L/day', 'line 3, population.urine: "40 L/day" is outside 0.3 to 15 L/day; write e.g. 1.6 L/day.'),
    ('n: 50', 'n: 50, urine: 1.6 ± 0.3 L/day', 'line 3, population.urine: "1.6 ± 0.3 L/day" has a spread, which one flow of urine cannot have; write e.g. 1.6 L/day.'),
    # models
    ('{pk: auto}', 'auto', 'line 6, models: expected a map, found "auto"; write e.g. {pk: auto, pain: memory, rival: on}.'),
    ('{pk: auto}', '{pk: otto}', 'line 6, models.pk: "otto" is not a known value here; write otto2021 if you meant that.'),
    ('{pk: auto}', '{pk: otto2021}', 'line 6, models.pk: otto2021 describes esketamine only, and arm ketamine gives racemic; write pk: auto, clements1981, domino1982, hijazi2003, kamp2020 or pair.'),
    ('{pk: auto}', '{pain: reboot}', 'line 6, models.pain: "reboot" is not a known value here; write one of memory, slow_site.'),
    ('{pk: auto}', '{rival: yes}', 'line 6, models.rival: "yes" is neither on nor off; write on or off.'),
    ('{pk: auto}', '{flares: }', 'line 6, models.flares: nothing is written here; write e.g. on.'),
    ('{pk: auto}', '{expectancy: 5 NRS}', 'line 6, models.expectancy: "5 NRS" is outside 0 to 3; write e.g. 0.5 NRS.'),
    ('{pk: auto}', '{norketamine: 2}', 'line 6, models.norketamine: "2" is outside -1 to 1; write e.g. -0.2.'),
    ('{pk: auto}', '{pd: memory}', 'line 6, models: "pd" is not a known key here; known keys are pk, pain, rival, flares, expectancy, norketamine, induction, occasions, borrow_variability, e.g. {pk: auto, pain: memory, rival: on}.'),
    # arms
    ('arms:\n  ketamine:\n    drug: racemic\n    sessions:\n      - ' + SESSION + '\n  placebo: {drug: placebo, like: ketamine}', 'arms: {}', 'line 7, arms: there are 0 arms; write 1 to 16.'),
    ('arms:\n  ketamine:\n    drug: racemic\n    sessions:\n      - ' + SESSION + '\n  placebo: {drug: placebo, like: ketamine}', 'arms: {placebo: {drug: placebo, like: placebo}}', 'line 7, arms.placebo.like: "placebo" is not an arm that gives a drug; add such an arm, e.g. ketamine: {drug: racemic, sessions: [{at: day 1, rate: 25 mg/h, for: 4 h}]}.'),
    ('  ketamine:', '  Ketamine:', 'line 8, arms: "Ketamine" cannot name an arm; use a to z, 0 to 9 and _, begin with a letter, at most 40 characters, e.g. high_dose.'),
    ('  ketamine:', '  kétamine:', 'line 8, arms: "kétamine" cannot name an arm; use a to z, 0 to 9 and _, begin with a letter, at most 40 characters, e.g. high_dose.'),
    ('  placebo: {drug: placebo, like: ketamine}', '  placebo:', 'line 12, arms.placebo: expected a map, found nothing; write e.g. {drug: racemic, sessions: [{at: day 1, rate: 25 mg/h, for: 4 h}]}.'),
    ('    drug: racemic\n', '', 'line 9, arms.ketamine: the key "drug" is missing; write e.g. drug: racemic.'),
    ('drug: racemic', 'drug: ketamine', 'line 9, arms.ketamine.drug: "ketamine" does not say which form; write racemic for the usual mixture, or esketamine or arketamine for one enantiomer.'),
    ('drug: racemic', 'drug: Esketamine', 'line 9, arms.ketamine.drug: "Esketamine" is not a known value here; write esketamine.'),
    ('    drug: racemic\n', '    drug: racemic\n    salt: sulfate\n', 'line 10, arms.ketamine.salt: "sulfate" is not a known value here; write one of base, hydrochloride.'),
    ('    drug: racemic\n', '    drug: racemic\n    like: placebo\n', 'line 10, arms.ketamine.like: only a placebo arm may use like, and this arm gives racemic; write its sessions out, or drug: placebo.'),
    ('like: ketamine', 'like: placebo', 'line 12, arms.placebo.like: "placebo" is not another arm that gives a drug; write like: ketamine.'),
    ('like: ketamine', 'like: ketamin', 'line 12, arms.placebo.like: "ketamin" is not another arm that gives a drug; write like: ketamine.'),
    (', like: ketamine', '', 'line 12, arms.placebo: the key "like" is missing; write e.g. like: ketamine.'),
    ('like: ketamine', 'like: ketamine, sessions: []', 'line 12, arms.placebo.sessions: a placebo arm copies the sessions of another arm; write like: ketamine and leave sessions out.'),
    ('\n      - ' + SESSION, ' []', 'line 10, arms.ketamine.sessions: the list is empty; write at least one entry, e.g. - {at: day 1, rate: 25 mg/h, for: 4 h}.'),
    ('    sessions:\n      - ' + SESSION + '\n', '', 'line 9, arms.ketamine: the key "sessions" is missing; write e.g. sessions: [{at: day 1, rate: 25 mg/h, for: 4 h}].'),
    ('\n      - ' + SESSION, ' ' + SESSION, 'line 10, arms.ketamine.sessions: expected a list, found a map; write e.g. - {at: day 1, rate: 25 mg/h, for: 4 h}.'),
    (SESSION, 'day 1', 'line 11, arms.ketamine.sessions[1]: expected a map, found "day 1"; write e.g. {at: day 1, rate: 25 mg/h, for: 4 h}.'),
    # sessions
    (SESSION, '{rate: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1]: the key "at" is missing; write e.g. at: day 1.'),
    (SESSION, '{at: day 1, for: 4 h}', 'line 11, arms.ketamine.sessions[1]: neither rate nor dose is given; write e.g. rate: 25 mg/h, or dose: 100 mg.'),
    (SESSION, '{at: day 1, rate: 5 mg/h}', 'line 11, arms.ketamine.sessions[1]: the key "for" is missing; write e.g. for: 4 h.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, dose: 5 mg, for: 4 h}', 'line 11, arms.ketamine.sessions[1].dose: both rate and dose are given; keep one of them.'),
    (SESSION, '{at: day 1, rate: 5, for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: "5" has no unit; write e.g. 5 mg/h or 0.1 mg/kg/h.'),
    (SESSION, '{at: day 1, rate: 0,35 mg/kg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1]: "35 mg/kg/h" stands alone after a comma, but inside { } a comma ends an entry; write decimals with a point, e.g. 0.35 mg/kg/h.'),
    (SESSION, "{at: day 1, rate: '0,35 mg/kg/h', for: 4 h}", 'line 11, arms.ketamine.sessions[1].rate: "0,35 mg/kg/h" has a comma in its number; write 0.35 mg/kg/h with a decimal point.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 4}', 'line 11, arms.ketamine.sessions[1].for: "4" has no unit; write e.g. 4 h or 4 min.'),
    (SESSION, '{at: 1, rate: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].at: "1" has no unit; write e.g. 1 h, or day 1.'),
    (SESSION, '{at day 1, rate: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1]: "at day 1" has no colon followed by a space; write at: day 1.'),
    (SESSION, '{at: day 1, rate:5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1]: "rate:5 mg/h" has no colon followed by a space; write rate: 5 mg/h.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 0 h}', 'line 11, arms.ketamine.sessions[1].for: "0 h" is not a length of time above 0; write e.g. for: 4 h.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: -4 h}', 'line 11, arms.ketamine.sessions[1].for: "-4 h" is not a length of time above 0; write e.g. for: 4 h.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 0.0001 s}', 'line 11, arms.ketamine.sessions[1].for: "0.0001 s" is not a length of time above 0; write e.g. for: 4 h.'),
    (SESSION, '{at: -1 h, rate: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].at: "-1 h" is before the origin; write a time from 0 h on, e.g. at: 0 h or at: day 1.'),
    (SESSION, '{at: day 0, rate: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].at: "day 0" is not a day; days are whole numbers from 1, so write e.g. day 1 or 12 h.'),
    (SESSION, '{at: 1:30, rate: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].at: "1:30" has the unknown unit ":30"; write e.g. 4 h, 1 h 30 min, 2 days or 12 weeks.'),
    (SESSION, '{at: day 29, rate: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].at: the session begins at 672 h, but the follow-up ends at 672 h; begin it earlier, or write a longer follow_up.'),
    (SESSION, '{at: day 28, rate: 5 mg/h, for: 25 h}', 'line 11, arms.ketamine.sessions[1]: the session ends at 673 h, after the follow-up ends at 672 h; shorten it, or write follow_up: 673 h or longer.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 4 h, repeat: {every: 1 week, times: 5}}', 'line 11, arms.ketamine.sessions[1].repeat: the last repeat ends at 676 h, after the follow-up ends at 672 h; shorten it, or write follow_up: 676 h or longer.'),
    (SESSION, '{at: day 1, rate: -5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: "-5 mg/h" is negative; write a rate of 0 or more, e.g. 5 mg/h.'),
    (SESSION, '{at: day 1, rate: 21 mg/kg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: "21 mg/kg/h" is 1470 mg/h at 70 kg, above the limit of 1400 mg/h (20 mg/kg/h); write a lower rate or a longer time.'),
    (SESSION, '{at: day 1, dose: 100 g, for: 4 h}', 'line 11, arms.ketamine.sessions[1].dose: "100 g" is 25000 mg/h at 70 kg, above the limit of 1400 mg/h (20 mg/kg/h); write a lower dose or a longer time.'),
    (SESSION, '{at: day 1, rate: 1e308 g/s, for: 1 s}', 'line 11, arms.ketamine.sessions[1].rate: "1e308 g/s" is too large a number; write one that a pump can run at, e.g. 20 mg/h.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, max: 0.5 mg/kg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].max: "0.5 mg/kg/h" depends on weight, and a ceiling does not; write e.g. max: 25 mg/h.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, max: 0 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].max: "0 mg/h" leaves nothing to infuse; write a ceiling above 0, e.g. max: 25 mg/h.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 4 h, repeat: 10}', 'line 11, arms.ketamine.sessions[1].repeat: expected a map, found "10"; write e.g. {every: 1 day, times: 10}.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 4 h, repeat: {every: 1 day}}', 'line 11, arms.ketamine.sessions[1].repeat: the key "times" is missing; write e.g. times: 10.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 4 h, repeat: {every: 0 h, times: 3}}', 'line 11, arms.ketamine.sessions[1].repeat.every: "0 h" is not above 0; write e.g. every: 1 day.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 4 h, repeat: {every: 1 day, times: 0}}', 'line 11, arms.ketamine.sessions[1].repeat.times: "0" is outside 1 to 2000; write e.g. 10.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 4 h, repeat: {every: 1 day, times: 1e9}}', 'line 11, arms.ketamine.sessions[1].repeat.times: "1e9" is not a whole number in plain digits; write e.g. 10.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, for: 4 h, repeat: {every: 1 day, count: 3}}', 'line 11, arms.ketamine.sessions[1].repeat: "count" is not a known key here; known keys are every, times, e.g. {every: 1 day, times: 10}.'),
    (SESSION, '{at: day 1, rate: 5 mg/h, duration: 4 h}', 'line 11, arms.ketamine.sessions[1]: "duration" is not a known key here; known keys are at, rate, dose, max, for, push, over, repeat, e.g. {at: day 1, rate: 25 mg/h, for: 4 h}.'),
    (SESSION, '{at: day 1, rate: 5 mL/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: "5 mL/h" has the unknown unit "mL/h"; a volume gives no dose without the strength of the bag, so write the mass of the drug, e.g. 5 mg/h.'),
    (SESSION, '{at: day 1, rate: 5 mg, for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: "5 mg" is a dose, not a rate; write 5 mg/h, or dose: 5 mg in place of rate.'),
    (SESSION, '{at: day 1, dose: 5 mg/h, for: 4 h}', 'line 11, arms.ketamine.sessions[1].dose: "5 mg/h" is a rate, not a dose; write rate: 5 mg/h in place of dose.'),
    (SESSION, '{at: day 1, rate: true, for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: "true" does not start with a number; write e.g. 5 mg/h, 0.1 mg/kg/h, 5 µg/kg/min or 10 mg/h/70kg.'),
    (SESSION, '{at: day 1, rate: [5 mg/h], for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: expected one value, found a list; write e.g. rate: 25 mg/h.'),
    (SESSION, '{at: day 1, rate: , for: 4 h}', 'line 11, arms.ketamine.sessions[1].rate: nothing is written here; write e.g. rate: 25 mg/h.'),
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
        ("kg, baseline_nrs: 7.3 ± 2.0}", "kg", 4),
        ("title: test", 'title: "test', 13),
        ("title: test", 'title: "\\q"', 2),
        ("title: test", "title: @home", 2),
        ("title: test", "title: [a}", 2),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_line(old: str, new: str, line: int) -> None:
    # the words in brackets are those of the YAML reader, and may change with its version
    sentence = refusal_of(GOOD.replace(old, new, 1))
    assert sentence.startswith(f"s.yaml, line {line}: this is not valid YAML (")
    assert sentence.endswith("); check the indentation, brackets and quotes here and just above.")


@pytest.mark.parametrize("text", ["", "# nothing but words\n\n", "~\n", "---\n", "\ufeff"])
def test_an_empty_file_is_no_scenario(text: str) -> None:
    assert refusal_of(text) == "s.yaml, line 1: there is no scenario in the file; begin with a line letheon: 1."


@pytest.mark.parametrize("text", ["- 1\n- 2\n", "hello\n", "'quoted'", "[]"])
def test_a_scenario_is_a_map(text: str) -> None:
    sentence = refusal_of(text)
    assert sentence == "s.yaml, line 1: a scenario is a map from keys to values; begin with a line letheon: 1."


def test_at_most_16_arms() -> None:
    head = GOOD[: GOOD.index("arms:")]
    arms = [f"  arm_{k}: {{drug: racemic, sessions: [{SESSION}]}}\n" for k in range(17)]
    assert len(loads(head + "arms:\n" + "".join(arms[:16])).arms) == 16
    assert refusal_of(head + "arms:\n" + "".join(arms)) == "s.yaml, line 8, arms: there are 17 arms; write 1 to 16."


def test_arm_names_have_at_most_40_characters() -> None:
    assert loads(GOOD.replace("ketamine", "k" * 40)).arms[0].name == "k" * 40
    assert f'arms: "{"k" * 41}" cannot name an arm; use a to z' in refusal_of(GOOD.replace("ketamine", "k" * 41))


def test_at_most_2000_infusions_an_arm() -> None:
    def text(times: int) -> str:
        sessions = (
            "{at: 0 h, rate: 1 mg/h, for: 10 s, repeat: {every: 1 min, times: 1500}}\n"
            f"      - {{at: 30 h, rate: 1 mg/h, for: 10 s, repeat: {{every: 1 min, times: {times}}}}}"
        )
        return GOOD.replace(SESSION, sessions)

    assert len(loads(text(500)).arms[0].regimen.infusions) == 2000
    assert refusal_of(text(501)) == (
        "s.yaml, line 12, arms.ketamine.sessions[2]: with this session the arm has 2001 infusions; "
        "write at most 2000, repeats counted, e.g. with longer infusions."
    )


def test_like_among_no_arms_that_give_a_drug() -> None:
    text = GOOD[: GOOD.index("arms:")] + "arms: {a: {drug: placebo, like: b}, b: {drug: placebo, like: a}}\n"
    assert refusal_of(text).startswith(
        's.yaml, line 7, arms.a.like: "b" is not an arm that gives a drug; add such an arm'
    )


@pytest.mark.parametrize(
    ("pk", "drug", "remedy"),
    [
        ("otto2021", "racemic", "write pk: auto, clements1981, domino1982, hijazi2003, kamp2020 or pair."),
        ("simons2022", "racemic", "write pk: auto, clements1981, domino1982, hijazi2003, kamp2020 or pair."),
        ("domino1982", "esketamine", "write pk: auto, kamp2020, otto2021, pair, perezruixo2021 or simons2022."),
        ("hijazi2003", "esketamine", "write pk: auto, kamp2020, otto2021, pair, perezruixo2021 or simons2022."),
        ("perezruixo2021", "arketamine", "write pk: auto, kamp2020 or pair."),
        ("clements1981", "arketamine", "write pk: auto, kamp2020 or pair."),
    ],
)
def test_a_model_must_describe_the_drug(pk: str, drug: str, remedy: str) -> None:
    sentence = refusal_of(GOOD.replace("pk: auto", f"pk: {pk}").replace("drug: racemic", f"drug: {drug}"))
    assert sentence.startswith(f"s.yaml, line 6, models.pk: {pk} describes ")
    assert sentence.endswith(f" only, and arm ketamine gives {drug}; {remedy}")


@pytest.mark.parametrize("share", ["５０ %", "1_0 %", "50_0 %", "nan %", "0x1p3 %", "1e400 %", "٥٠ %"])
def test_numbers_of_other_scripts_are_refused(share: str) -> None:
    rule = f"titration: {{every: 8 h, step: 5 mg/h, max: 30 mg/h, relief: {share}}}"
    assert "relief" in refusal_of(GOOD.replace("drug: racemic", f"drug: racemic\n    {rule}"))


def test_thousands_of_leading_zeros_are_a_number() -> None:
    zeros = "0" * 5000
    made = loads(GOOD.replace("n: 50", f"n: {zeros}50").replace("seed: 1", f"seed: {zeros}7"))
    assert (made.population.n, made.seed) == (50, 7)
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
}


@pytest.mark.parametrize("kind", LARGE)
def test_large_texts_are_refused_within_a_second(kind: str) -> None:
    began = time.process_time()
    assert len(refusal_of(LARGE[kind])) < 500
    assert time.process_time() - began < 2.0  # a second on an idle machine


# ---------------------------------------------------------------------------------------------- files


def spoilt_file(folder: Path, data: bytes) -> str:
    path = folder / "s.yaml"
    path.write_bytes(data)
    with pytest.raises(InputError) as refusal:
        load(path)
    return str(refusal.value).replace(str(path), "s.yaml")


def test_files_that_are_not_utf_8(tmp_path: Path) -> None:
    utf_16 = "s.yaml, line 1: the text is UTF-16; save the file as UTF-8."
    assert spoilt_file(tmp_path, GOOD.encode("utf-16")) == utf_16
    assert spoilt_file(tmp_path, b"\xfe\xff" + GOOD.encode("utf-16-be")) == utf_16
    assert spoilt_file(tmp_path, GOOD.encode("utf-16-le")) == (
        "s.yaml, line 1: there is a NUL byte; save the file as plain UTF-8 text."
    )
    assert spoilt_file(tmp_path, GOOD.encode("latin-1")) == (
        "s.yaml, line 3: the byte 0xb1 is not UTF-8; save the file as UTF-8."
    )


def test_files_that_are_too_large(tmp_path: Path) -> None:
    sentence = "s.yaml: is larger than 250 kB; write many sessions with repeat: {every: 1 day, times: 10}."
    assert spoilt_file(tmp_path, GOOD.encode() + b"#" * 250_000) == sentence
    assert refusal_of(GOOD + "#" * 250_000) == sentence
    exactly = GOOD + "#" * (250_000 - len(GOOD.encode()))
    assert loads(exactly).title == "test"


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    def refusal(path: str) -> str:
        with pytest.raises(InputError) as caught:
            load(path)
        return str(caught.value)

    missing = str(tmp_path / "none.yaml")
    assert refusal(missing) == f"{missing}: there is no such file; give the path of a scenario file."
    folder = str(tmp_path)
    assert refusal(folder) == f"{folder}: is a folder; give the path of a scenario file inside it."
    below_a_file = str(Path(__file__) / "s.yaml")
    assert refusal(below_a_file).startswith(f"{below_a_file}: cannot be read (")
    assert refusal(below_a_file).endswith("); give the path of a scenario file you may read.")
    assert refusal("/dev/null") == "/dev/null: is a device or a pipe; give the path of a scenario file."
    assert refusal("a\0b").endswith(
        "cannot be read (the path is not valid); give the path of a scenario file you may read."
    )


def test_nesting_bombs_are_refused_at_once() -> None:
    for bomb in ("[" * 240_000, "{a: " * 60_000, "- " * 120_000, "? " * 120_000):
        sentence = refusal_of(GOOD.replace("title: test", f"title:\n  {bomb}"))
        assert sentence.startswith("s.yaml, line 3")
        assert len(sentence) < 200


# ---------------------------------------------------------------------------------------------- properties

HEAVY = {
    *("jax", "numpy", "scipy", "pint", "polars", "pandas", "pyarrow"),
    *("plotly", "lifelines", "statsmodels", "arviz", "numpyro"),
}


@pytest.mark.parametrize(
    ("old", "new"), [("seed: 1", "seed: one"), ("title: test", "title: [["), ("for: 4 h", "for: 4")]
)
def test_a_refusal_loads_nothing_heavy(fresh_python, tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    done = fresh_python(
        "import sys, letheon\n"
        "from letheon.errors import InputError\n"
        "try:\n    letheon.load(sys.argv[1])\n"
        "except InputError as error:\n    print(error.exit_code, *sys.modules)\n",
        str(path),
    )
    assert done.returncode == 0, done.stderr
    code, *modules = done.stdout.split()
    assert code == "2"
    assert "letheon.scenario.reading" in modules
    assert not HEAVY & {name.split(".")[0] for name in modules}


@given(st.text(alphabet=st.characters(codec=None), max_size=60))
def test_any_text_gives_a_scenario_or_one_sentence(text: str) -> None:
    check_outcome(text)


@given(st.data())
def test_any_spoilt_scenario_gives_a_scenario_or_one_sentence(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(GOOD)))
    stop = data.draw(st.integers(start, min(len(GOOD), start + 30)))
    pieces = st.sampled_from([*"{}[]:,-?&*!|>'\"%@#\t\n 0٣±", "1e400", "nan", "~", "true", "<<: ", "\\U", "- "])
    between = "".join(data.draw(st.lists(pieces, max_size=4)))
    check_outcome(GOOD[:start] + between + GOOD[stop:])


def check_outcome(text: str) -> None:
    try:
        assert isinstance(loads(text, "s.yaml"), Scenario)
    except InputError as error:
        sentence = str(error)
        assert sentence.startswith("s.yaml")
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < 500
