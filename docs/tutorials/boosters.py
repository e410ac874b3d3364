"""Tutorial: rules for boosters, what each of them does, and titration in brief.

python docs/tutorials/boosters.py --patients 64 --weeks 26
"""

# %% [markdown]
# # Designing a booster policy
#
# **What we ask.** Relief ends. So infusion services call their patients back
# for *boosters*: some by the calendar, some when pain returns. Which rule
# gives how much relief, for how many boosters? And who gets boosters that can
# do nothing for them?
#
# **What we need.** The script `docs/tutorials/boosters.py`, and [the first
# tutorial](hundred_hours.md) for the two pain models and the two kinds of
# spread. It follows people for a year; `--weeks 104` makes it two.

# %%
import argparse
import tempfile
from pathlib import Path

from drawing import Chart  # beside this script: figures as SVG

import letheon
from letheon.runs.query import query

options = argparse.ArgumentParser()
options.add_argument("--patients", type=int, default=500, help="in each arm")
options.add_argument("--weeks", type=int, default=52, help="of follow-up")
options.add_argument("--figures", type=Path, help="folder for the figures")
options = options.parse_args()
examples = Path(__file__).resolve().parents[2] / "examples"
scratch = tempfile.TemporaryDirectory()  # for run folders; gone at the end
size, years = options.patients, options.weeks / 52.18

# %% [markdown]
# ## Rules are part of an arm
#
# The example has ten outpatient days and three ways to go on: nothing more,
# two days every six weeks, or two days when the diary says that pain is back.
# A rule sees what a clinic sees, the diary and the calendar; it never looks
# into a nerve cell. We add a fourth arm, which is the second one with a rule
# for giving up: no more boosters for somebody who had no remission twice in a
# row.

# %%
giving_up = """
  six_weeks_or_stop:
    drug: racemic
    sessions:
      - {at: day 1, rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 10}}
    boosters:
      every: 6 weeks
      session: {rate: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 2}}
    stop: {no_response: 2}
"""
text = (examples / "boosters_two_years.yaml").read_text(encoding="utf-8")
text = text.replace("follow_up: 104 weeks", f"follow_up: {options.weeks} weeks")
scenario = letheon.loads(text + giving_up)
folder = Path(scratch.name) / "boosters"  # keeps patients and events
run = letheon.simulate(scenario, patients=size, out=folder)
arms = run.document["arms"]
print(*arms, sep=", ")

# %% [markdown]
# ## What each rule gives, and what it takes

# %%
for model in ("pain memory", "slow site"):
    print(f"{model:20} {'relief days a year':>24} {'boosters a year':>20}")
    for name, arm in arms.items():
        told = (arm if model == "pain memory" else arm["rival"])["endpoints"]
        relief, boosters = told["relief_days"], told["boosters"]
        low, high = (days / years for days in relief["mean_interval"])
        days = f"{relief['mean'] / years:.0f} ({low:.0f} to {high:.0f})"
        print(f"  {name:18} {days:>24} {boosters['boosters_per_year']:>20.1f}")

# %% [markdown]
# The intervals say how well a mean is known, and it is not known well: a year
# rests on flares that end remissions, and nobody has measured these. Every
# number of this table is `assumed`. Still, some things hold under both models.
# Boosters bring relief days. No rule brings clearly more of them than the
# calendar, and none costs as many boosters. The rule for giving up keeps
# nearly all of the relief for a fraction of the boosters.
#
# ## Who gets them?
#
# Each decision is kept with its time and its reason. `query` reads them in
# SQL; at the command line the same is `letheon query`, and any tool that knows
# Parquet can read the folder `events` of a run.

# %%
print("what was decided, why, and how often for each 100 patients")
asked = """
    SELECT arm, event, reason, count(*) FROM events GROUP BY ALL ORDER BY ALL
"""
for arm, event, reason, count in query(folder, asked).rows:
    print(f"  {arm:18} {event:17} {reason:21} {100 * count / size:5.0f}")

asked = """
    SELECT given.arm, given.remission, count(*), avg(given.boosters),
           avg(given.relief_days - without.relief_days)
    FROM endpoints given JOIN endpoints without USING (patient)
    WHERE given.arm <> 'none' AND without.arm = 'none'
    GROUP BY ALL ORDER BY given.arm, given.remission DESC
"""
print("\nfor each patient, by what the first course did for them")
print(f"{'':43} {'patients':>10} {'boosters':>10} {'days gained':>12}")
for arm, remission, count, boosters, gained in query(folder, asked).rows:
    who = "in remission after it" if remission else "never in remission"
    share = f"{100 * count / size:.0f} %"
    print(f"  {arm:18} {who:22} {share:>10} {boosters:10.1f} {gained:12.1f}")

