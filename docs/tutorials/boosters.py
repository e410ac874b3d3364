"""Tutorial: the effect of rules for boosters, and titration in brief.

python docs/tutorials/boosters.py --patients 64 --weeks 26
"""

# %% [markdown]
# # Designing a booster policy
#
# **Question.** Relief does not last, so infusion services give *boosters*: some
# by the calendar, some when pain returns. How much relief does each rule give,
# and with how many boosters? And who gets boosters that cannot help?
#
# **Requirements.** The script `docs/tutorials/boosters.py`, and [the first
# tutorial](hundred_hours.md) for the two pain models and the two kinds of
# spread. It follows patients for a year; use `--weeks 104` for two years.

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
# The example has ten outpatient days and three ways to continue: no boosters,
# two days every six weeks, or two days when the diary shows that pain is back.
# A rule uses only what a clinic can see, the diary and the calendar, and never
# the state of the nerve cells. We add a fourth arm, which is the second one
# with a stopping rule: no more boosters after two in a row without remission.

# %%
stopping = """
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
scenario = letheon.loads(text + stopping)
folder = Path(scratch.name) / "boosters"  # keeps patients and events
run = letheon.simulate(scenario, patients=size, out=folder)
arms = run.document["arms"]
print(*arms, sep=", ")

# %% [markdown]
# ## Relief and boosters under each rule

# %%
for model in ("memory", "slow_site"):
    print(f"{model:20} {'relief days a year':>24} {'boosters a year':>20}")
    for name, arm in arms.items():
        endpoints = arm["by_model"][model]["endpoints"]
        relief, boosters = endpoints["relief_days"], endpoints["boosters"]
        low, high = (days / years for days in relief["mean_interval"])
        days = f"{relief['mean'] / years:.0f} ({low:.0f} to {high:.0f})"
        print(f"  {name:18} {days:>24} {boosters['boosters_per_year']:>20.1f}")

# %% [markdown]
# The intervals show how well each mean is known, and that is not well: the
# results of a year depend on flares that end remissions, and nobody has
# measured these. Every number in this table is `assumed`. Still, some results
# hold under both models. Boosters add relief days. No rule adds clearly more
# of them than the calendar, and none needs as many boosters. The stopping rule
# keeps nearly all of the relief with a fraction of the boosters.
#
# ## Who gets boosters?
#
# Each decision is recorded with its time and reason. `query` reads them in SQL
# (on the command line, `letheon query`), and any tool that reads Parquet can
# open the folder `events` of a run. Each patient has decisions under both
# models, by the diary under each; here are those under the pain memory.

# %%
print("decision, reason, and number for each 100 patients")
sql = """
    SELECT arm, event, reason, count(*) FROM events
    WHERE mechanism = 'memory' GROUP BY ALL ORDER BY ALL
"""
for arm, event, reason, count in query(folder, sql).rows:
    print(f"  {arm:18} {event:17} {reason:21} {100 * count / size:5.0f}")

sql = """
    SELECT given.arm, given.memory_remission, count(*),
           avg(given.memory_boosters),
           avg(given.memory_relief_days - without.memory_relief_days)
    FROM endpoints given JOIN endpoints without USING (patient)
    WHERE given.arm <> 'none' AND without.arm = 'none'
    GROUP BY ALL ORDER BY given.arm, given.memory_remission DESC
"""
print("\nby patient, with and without remission after the first course")
print(f"{'':43} {'patients':>10} {'boosters':>10} {'days gained':>12}")
for arm, remission, count, boosters, gained in query(folder, sql).rows:
    who = "in remission after it" if remission else "never in remission"
    share = f"{100 * count / size:.0f} %"
    print(f"  {arm:18} {who:22} {share:>10} {boosters:10.1f} {gained:12.1f}")

# %% [markdown]
# **Findings.** The calendar treats all patients alike, but about half of them
# never had a remission, and boosters bring these almost nothing. Boosters on
# relapse spare them automatically, since pain that never left cannot return.
# Stopping after two courses without remission spares most of them too.
#
# ## When does pain come back?

# %%
sql = """
    SELECT quantile_cont(first, 0.25), median(first), quantile_cont(first, 0.75)
    FROM (SELECT min(time_h) / 168 AS first FROM events
          WHERE arm = 'on_relapse' AND event = 'booster'
          AND mechanism = 'memory' GROUP BY patient)
"""
((early, middle, late),) = query(folder, sql).rows
print(f"first booster on relapse: median in week {middle:.0f}")
print(f"half of them are between week {early:.0f} and week {late:.0f}")

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
    pain = arm["by_model"]["memory"]["profile"]["nrs"]
    chart.line(weeks, pain["mean"], colour, label, width=1.6)
if options.figures:
    chart.save(options.figures / "a_pain.svg")

# %% [markdown]
# The mean is a poor summary here. It mixes patients in remission with patients
# who never had one, and changes little even if a few patients change a lot.
# That is why this page counts days and boosters.
#
# ## Titration in brief
#
# The same kind of rule can set the rate: up a step while relief is not enough,
# down a step after a complaint. The trial of 100 hours did that. Here is its
# example, beside the fixed timetable that usually represents it:

# %%
titrated = Path(scratch.name) / "titrated"
run = letheon.simulate(examples / "titrated.yaml", patients=size, out=titrated)
for name in ("titrated", "fixed"):
    pain = run.document["arms"][name]["endpoints"]["nrs_day_7"]
    against = pain["against"]
    low, high = against["mean_interval"]
    print(f"{name:9} minus placebo in week 1: {against['mean']:.1f}", end="")
    print(f" ({low:.1f} to {high:.1f})")
rate = run.document["arms"]["titrated"]["endpoints"]["final_rate"]
print(
    f"rate at the end: {rate['mean']:.0f} mg/h per 70 kg on average,", end=" "
)
print(f"{rate['q05']:.0f} to {rate['q95']:.0f} in 9 of 10 patients")
sql = (
    "SELECT event, reason, count(*) FROM events WHERE mechanism = 'memory' "
    "GROUP BY ALL ORDER BY ALL DESC"
)
for event, reason, count in query(titrated, sql).rows:
    print(f"  {event:9} ({reason}): {count / size:.2f} times a patient")
for model in ("memory", "slow_site"):
    sql = f"""
        SELECT {model}_remission, avg({model}_final_rate) FROM endpoints
        WHERE arm = 'titrated' GROUP BY ALL ORDER BY ALL DESC
    """
    for remission, rate in query(titrated, sql).rows:
        who = "in remission later" if remission else "never in remission"
        print(f"  {model}: {who}: ended at {rate:.0f} mg/h per 70 kg")

# %% [markdown]
# With a rule, patients get different treatments: some have enough relief at
# the first rate, and others reach the last step and still have pain. But here
# the rule does *not* bring more relief overall. Patients who do not respond
# end at the same rate as those who do under the pain memory, and at a higher
# one under the slow site: in both cases without benefit.
#
# ## What not to conclude
#
# - That boosters should be given every six weeks, or on relapse. No trial has
#   compared booster policies. How often pain returns in the second half of a
#   year is an assumption, and every such result depends on it.
# - That a booster works like the first course. The two models differ in this:
#   in the pain memory, a booster in time keeps sensitisation low; in the slow
#   site, it is simply more drug.
# - That boosters are harmless because this page shows no harms. Doses add up
#   over years, and nobody has screened the bladders of patients treated in
#   this way. See [reading the harms](harms.md).
#
# **Next.** [Boosters and titration](../policies.md) explains all keys of a
# policy, and [the search](../optimise.md) tries many policies at once. The
# last tutorial is [reading the harms](harms.md).
