"""The hand-out: two pages for a patient to take along, with what the first screen says of a plan."""

from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from letheon.definitions import PAGE_NOTICE
from letheon.pipeline.result import RunResult
from letheon.views.document import html, numbers, tree
from letheon.views.explore.answers import answers, endpoint_of
from letheon.views.explore.short import after, placebo_of, short
from letheon.views.figures.curves import active_arms
from letheon.views.subjects import names, relief

_QUESTIONS = {
    "helps": "Does it help?",
    "lasts": "How long?",
    "cures": "Is it a cure?",
    "harms": "What harm?",
    "sure": "How sure is this?",
}


class _Words(Struct, frozen=True):
    lead: str
    picture: str
    origin: str
    asks: tuple[str, ...]
    unknown: tuple[str, ...]


@cache
def _words() -> _Words:
    text = (resources.files("letheon.views.explore") / "handout.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=_Words)


def handout(result: RunResult) -> str:
    """Return the hand-out for the first arm that gives a drug, as HTML."""
    return html.render(document(result, next(iter(active_arms(result) or result.arms))))


def document(result: RunResult, name: str) -> tree.Document:
    """Return the hand-out for an arm: the plan, the five answers, what to ask, and what nobody knows."""
    words, lines = _words(), {line.id: line for line in short(result, name)}
    plan = next(one for one in answers(result, name) if one.id == "involves")
    rows = [
        (_QUESTIONS[id], " ".join(filter(None, (lines[id].text, lines[id].more, lines[id].apart)))) for id in _QUESTIONS
    ]
    origin = words.origin.format(
        version=result.letheon,
        seed=result.seed,
        patients=numbers.fixed(result.n_patients, 0),
        follow_up=numbers.duration(result.follow_up_days),
    )
    sections = (
        tree.Section(
            "plan", f"The plan: {names.arm_name(name)}", (tree.Paragraph(" ".join((plan.short, plan.more[0]))),)
        ),
        tree.Section("answers", "Five questions", (tree.Paragraph(lines["basis"].text), tree.Definitions(tuple(rows)))),
        tree.Section("picture", "100 patients", _picture(result, name)),
        tree.Section("ask", "What to ask a doctor", (tree.Items(words.asks),)),
        tree.Section("unknown", "What nobody knows", (tree.Items(words.unknown),)),
    )
    title = "Ketamine infusions for CRPS"
    return tree.Document(
        title, sections, "For patients", words.lead, (origin, PAGE_NOTICE), f"Letheon {result.letheon}"
    )


def _picture(result: RunResult, name: str) -> tuple[tree.Block, ...]:
    arm = result.arms[name]
    key = relief.keys(arm.endpoints)[0]
    share, sham = endpoint_of(arm, key), placebo_of(result, arm, key)
    arrays = [tree.Dots("With the infusions", round(100 * share.mean))]
    arrays += [tree.Dots("On placebo", round(100 * sham.mean))] if sham else []
    when = after(int(key.rpartition("_day_")[2]))
    return tree.Paragraph(_words().picture.format(when=when)), tree.DotArrays(tuple(arrays))
