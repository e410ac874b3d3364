"""Documents of studies as plain mappings, for views that still read them by key."""

from typing import Any

import msgspec

from letheon.study.calibrate import fit
from letheon.study.calibrate.document import CalibrationReport
from letheon.study.trial import prediction
from letheon.study.validate import between_studies as spreads
from letheon.study.validate import held_out, sensitivity
from letheon.study.validate.document import HeldOutStudy

__all__ = ["between_studies", "calibrate", "ketcrps2", "posterior_files", "tornado", "validate"]


def calibrate(*arguments: Any, **options: Any) -> fit.Calibration:
    """Calibrate; the report is a mapping."""
    result = fit.calibrate(*arguments, **options)
    return result._replace(report=msgspec.to_builtins(result.report))


def posterior_files(result: fit.Calibration, date: str) -> dict[str, str]:
    """Return the files that ship."""
    report = msgspec.convert(result.report, CalibrationReport, dec_hook=lambda kind, value: kind.of(value))
    return fit.posterior_files(result._replace(report=report), date)


def validate(values: Any = None, progress: Any = None) -> dict[str, Any]:
    """Score both pain models on held-out trials."""
    studies = held_out.held_out_table(values, progress=progress)
    times = held_out.timing(values, progress=progress)
    return msgspec.to_builtins({"studies": studies, "total": held_out.total(studies), "timing": times})


def between_studies(values: Any, fitted: Any, progress: Any) -> dict[str, Any]:
    """Vary the spread between studies."""
    studies = msgspec.convert(fitted, tuple[HeldOutStudy, ...])
    return msgspec.to_builtins(spreads.between_studies(values, fitted=studies, progress=progress))


def tornado(values: Any, progress: Any) -> dict[str, Any]:
    """Vary single assumptions."""
    return msgspec.to_builtins(sensitivity.tornado(values, progress))


def ketcrps2(date: str) -> dict[str, Any]:
    """Predict the KetCRPS-2 trial."""
    return msgspec.to_builtins(prediction.ketcrps2(date))
