"""Documents of studies: read as records and written again, the stored files stay equal in every byte."""

from pathlib import Path

import pytest

from letheon.errors import InputError
from letheon.study.calibrate.document import Adequacy, CalibrationReport, ReportedCount, ReportedLimits, ReportedValue
from letheon.study.records import Record, decode, encode
from letheon.study.trial.prediction import Prediction
from letheon.study.validate.document import Validation

DOCS = Path(__file__).resolve().parent.parent / "docs"
STORED: dict[str, tuple[type[Record], int | None]] = {
    "calibration/memory.json": (CalibrationReport, 1),
    "calibration/slow_site.json": (CalibrationReport, 1),
    "calibration/adequacy.json": (Adequacy, 1),
    "calibration/validation.json": (Validation, None),
    "predictions/ketcrps2-2026-11-23.json": (Prediction, 1),
}


@pytest.mark.parametrize("name", STORED)
def test_a_stored_document_is_written_again_in_the_same_bytes(name: str) -> None:
    kind, indent = STORED[name]
    text = (DOCS / name).read_text(encoding="utf-8")
    assert encode(decode(text, kind, name), indent) == text


def test_each_kind_of_report_is_recognised() -> None:
    text = (DOCS / "calibration/memory.json").read_text(encoding="utf-8")
    checks = decode(text, CalibrationReport, "memory.json").checks
    mean, count, limits = (checks[n].reported for n in ("baseline mean", "noppers drug day 7", "goldberg baseline"))
    assert isinstance(mean, ReportedValue) and mean.se > 0
    assert isinstance(count, ReportedCount) and count.value == count.count / count.n
    assert isinstance(limits, ReportedLimits) and (limits.low, limits.high) == (8.0, 9.0)
    assert checks["goldberg relief day 2"].reported is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]", "Expected `object`"),
        ("{", "truncated"),
        ('{"letheon": 1}', r"\$.letheon"),
        ("{}", "`letheon`"),
        ("\xff", ""),
    ],
)
def test_another_document_is_refused_by_name(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=rf"x\.json is not the validation document .*{fault}"):
        decode(text, Validation, "x.json")