# %% [markdown]
# **What we see.** The calendar treats everybody alike, and about half of the
# people never had a remission. Their boosters bring them next to nothing.
# Waiting for a relapse spares them by itself, since pain that never left
# cannot return. Giving up after two courses without remission spares most of
# them too.
#
# ## When does pain come back?

# %%
asked = """
    SELECT quantile_cont(first, 0.25), median(first), quantile_cont(first, 0.75)
    FROM (SELECT min(time_h) / 168 AS first FROM events
          WHERE arm = 'on_relapse' AND event = 'booster' GROUP BY patient)
"""
((early, middle, late),) = query(folder, asked).rows
print(f"first booster on relapse: the middle one in week {middle:.0f}")
print(f"half of them come between week {early:.0f} and week {late:.0f}")

chart = Chart(
    "Mean pain under four rules (pain memory)",
    "weeks",
    "pain score [NRS]",
    (0, options.weeks),
    (0, 10),
)
colours = ("grey", "orange", "blue", "green")
for (name, arm), colour in zip(arms.items(), colours, strict=True):
    weeks = [hour / 168 for hour in arm["profile"]["time_h"]]
    label = name.replace("_", " ")
    chart.line(weeks, arm["profile"]["nrs"]["mean"], colour, label, width=1.6)
if options.figures:
    chart.save(options.figures / "a_pain.svg")

# %% [markdown]
# The mean is a poor picture here. It mixes people in remission with people who
# never had one, and moves little where a few lives change much. That is why
# this page counts days and boosters.
#
# ## Titration, briefly
#
# The same kind of rule can set the rate: up a step while relief is not enough,
# down a step for a complaint. The trial of 100 hours did that. Its example,
# beside the fixed timetable that usually stands for it:

# %%
titrated = Path(scratch.name) / "titrated"
told = letheon.simulate(examples / "titrated.yaml", patients=size, out=titrated)
for name in ("titrated", "fixed"):
    pain = told.document["arms"][name]["endpoints"]["nrs_day_7"]
    low, high = pain["minus_placebo_interval"]
    print(
        f"{name:9} minus placebo in week 1: {pain['minus_placebo']:.1f}", end=""
    )
    print(f" ({low:.1f} to {high:.1f})")
rate = told.document["arms"]["titrated"]["endpoints"]["final_rate"]
print(
    f"rate at the end: {rate['mean']:.0f} mg/h per 70 kg in the mean,", end=" "
)
print(f"{rate['q05']:.0f} to {rate['q95']:.0f} in 9 of 10 patients")
asked = (
    "SELECT event, reason, count(*) FROM events GROUP BY ALL ORDER BY ALL DESC"
)
for event, reason, count in query(titrated, asked).rows:
    print(f"  {event:9} ({reason}): {count / size:.2f} times a patient")
asked = """
    SELECT remission, avg(final_rate) FROM endpoints WHERE arm = 'titrated'
    GROUP BY ALL ORDER BY remission DESC
"""
for remission, rate in query(titrated, asked).rows:
    who = "in remission later" if remission else "never in remission"
    print(f"  {who}: ended at {rate:.0f} mg/h per 70 kg")

# %% [markdown]
# A rule makes one trial into many: somebody is content at the first rate, and
# somebody else climbs to the last step and still has pain. What the rule does
# *not* do here is bring much more relief on the whole. Those who do not
# respond are taken higher than those who do, and are not helped by it.
#
# ## What not to conclude
#
# - That one should boost every six weeks, or on relapse. No trial has compared
#   booster policies. How often pain returns in the second half of a year is an
#   assumption, and every answer to such a question rests on it.
# - That a booster works as the first course did. The two models differ in just
#   this: to the memory, a push that comes in time keeps a state low; to the
#   slow site, it is simply more drug.
# - That boosters are free of harm because this page shows none. Doses add up
#   over years, and nobody has screened the bladders of people who are treated
#   so. See [reading the harms](harms.md).
#
# **Go on.** All keys of a policy are explained under [boosters and
# titration](../policies.md), and [the search](../optimise.md) tries many
# policies at once. Last: [reading the harms](harms.md).
