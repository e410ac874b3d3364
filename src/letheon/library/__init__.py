"""The numbers: drug models, receptor, pain, studies and sources, as frozen records."""

from letheon.library.evidence import Outcome, Population, Study, StudyArm
from letheon.library.loader import (
    numbers,
    pain,
    pk_model,
    pk_models,
    receptor,
    sources,
    studies,
)
from letheon.library.records import Number, PkModel, Residual, Source

__all__ = [
    "Number",
    "Outcome",
    "PkModel",
    "Population",
    "Residual",
    "Source",
    "Study",
    "StudyArm",
    "numbers",
    "pain",
    "pk_model",
    "pk_models",
    "receptor",
    "sources",
    "studies",
]
