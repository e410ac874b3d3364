"""Tutorial: the same dose in hospital without a pause, or on ten afternoons.

python docs/tutorials/settings.py --patients 64
"""

# %% [markdown]
# # In hospital or at the clinic
#
# **Question.** The same amount of esketamine can be given as one infusion of
# four days and nights, or in ten visits of four hours. Which gives more
# relief, and with which harms? No trial has compared the two at equal dose, so
# nobody knows. A simulation can still show what each model of the drug
# *predicts*, and where the models differ.
#
# **Requirements.** The script `docs/tutorials/settings.py`, and [the first
# tutorial](hundred_hours.md), which explains the interval of a mean, the range
# of patients, and why there are two pain models.

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
# ## Receptor block
#
# Giving the same dose in fewer hours means higher levels. Here are the levels
# in plasma and the block of the receptor. Block does not rise in proportion to
# the level: where most receptors are blocked already, doubling the level adds
# little.

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
# ## Relief
#
# A *relief day* is a day with a pain score at most 70 % of the patient's own
# baseline. Noise in the diary alone produces some, so the relevant number is
# the excess over placebo in the 12 weeks of follow-up.

# %%
colours = {"inpatient": "blue", "outpatient": "orange"}
figure = Rows("Relief days beyond placebo in 12 weeks", "days", (0, 60), zero=0)
for model in ("memory", "slow_site"):
    figure.heading(model.replace("_", " "))
    print(model.replace("_", " "))
    for name, arm in treated.items():
        relief = arm["by_model"][model]["endpoints"]["relief_days"]
        value = relief["against"]["mean"]
        between = relief["against"]["mean_interval"]
        print(f"  {name:11} {value:3.0f} days", end=" ")
        print(f"(mean known to {between[0]:.0f} to {between[1]:.0f})", end="")
        print(f"   support: {relief['support']}")
        figure.row(name, value, between, colours[name])
if options.figures:
    figure.save(options.figures / "b_relief.svg")

# %% [markdown]
# **Findings.** The choice of *model* matters far more than the choice of
# *setting*: within each model the two settings are close, and their intervals
# overlap almost completely. The models also disagree about the order. The pain
# memory favours the hospital, because an infusion without a pause leaves no
# night in which sensitisation can return. The slow site depends only on the
# amount of drug that has arrived, and shows no such difference.
#
# Look at the support as well. It is `extrapolated` for the hospital, because a
# trial gave a similar regimen but counted no relief days. It is `assumed` for
# the clinic, because no trial gave anything like it. The intervals look alike
# nevertheless: an interval includes the uncertainty of the parameters, but not
# the uncertainty of a regimen that was never studied.
#
# ## Comparing the same patients
#
# Overlapping intervals do not show that two arms are alike, especially not
# here: both arms have the same patients, so we can compare them one by one.
# The run folder has a row for every patient of every arm, and `query` reads it
# in SQL. (On the command line, use `letheon query`.)

# %%
sql = """
    SELECT count(*) FILTER (one.{days} - other.{days} >= 7),
           count(*) FILTER (abs(one.{days} - other.{days}) < 7),
           count(*) FILTER (other.{days} - one.{days} >= 7)
    FROM endpoints one JOIN endpoints other USING (patient)
    WHERE one.arm = 'inpatient' AND other.arm = 'outpatient'
"""
for model, days in (
    ("pain memory", "memory_relief_days"),
    ("slow site", "slow_site_relief_days"),
):
    ((one, same, other),) = query(folder, sql.format(days=days)).rows
    one, same, other = (
        round(100 * n / options.patients) for n in (one, same, other)
    )
    print(
        f"{model:12} at least a week more relief in hospital: {one} %, ", end=""
    )
    print(f"at the clinic: {other} %")
    print(f"{'':12} less than a week apart: {same} %")

# %% [markdown]
# For most patients both settings are equally good. Whether the others are
# better off in hospital or at the clinic depends on the model, as before.
#
# ## Harms

# %%
shown = {
    "psychedelic_load": "maximum psychedelic load [% of scale]",
    "psychedelic_hours": "hours with more than 10 % of that scale",
    "psychomimetic_elicited": "psychomimetic effect, when asked [share]",
    "systolic_pressure": "maximum rise of systolic pressure [mmHg]",
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
# Patients notice higher levels. The maximum load is higher at the clinic, in
# each of the ten visits. In hospital it is lower but lasts for four days; the
# ten afternoons, with the hours in which the effect wears off, still add up to
# more hours. Little is known about the liver: afternoon sessions in clinics
# did not injure it, but nobody has counted at the rate that an equal dose
# requires here. [Reading the harms](harms.md) explains how weak the evidence
# for both is.
#
# ## Beyond the range of the models
#
# A run warns when it goes beyond the data on which its parts are based. Always
# read these warnings.

# %%
for warning in run.document["warnings"]:
    print(
        textwrap.fill(warning, 78, initial_indent="- ", subsequent_indent="  ")
    )

# %% [markdown]
# ## What not to conclude
#
# - That one setting is better. The models disagree, and no trial has compared
#   them.
# - That clinics give the outpatient regimen of this file. Its rate follows
#   from the equal dose, and is higher than any that was studied.
# - That hospital beds, nights at home, nursing or costs do not matter. They are
#   not part of the model.
#
# **Next.** [Designing a booster policy](boosters.md).
