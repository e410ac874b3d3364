"""Tutorial: harms of a regimen, and how to read one that nobody measured.

python docs/tutorials/harms.py --patients 64
"""

# %% [markdown]
# # Reading the harms
#
# **Question.** What is known about the harms of ketamine infusions, and how
# should an answer of "not known" be read?
#
# **Requirements.** The script `docs/tutorials/harms.py`, and a scenario with
# three patterns: one course of 100 hours, the same course repeated 16 days
# later, and ten afternoons followed by one every four weeks for a year.

# %%
import argparse
import textwrap
from pathlib import Path

from drawing import Rows  # beside this script: figures as SVG

import letheon

options = argparse.ArgumentParser()
options.add_argument("--patients", type=int, default=1000, help="in each arm")
options.add_argument("--figures", type=Path, help="folder for the figures")
options = options.parse_args()

examples = Path(__file__).resolve().parents[2] / "examples"
run = letheon.simulate(
    examples / "harm_patterns.yaml", patients=options.patients
)
arms = run.document["arms"]
harms = {name: arm["harms"]["entries"] for name, arm in arms.items()}
for name, arm in arms.items():
    total = arm["harms"]["exposure"]
    hours, days = total["hours"], total["infusion_days"]
    print(
        f"{name:11} {total['dose_mg']:5,.0f} mg, {hours:3.0f} h in {days} days"
    )

# %% [markdown]
# ## A harm with a known curve
#
# For psychedelic effects the relation to drug level is known: volunteers rated
# them while their levels were measured. Letheon can therefore follow each
# patient's level and compute the maximum of the effect. Three numbers are
# easily confused.


# %%
def text(entry, scale=1.0, digits=0):
    """Return an estimate with its interval, as text."""
    low, high = (scale * x for x in entry["interval"])
    if entry["estimate"] is None:
        return f"{low:.{digits}f} to {high:.{digits}f}"
    estimate = f"{scale * entry['estimate']:.{digits}f}"
    return f"{estimate} ({low:.{digits}f} to {high:.{digits}f})"


rows = (
    ("psychedelic_load", "maximum load, % of a scale", 1),
    ("psychomimetic_elicited", "patients with some effect, when asked, %", 100),
    (
        "psychomimetic_spontaneous",
        "patients who report it spontaneously, %",
        100,
    ),
)
for key, words, scale in rows:
    print(words)
    for name, entries in harms.items():
        entry = entries[key]
        print(
            f"  {name:11} {text(entry, scale):18} support: {entry['support']}"
        )

# %% [markdown]
# The first is a *strength*: a position on a rating scale, not a number of
# people. The second is a share of patients, from a single arm of a single
# trial. The third is much smaller. This is no contradiction: most patients
# with such an effect do not mention it until they are asked, so a clinic that
# does not ask will report few.
#
# ## A harm with counts only
#
# For nausea, headache or night terrors no curve is known. There are only
# counts, and often not even these.

# %%
for key in ("nausea", "headache", "night_terrors", "hallucination"):
    entry = harms["one_course"][f"counted_{key}"]
    if entry["interval"] == [0, 1]:
        words = "nobody counted it: not identified"
    else:
        words = f"{text(entry, 100)} % beyond placebo, {entry['support']}"
    print(f"{key.replace('_', ' '):14} {words}")
print("\n" + textwrap.fill(harms["one_course"]["counted_headache"]["note"], 78))

# %% [markdown]
# This does not mean that headache is absent. It is *not identified*: no study
# of such a regimen counted it in a usable way, so there is no number, and no
# zero either. This is the most important line of a table of harms to
# understand. Nausea has a range without an estimate: pooled trials report 12 %
# beyond placebo, but a much higher value is recalled from the trial of this
# regimen.
#
# ## The liver: a dosing pattern, and six patients
#
# For the liver neither a curve nor a dose is known, only a difference between
# dosing patterns.

# %%
for name, entries in harms.items():
    liver = entries["liver_injury"]
    print(f"{name:11} {text(liver, 100)} %  pattern: {liver['pattern']}")
print("\n" + textwrap.fill(harms["again_soon"]["liver_injury"]["note"], 78))

# %% [markdown]
# These intervals deliberately have no estimate. They are wide because they
# contain every true rate that would *not* make the observed count a rare
# event. If the rate were as high as the upper limit, how likely would a series
# without a single case have been?

# %%
high = harms["afternoons"]["liver_injury"]["interval"][1]
print(f"at a true rate of {100 * high:.1f} %: no case among 52 with a", end=" ")
print(f"probability of {100 * (1 - high) ** 52:.1f} %")

# %% [markdown]
# So "none of 52" is reassuring, but does not mean "never". And "3 of 6" is
# alarming, but does not mean "half".
#
# ## The bladder: two laws
#
# Grams of ketamine a day over years destroy the bladder. The effect of
# infusions is unknown. Two laws describe heavy users equally well: in the
# *saturating* one, injury levels off as the daily dose grows; in the
# *unsaturated* one, it keeps growing. The data cannot tell them apart at lower
# doses, so both are run and shown.

# %%
figure = Rows("Maximum loss of bladder capacity", "mL, mean", (0, 40), zero=0)
for key, words, scale, digits in (
    ("bladder_lost", "maximum loss of capacity, mL", 1, 1),
    ("bladder_symptoms", "any symptom, maximum, % of people", 100, 0),
    ("bladder_lasting_loss", "loss of over a third, % of people", 100, 1),
):
    print(words)
    for name, entries in harms.items():
        for law, found in entries[key]["laws"].items():
            print(f"  {name:11} {law:12} {text(found, scale, digits)}")
for name, entries in harms.items():
    figure.heading(name.replace("_", " "))
    for law, found in entries["bladder_lost"]["laws"].items():
        colour = "blue" if law == "saturating" else "orange"
        figure.row(f"{law} law", found["estimate"], found["interval"], colour)
if options.figures:
    figure.save(options.figures / "a_bladder.svg")
print("\n" + textwrap.fill(harms["afternoons"]["bladder_lost"]["unknown"], 78))

# %% [markdown]
# **Findings.** First, symptoms start at about a quarter, because that many
# people have one without any ketamine; only the excess matters. Second, a loss
# that no simulated patient had gets no estimate, only an upper limit. Third,
# where the laws differ, after days without a pause, the difference is itself
# the result: it shows what a study of infusion patients would have to find
# out. Do not average the two, and do not choose the more favourable one. Nor
# does their agreement on the afternoons prove anything: both are
# extrapolations from the same heavy users.
#
# ## The evidence behind the harms
#
# Each harm has a label for its evidence. Count the labels before you quote a
# result.

# %%
for name, entries in harms.items():
    print(f"{name}, {len(entries)} harms")
    labels = [entry["support"] for entry in entries.values()]
    for label in sorted(set(labels), key=labels.count, reverse=True):
        print(f"  {labels.count(label):2} {label}")

# %% [markdown]
# ## What not to conclude
#
# - That a pattern is safe because its numbers are small or missing. No result
#   here is a statement of safety.
# - That relief and harm can be combined into one score. They are shown side by
#   side, without weighing one against the other.
# - That afternoons spare the liver *because* they are short. The groups also
#   differed in dose, drug and patients.
# - That symptoms are harmless because they fade: that irritation heals within
#   days is an assumption of the laws.
#
# **Next.** [Harms](../harms.md) has the equations and every count;
# [limits](../limits.md) describes what the evidence does not show.
