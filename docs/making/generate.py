"""Write the generated pages of the documentation: facts from the library and docs/calibration, words in templates.

``python docs/making/generate.py`` writes all of them, ``python docs/making/generate.py support evidence`` these two.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from acute_relief import STORED, AcuteRelief
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from typer.main import get_command

from letheon import library
from letheon.extras import EXTRAS
from letheon.library.evidence import ROLES
from letheon.pipeline.labels import support_rows, usable
from letheon.scenario.grammar import maps
from letheon.study.calibrate.document import Adequacy, CalibrationReport, ModelWeights, Recovery
from letheon.study.records import T, decode
from letheon.study.validate.document import Validation
from letheon.study.validate.regimens import PEOPLE, RegimenCheck, RegimenChecks
from letheon.views.commands.main import EXAMPLES, app
from letheon.views.document import markdown, numbers
from letheon.views.document.tree import Block, Document, Section
from letheon.views.subjects import calibration as calibration_subject
from letheon.views.subjects import evidence as studies
from letheon.views.subjects import validation as validation_subject
from letheon.views.subjects.calibration_facts import predictions
from letheon.views.subjects.glossary import terms
from letheon.views.subjects.names import PAIN_MODELS, SUPPORT

DOCS = Path(__file__).resolve().parents[1]
OFTEN = 3  # evidence sets of ten in which a parameter lies outside before it is named

Facts = dict[str, Any]


def stored(name: str) -> Any:
    """Return a file of results that the documentation keeps."""
    return json.loads((DOCS / f"{name}.json").read_text(encoding="utf-8"))


def record(name: str, kind: type[T]) -> T:
    """Return such a file as a record."""
    return decode((DOCS / f"{name}.json").read_bytes(), kind, name)


def evidence() -> Facts:
    """Studies by role."""
    return {"sources": library.sources(), "roles": ROLES, "studies": studies}


def support() -> Facts:
    """Results that could give a label, with the checks of the simulation by pain model."""
    checks = library.checks()
    findings = [list(both) for _, both in groupby((c for c in checks if c.measure == "finding"), lambda c: c.study)]
    rows = [
        (row, [next((c for c in checks if row.is_of(c) and c.pain == pain), None) for pain in PAIN_MODELS])
        for row in support_rows()
    ]
    return {"labels": SUPPORT, "rows": rows, "usable": usable, "findings": findings}


def cli() -> Facts:
    """Commands, in the order of the help."""
    return {"commands": dict(flat(vars(get_command(app))["commands"])), "examples": EXAMPLES, "extras": EXTRAS}


def flat(commands: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Replace each group of commands by its commands."""
    for name, command in commands.items():
        if inner := vars(command).get("commands"):
            yield from flat(inner, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def scenario() -> Facts:
    """Every map of keys of a scenario file with its path; equal maps once."""
    unique: Facts = {}
    for path, fields in maps():
        if not any(fields is other for other in unique.values()):
            unique[path] = fields
    return {"maps": unique}


def calibration() -> Facts:
    """Both fits, each with its predictions beside what was reported."""
    reports = [record(f"calibration/{model}", CalibrationReport) for model in PAIN_MODELS]
    rows = [predictions(one, [other for other in reports if other is not one]) for one in reports]
    return {"reports": list(zip(reports, rows, strict=True)), "subject": calibration_subject}


def validation() -> Facts:
    """Scores of the held-out trials, and the weights of both models."""
    validation = record("calibration/validation", Validation)
    weights = record("calibration/weights", ModelWeights)
    return {"validation": validation, "weights": weights, "subject": validation_subject}


def regimens() -> Facts:
    """Regimens assumed for studies, beside what these report; and relief during infusions for headache."""
    checks = record("calibration/regimens", RegimenChecks).checks

    def plasma(study: str, measure: str, arm: str | None = None) -> RegimenCheck | None:
        own = (c for c in checks if (c.study, c.measure, c.timetable) == (study, measure, False))
        return next((c for c in own if arm in (None, c.arm)), None)

    # it depends on the shipped draws, and is made last
    rows = record("calibration/acute_relief", AcuteRelief).rows if STORED.exists() else ()
    return {"checks": checks, "plasma": plasma, "people": PEOPLE, "relief": sorted(rows, key=lambda row: row.study)}


def glossary() -> Facts:
    """Words with their meaning."""
    return {"terms": terms()}


def adequacy() -> Facts:
    """Recovery of known truths and of known mechanisms."""
    result = record("calibration/adequacy", Adequacy)
    recovery = [result.recovery[model] for model in PAIN_MODELS]
    return {
        "letheon": result.letheon,
        "recovery": recovery,
        "ranks": [tenths([rank for one in model.sets for rank in one.ranks.values()]) for model in recovery],
        "shape": shape,
        "outside": outside,
        "expected": chance_of_misses,
        "often": OFTEN,
        "cross": [result.cross[model] for model in PAIN_MODELS],
    }


def tenths(ranks: Sequence[float]) -> list[int]:
    """Count ranks, the shares of draws below the truth, by tenths."""
    counts = [0] * 10
    for rank in ranks:
        counts[min(int(10 * rank), 9)] += 1
    return counts


def shape(counts: Sequence[int]) -> str:
    """Classify counts by tenths. Ranks of one evidence set depend on each other, so only a clear pattern is named."""
    total = sum(counts)
    error = 2.0 * math.sqrt(0.16 * total)  # two SDs of a share of a fifth
    ends, middle, low = counts[0] + counts[9], counts[4] + counts[5], sum(counts[:5])
    if ends > total / 5 + error and min(counts[0], counts[9]) > total / 10:
        return "narrow"
    if middle > total / 5 + error and ends < total / 5 - error:
        return "wide"
    if abs(low - total / 2) > math.sqrt(total):
        return "low" if low > total / 2 else "high"
    return "even"


def outside(recovery: Recovery) -> dict[str, int]:
    """Count by parameter the evidence sets whose 90 % interval misses the truth, where these are many."""
    ranks = [one.ranks for one in recovery.sets]
    counts = {name: sum(abs(one[name] - 0.5) > 0.45 for one in ranks) for name in ranks[0]}
    return {name: count for name, count in counts.items() if count >= OFTEN}


def chance_of_misses(sets: int) -> float:
    """Return the chance that a correct 90 % interval misses the truth in that many sets."""
    return 1.0 - sum(math.comb(sets, k) * 0.1**k * 0.9 ** (sets - k) for k in range(OFTEN))


def prediction(name: str) -> Facts:
    """Return a prediction on record."""
    return {"prediction": stored(f"predictions/{name}")}


PAGES: dict[str, Callable[[], Facts]] = {
    page.__name__: page
    for page in (evidence, support, cli, scenario, calibration, validation, adequacy, regimens, glossary)
} | {f"predictions/{path.stem}": partial(prediction, path.stem) for path in (DOCS / "predictions").glob("*.json")}


def render(page: str) -> str:
    """Return a page in Markdown."""
    return rendered(page.split("/")[0], PAGES[page]())


def block(one: Block) -> str:
    """Return a part of a document in Markdown."""
    return markdown.render(Document("", (Section("", "", (one,)),))).rstrip()


def rendered(template: str, facts: Facts) -> str:
    """Fill a template."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["spec"] = format
    templates.globals |= {"models": PAIN_MODELS, "number": numbers.number, "exp": math.exp, "block": block}
    return templates.get_template(f"{template}.md.jinja").render(facts)


if __name__ == "__main__":
    for page in sys.argv[1:] or PAGES:
        (DOCS / f"{page}.md").write_text(render(page), encoding="utf-8")
