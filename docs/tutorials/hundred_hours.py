"""Tutorial: the 100-hour trial of esketamine, held against what was published.

python docs/tutorials/hundred_hours.py --patients 64
"""

# %% [markdown]
# # The trial of 100 hours
#
# **What we ask.** One randomised trial gave people with CRPS esketamine for
# 100 hours without a pause, and wrote down their pain every week for 12 weeks.
# Does Letheon say what that trial found? And how far can its answer be
# trusted?
#
# **What we need.** An installed Letheon and a minute. This page is made from a
# script, `docs/tutorials/hundred_hours.py`, which runs by itself; `--patients
# 64` makes it quicker, and every number below changes a little with it.

# %%
import argparse
from pathlib import Path
from statistics import NormalDist

from drawing import Chart, Rows  # beside this script: figures as SVG

import letheon
from letheon import library

options = argparse.ArgumentParser()
options.add_argument("--patients", type=int, default=1000, help="in each arm")
options.add_argument("--figures", type=Path, help="folder for the figures")
options = options.parse_args()

# %% [markdown]
# ## What was given
#
# The scenario is a file. Each patient of the trial had a rate of their own,
# raised until relief came or side effects did. Nobody published these rates
# hour by hour, so two timetables stand for them: one that climbs a step a day,
# and one that is at the top after a day. The truth lies somewhere between.

# %%
examples = Path(__file__).resolve().parents[2] / "examples"
scenario = letheon.load(examples / "sigtermans2009.yaml")
print(scenario.title)
for arm in scenario.arms:
    dose = arm.regimen.schedule().dose_mg(70.0)
    print(
        f"  {arm.name:16} {arm.drug:12} {dose:6,.0f} mg for a patient of 70 kg"
    )

# %% [markdown]
# ## What came of it
#
# One call runs every arm. Each arm has the *same* people in it: patient 17 on
# esketamine is patient 17 on placebo, with the same body and the same luck. So
# a difference between arms is a difference of treatment.

# %%
run = letheon.simulate(scenario, patients=options.patients)
arms = run.document["arms"]
for name, arm in arms.items():
    week_1, week_12 = (
        arm["endpoints"][f"nrs_day_{day}"]["mean"] for day in (7, 84)
    )
    print(f"{name:16} pain in week 1: {week_1:.1f}, in week 12: {week_12:.1f}")

# %% [markdown]
# ## Held against the trial
#
# The library knows what was published: the two means of week 1, and that the
# difference was no longer significant in week 12. The size of that last
# difference was not in what we could read. It follows from the p-value, if its
# standard error was that of week 1. Such a number is *derived*, and it pays to
# see how.

# %%
study = next(
    study for study in library.studies() if study.id == "sigtermans2009"
)


def reported(measure, day):
    """Return a number of the trial that compares esketamine with placebo."""
    wanted = ("esketamine", "placebo", measure, (day, day))
    for one in study.outcomes:
        about = (one.arm, one.against, one.measure, one.time_days)
        if about == wanted and one.value is not None:
            return one


week_1 = reported("pain_mean_difference", 7)
p = reported("p_value", 84).value
distance = NormalDist().inv_cdf(1 - p / 2)  # in standard errors
published = {7: week_1.value, 84: -distance * week_1.se}
print(f"week  1: {published[7]:.2f}, standard error {week_1.se:.2f}")
print(
    f"week 12: p = {p} lies {distance:.2f} standard errors from nothing,",
    end=" ",
)
print(f"so {published[84]:.2f}")

# %% [markdown]
# Now the simulation beside it. Letheon carries two explanations of how pain
# comes back. In the *pain memory* a state of the nerve cells holds itself up,
# and an infusion can tip it over. In the *slow site* there is no memory at
# all, only a drug effect that fades with a delay. Both were fitted to
# published trials, and both are run unless you say otherwise.


# %%
def difference(arm, day):
    """Return esketamine minus placebo: estimate and interval of the mean."""
    found = arm["endpoints"][f"nrs_day_{day}"]
    return found["minus_placebo"], found["minus_placebo_interval"]


def models(name):
    """Return the arm under both models; the rival lies beside."""
    return {"pain memory": arms[name], "slow site": arms[name]["rival"]}


