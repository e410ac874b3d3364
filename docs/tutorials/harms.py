"""Tutorial: what a regimen may cost, and how to read a harm nobody measured.

python docs/tutorials/harms.py --patients 64
"""

# %% [markdown]
# # Reading the harms
#
# **What we ask.** Relief is bought. What is known about the price, and how
# does one read an answer that ends in "not known"?
#
# **What we need.** The script `docs/tutorials/harms.py`, and a scenario with
# three patterns: one course of 100 hours, the same once more 16 days later,
# and ten afternoons followed by one every four weeks for a year.

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
    given = arm["harms"]["exposure"]
    hours, days = given["hours"], given["infusion_days"]
    print(
        f"{name:11} {given['dose_mg']:5,.0f} mg, {hours:3.0f} h in {days} days"
    )

# %% [markdown]
# ## A harm with a curve
#
# For psychedelic effects there is a curve: volunteers rated what they felt
# while their levels were measured. So Letheon can follow each patient's level
# and say how strong the effect would be at its most. Three numbers are easily
# confused.


# %%
def told(entry, scale=1.0, digits=0):
    """Return an estimate with its interval, as text."""
    low, high = (scale * x for x in entry["interval"])
    if entry["estimate"] is None:
        return f"{low:.{digits}f} to {high:.{digits}f}"
    estimate = f"{scale * entry['estimate']:.{digits}f}"
    return f"{estimate} ({low:.{digits}f} to {high:.{digits}f})"


rows = (
    ("psychedelic_load", "load at its most, % of a scale", 1),
    ("psychomimetic_elicited", "patients with some effect, if asked, %", 100),
    ("psychomimetic_spontaneous", "patients who say so unasked, %", 100),
)
for key, words, scale in rows:
    print(words)
    for name, entries in harms.items():
        entry = entries[key]
        print(
            f"  {name:11} {told(entry, scale):18} support: {entry['support']}"
        )

# %% [markdown]
# The first is a *strength*: how far up a rating scale, not how many people.
# The second is a share of people, and rests on a single arm of a single trial.
# The third is smaller by far, and the difference is no contradiction: most
# people who have such an effect do not speak of it until they are asked. A
# clinic that does not ask will report few.
#
# ## A harm with a count
#
# For nausea, headache or night terrors nobody found a curve. There are only
# counts, and often not even these.

# %%
for key in ("nausea", "headache", "night_terrors", "hallucination"):
    entry = harms["one_course"][f"counted_{key}"]
    if entry["interval"] == [0, 1]:
        words = "nobody counted it: not identified"
    else:
        words = f"{told(entry, 100)} % beyond placebo, {entry['support']}"
    print(f"{key.replace('_', ' '):14} {words}")
print("\n" + textwrap.fill(harms["one_course"]["counted_headache"]["note"], 78))

# %% [markdown]
# Headache is not absent here. It is *not identified*: no study of such a
# regimen counted it in a way that can be used, so no number stands there, and
# no zero either. Of all the lines in a table of harms this is the one to read
# twice. Nausea has a range without an estimate: pooled trials say 12 % beyond
# placebo, but of the trial of this regimen far more is recalled.
#
# ## The liver: a pattern, and six people
#
# The liver has neither curve nor dose. It has a contrast.

# %%
for name, entries in harms.items():
    liver = entries["liver_injury"]
    print(f"{name:11} {told(liver, 100)} %  pattern: {liver['pattern']}")
print("\n" + textwrap.fill(harms["again_soon"]["liver_injury"]["note"], 78))

# %% [markdown]
# No estimate stands inside these intervals, on purpose. See how an interval
# can be honest and long: it holds each true rate that would *not* make the
# count a rare accident. If the rate were as high as its upper end, how likely
# would a series without a single case have been?

# %%
high = harms["afternoons"]["liver_injury"]["interval"][1]
print(f"at a true rate of {100 * high:.1f} %: no case among 52 with a", end=" ")
print(f"probability of {100 * (1 - high) ** 52:.1f} %")

# %% [markdown]
# So "none of 52" is good news, and far from "never". And "3 of 6" is alarming,
# and far from "half".
#
# ## The bladder: two laws
#
# Years of grams a day destroy bladders. What infusions do, nobody knows. Two
# laws describe the heavy users equally well: in the *saturating* one injury
# levels off as the dose of a day grows, in the *unsaturated* one it goes on
# growing. Below those doses nothing tells them apart, so both are run, and
# both are shown.

# %%
figure = Rows("Bladder capacity lost at its most", "mL, mean", (0, 40), zero=0)
for key, words, scale, digits in (
    ("bladder_lost", "capacity lost at its most, mL", 1, 1),
    ("bladder_symptoms", "any symptom at its most likely, % of people", 100, 0),
    ("bladder_lasting_loss", "loss of over a third, % of people", 100, 1),
):
    print(words)
    for name, entries in harms.items():
        for law, found in entries[key]["laws"].items():
            print(f"  {name:11} {law:12} {told(found, scale, digits)}")
for name, entries in harms.items():
    figure.heading(name.replace("_", " "))
    for law, found in entries["bladder_lost"]["laws"].items():
        colour = "blue" if law == "saturating" else "orange"
        figure.row(f"{law} law", found["estimate"], found["interval"], colour)
if options.figures:
    figure.save(options.figures / "a_bladder.svg")
print("\n" + textwrap.fill(harms["afternoons"]["bladder_lost"]["unknown"], 78))

# %% [markdown]
# **What we see.** Three things. Symptoms begin at about a quarter, because so
# many people have one without any ketamine; read what comes on top. A loss
# that no simulated patient had gets no estimate, only an upper end. And where
# the laws part, after days without a pause, the distance between them is
# itself the result: it says what a study of infusion patients would have to
# find out. Do not take the mean of the two, and do not take the kinder one.
# Nor is it a comfort that they agree on the afternoons: two guesses from the
# same heavy users agree there.
#
# ## What stands behind it all?
#
# Each harm carries a label for its evidence. Count them before you quote one.

# %%
for name, entries in harms.items():
    print(f"{name}, {len(entries)} harms")
    labels = [entry["support"] for entry in entries.values()]
    for label in sorted(set(labels), key=labels.count, reverse=True):
        print(f"  {labels.count(label):2} {label}")

# %% [markdown]
# ## What not to conclude
#
# - That a pattern is safe because its numbers are small, or its lines empty.
#   No result here is a statement of safety.
# - That relief and harm can be added up to one score. They are shown beside
#   one another, and weighed by nobody here.
# - That afternoons spare the liver *because* they are short. Dose, drug and
#   patients differed as well between the groups.
# - That symptoms are harmless since they fade: the laws let irritation heal
#   within days, which is their assumption.
#
# **Go on.** [Harms](../harms.md) has the equations and every count;
# [limits](../limits.md) what the evidence cannot carry.
