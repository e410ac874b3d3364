"""Tutorial: the same dose in hospital without a pause, or on ten afternoons.

python docs/tutorials/settings.py --patients 64
"""

# %% [markdown]
# # In hospital or at the clinic
#
# **What we ask.** The same amount of esketamine can be given in one stretch of
# four days and nights, or as ten visits of four hours. Which brings more
# relief, and at what price? No trial has compared the two at equal dose, so
# nobody knows. A simulation can still do something useful: say what each
# explanation of the drug *would* expect, and where the explanations part.
#
# **What we need.** The script `docs/tutorials/settings.py`, and [the first
# tutorial](hundred_hours.md), which explains what an interval of a mean is,
# what a range of patients is, and why there are two pain models.

# %%
import argparse
import tempfile
import textwrap
from pathlib import Path

from drawing import Chart, Rows  # beside this script: figures as SVG

import letheon
from letheon.runs.query import query

options = argparse.ArgumentParser()
options.add_argument("--patients", type=int, default=1000, help="in each arm")
options.add_argument("--figures", type=Path, help="folder for the figures")
options = options.parse_args()

# %% [markdown]
# ## Two timetables, one dose

# %%
examples = Path(__file__).resolve().parents[2] / "examples"
scenario = letheon.load(examples / "inpatient_outpatient.yaml")
scratch = tempfile.TemporaryDirectory()  # gone at the end
folder = Path(scratch.name) / "settings"  # a run folder keeps every patient
run = letheon.simulate(scenario, patients=options.patients, out=folder)
arms = run.document["arms"]
treated = {name: arms[name] for name in ("inpatient", "outpatient")}
for name, arm in treated.items():
    exposure = arm["harms"]["exposure"]
    dose = scenario.arm(name).regimen.schedule().dose_mg(70.0)
    hours, days = exposure["hours"], exposure["infusion_days"]
    print(
        f"{name:11} {dose:5,.0f} mg per 70 kg, {hours:3.0f} h in {days:2} days"
    )

# %% [markdown]
# ## What reaches the receptor
#
# Fewer hours for the same dose means higher levels in each of them. Here is
# what that does in plasma, and what arrives at the receptor. The second does
# not follow the first in step: where most receptors are blocked already,
# doubling the drug adds little.

# %%
for name, arm in treated.items():
    level = arm["profile"]["concentration_ng_per_ml"]["esketamine"]["mean"]
    block = arm["profile"]["nmda_block"]["mean"]
    print(f"{name:11} highest mean level {max(level):3.0f} ng/mL", end="")
    print(f"   highest mean block {100 * max(block):2.0f} %")

chart = Chart(
    "Receptor block, mean of all patients",
    "days",
    "receptors blocked",
    (0, 14),
    (0, 1),
)
for (name, arm), colour in zip(
    treated.items(), ("blue", "orange"), strict=True
):
    days = [hour / 24 for hour in arm["profile"]["time_h"]]
    chart.line(
        days, arm["profile"]["nmda_block"]["mean"], colour, name, width=1.5
    )
if options.figures:
    chart.save(options.figures / "a_block.svg")

# %% [markdown]
# ## What comes of it
#
# A *relief day* is a day with a pain score at most 70 % of the patient's own
# baseline. Noise in a diary gives some of those for nothing, so what counts is
# the number beyond placebo, over the 12 weeks of follow-up.

# %%
colours = {"inpatient": "blue", "outpatient": "orange"}
figure = Rows("Relief days beyond placebo in 12 weeks", "days", (0, 60), zero=0)
for model in ("pain memory", "slow site"):
    figure.heading(model)
    print(model)
    for name, arm in treated.items():
        told = arm if model == "pain memory" else arm["rival"]
        relief = told["endpoints"]["relief_days"]
        value = relief["minus_placebo"]
        between = relief["minus_placebo_interval"]
        print(f"  {name:11} {value:3.0f} days", end=" ")
        print(f"(mean known to {between[0]:.0f} to {between[1]:.0f})", end="")
        print(f"   support: {relief['support']}")
        figure.row(name, value, between, colours[name])
if options.figures:
    figure.save(options.figures / "b_relief.svg")

