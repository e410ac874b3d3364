"""The numbers: drug models, receptor, pain, studies and sources, as frozen records."""

from letheon.library.evidence import PAIN_MODELS, SUPPORT_LABELS, Outcome, Population, Study, StudyArm
from letheon.library.guidelines import Guidance
from letheon.library.harm_evidence import BladderRow, BladderSchedule, HarmCount, UsePattern
from letheon.library.loader import (
    bladder_posterior,
    bladder_rows,
    bladder_schedules,
    guidance,
    harm_counts,
    harms,
    numbers,
    pain,
    pk_model,
    pk_models,
    read_study,
    receptor,
    sources,
    studies,
    study_template,
)
from letheon.library.met import Met, checks
from letheon.library.posterior import Posterior, Weights, posterior, weights
from letheon.library.records import Number, PkModel, Residual, Source

__all__ = [
    "PAIN_MODELS",
    "SUPPORT_LABELS",
    "BladderRow",
    "BladderSchedule",
    "Guidance",
    "HarmCount",
    "Met",
    "Number",
    "Outcome",
    "PkModel",
    "Population",
    "Posterior",
    "Residual",
    "Source",
    "Study",
    "StudyArm",
    "UsePattern",
    "Weights",
    "bladder_posterior",
    "bladder_rows",
    "bladder_schedules",
    "checks",
    "guidance",
    "harm_counts",
    "harms",
    "numbers",
    "pain",
    "pk_model",
    "pk_models",
    "posterior",
    "read_study",
    "receptor",
    "sources",
    "studies",
    "study_template",
    "weights",
]