figure = Rows(
    "Esketamine minus placebo",
    "NRS points; left of 0 esketamine is better",
    (-5, 1),
    zero=0,
)
colours = {"pain memory": "blue", "slow site": "orange"}
for day, week in ((7, 1), (84, 12)):
    figure.heading(f"Week {week}")
    low, high = (
        published[day] - 1.645 * week_1.se,
        published[day] + 1.645 * week_1.se,
    )
    figure.row(
        "the trial, with its own error", published[day], (low, high), "grey"
    )
    print(f"week {week}")
    print(
        f"  {'the trial':24} {published[day]:6.2f}   ({low:.2f} to {high:.2f})"
    )
    for name, label in (
        ("esketamine", "slow steps"),
        ("esketamine_fast", "fast steps"),
    ):
        for model, arm in models(name).items():
            value, (low, high) = difference(arm, day)
            words = f"{model}, {label}"
            print(f"  {words:24} {value:6.2f}   ({low:.2f} to {high:.2f})")
            figure.row(words, value, (low, high), colours[model])
if options.figures:
    figure.save(options.figures / "a_difference.svg")

# %% [markdown]
# **What we see.** In week 1 both models land near the trial. By week 12 they
# have parted: the memory keeps about half of the relief, as the trial's
# derived number does, and the slow site has lost nearly all of it. One more
# thing is easily missed. The pain memory was *fitted* to this trial, and the
# slow site to an analysis of the same patients. That they agree with it in
# week 1 is the least that one may ask, and no proof of anything. For trials
# that they never saw, look at the [validation](../validation.md).
#
# ## Two kinds of spread
#
# A mean hides two different things that we do not know, and Letheon keeps them
# apart.

# %%
week_12 = arms["esketamine"]["endpoints"]["nrs_day_84"]
low, high = week_12["mean_interval"]
print(f"mean pain in week 12: {week_12['mean']:.1f}")
print(f"how well known?       {low:.1f} to {high:.1f} (90 % interval)")
low, high = week_12["q05"], week_12["q95"]
print(f"how do patients vary? {low:.1f} to {high:.1f} (9 of 10 patients)")
print(f"what is behind it?    {week_12['support']}")
print(f"and minus placebo?    {week_12['minus_placebo_support']}")

# %% [markdown]
# The trial reported the difference from placebo, and the simulation meets it.
# The scores themselves it does not meet: in both arms of the trial pain was
# lower than it is here. So the difference is `randomised`, and a score is not.
#
# The first range would shrink with a second trial. The second would not:
# people differ. Some patients have next to no pain in week 12, and others have
# as much as ever. The mean describes hardly any of them.

# %%
profile, placebo = arms["esketamine"]["profile"], arms["placebo"]["profile"]
weeks = [hour / 168 for hour in profile["time_h"]]
pain = profile["nrs"]
title = "Pain after 100 hours of esketamine, a step a day"
chart = Chart(title, "weeks", "pain score [NRS]", (0, 12), (0, 10))
chart.band(
    weeks, pain["mean_lo"], pain["mean_hi"], "blue", "90 % interval of the mean"
)
chart.line(weeks, pain["mean"], "blue", "esketamine")
chart.patients(weeks, pain["q05"], pain["q95"], "blue", "9 of 10 patients")
weeks = [hour / 168 for hour in placebo["time_h"]]
chart.line(weeks, placebo["nrs"]["mean"], "grey", "placebo")
if options.figures:
    chart.save(options.figures / "b_pain.svg")

# %% [markdown]
# ## Why the difference, and not the score?
#
# Look once more at the scores themselves. The trial found these in week 1:

# %%
for name in ("esketamine", "placebo"):
    means = (
        o for o in study.outcomes if (o.arm, o.measure) == (name, "pain_mean")
    )
    seen = next(o for o in means if o.time_days == (7, 7))
    found = arms[name]["endpoints"]["nrs_day_7"]
    low, high = found["mean_interval"]
    print(f"{name:11} trial {seen.value:.2f}", end="   ")
    print(
        f"simulated {found['mean']:.2f} (mean known to {low:.1f} to {high:.1f})"
    )

# %% [markdown]
# Both simulated arms lie higher. How far pain falls on placebo is a trial's
# own affair: who took part, what they were told, how they were cared for. A
# simulation of the *next* trial cannot know it, and says so with a wide
# interval. It falls out of a difference between arms, so compare differences.
#
# ## What not to conclude
#
# - That the model is right because it meets this trial. It was shown this
#   trial.
# - That there is relief at 12 weeks. The trial itself could no longer tell it
#   from nothing, and the models disagree.
# - That a patient will have the mean. See how wide the dashed lines lie.
# - That all of it is the drug. Patients notice esketamine, and whoever notices
#   it expects something of it.
#
# **Go on.** `letheon simulate examples/sigtermans2009.yaml` writes the same
# into a run folder, with a report that opens in any browser. Next: [in
# hospital or at the clinic](settings.md).