# %% [markdown]
# **What we see.** Which *model* is right matters far more than which *setting*
# is chosen: within each model the two settings lie close, and their intervals
# cover each other almost wholly. And the models do not agree on the order. The
# pain memory leans to the hospital, because a stretch without a pause gives
# the nerve cells no night in which to climb back. The slow site, which only
# counts what has arrived, sees no such reason.
#
# Look at the support as well. It is `extrapolated` for the hospital: a trial
# gave nearly that regimen, but counted no relief days. It is `assumed` for the
# clinic, for no trial gave anything like it. The intervals look alike all the
# same: an interval knows what the models do not know about their parameters,
# and nothing of what nobody has tried.
#
# ## The same patient twice
#
# Two intervals that overlap do not say that two arms are alike, least of all
# here: both arms hold the same people, so we may ask each of them. The run
# folder keeps a row for every patient of every arm, and `query` answers
# questions in SQL. (At the command line the same is `letheon query`.)

# %%
asked = """
    SELECT count(*) FILTER (one.{days} - other.{days} >= 7),
           count(*) FILTER (abs(one.{days} - other.{days}) < 7),
           count(*) FILTER (other.{days} - one.{days} >= 7)
    FROM endpoints one JOIN endpoints other USING (patient)
    WHERE one.arm = 'inpatient' AND other.arm = 'outpatient'
"""
for model, days in (
    ("pain memory", "relief_days"),
    ("slow site", "rival_relief_days"),
):
    ((one, same, other),) = query(folder, asked.format(days=days)).rows
    one, same, other = (
        round(100 * n / options.patients) for n in (one, same, other)
    )
    print(
        f"{model:12} at least a week more relief in hospital: {one} %, ", end=""
    )
    print(f"at the clinic: {other} %")
    print(f"{'':12} less than a week apart: {same} %")

# %% [markdown]
# Most people are served equally by both. Whether the others are better off in
# hospital or at the clinic depends on the model, as before.
#
# ## What it costs

# %%
shown = {
    "psychedelic_load": "psychedelic load at its most [% of scale]",
    "psychedelic_hours": "hours with more than 10 % of that scale",
    "psychomimetic_elicited": "psychomimetic effect, if asked [share]",
    "systolic_pressure": "most rise of systolic pressure [mmHg]",
}
print(f"{'':43} {'inpatient':>17} {'outpatient':>17}")
for key, words in shown.items():
    entries = [arm["harms"]["entries"][key] for arm in treated.values()]
    digits = 2 if entries[0]["unit"] == "share" else 0
    cells = [
        f"{e['estimate']:.{digits}f} ({e['interval'][0]:.{digits}f}–"
        f"{e['interval'][1]:.{digits}f})"
        for e in entries
    ]
    print(f"{words:43} {cells[0]:>17} {cells[1]:>17}")
for name, arm in treated.items():
    liver = arm["harms"]["entries"]["liver_injury"]
    low, high = (100 * x for x in liver["interval"])
    known = (
        "not identified"
        if (low, high) == (0, 100)
        else f"{low:.0f} to {high:.0f} %"
    )
    print(f"liver, {name}: {known} ({liver['pattern']})")

# %% [markdown]
# Higher levels are felt. The load at its most is higher at the clinic, in each
# of ten visits. In hospital it is lower, and does not end for four days; the
# ten afternoons, with the hours in which each of them wears off, still add up
# to more. Of the liver little is known: afternoons like those of clinics did
# not hurt it, but nobody has counted at the rate that an equal dose asks for
# here. [Reading the harms](harms.md) says how little stands behind either.
#
# ## Where the models leave the ground
#
# A run says when it goes beyond what its parts were built on. Always read
# this.

# %%
for warning in run.document["warnings"]:
    print(
        textwrap.fill(warning, 78, initial_indent="- ", subsequent_indent="  ")
    )

# %% [markdown]
# ## What not to conclude
#
# - That one setting is better. The models do not agree, and no trial has
#   asked.
# - That the clinic's regimen of this file is what clinics give. Its rate is
#   what an equal dose asks for, and lies above what was tried.
# - That a bed, a night's sleep at home, a nurse at hand or the cost of either
#   count for nothing. They are not in here.
#
# **Go on.** [Designing a booster policy](boosters.md).
