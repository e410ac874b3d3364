"""``letheon calibrate``: fit the pain models to published trials."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from letheon.definitions import RESEARCH_NOTICE
from letheon.errors import InputError, near_hint
from letheon.extras import EXTRAS, missing, require
from letheon.files import write
from letheon.views.commands.long_work import Progress, interruptible, kept_in, stopping_says
from letheon.views.commands.shell import AsJson, OwnSeed, flag, option, refuse_file_above, show, write_json

if TYPE_CHECKING:
    from letheon.study.calibrate.document import CalibrationReport, Settings

_PAGE = "calibration.html"
_OTHER_FILES = {_PAGE, "validation.json", "validation.html"}
_PATIENCE_S = 2.0  # a block of iterations may take longer: it is then done again, to the same bits


def calibrate(
    pain: Annotated[str, option("MODEL", "memory, slow_site, or both (the default).")] = "both",
    quick: Annotated[bool, flag("--quick", "Few and short chains, for a first look.")] = False,
    out: Annotated[Path, option("DIR", "Folder of results (default: calibration).")] = Path("calibration"),
    seed: OwnSeed = None,
    as_json: AsJson = False,
) -> None:
    """Fit the pain models to published trials.

    Posterior draws, diagnostics, and a page that shows what the data say and what they do not. It takes half an hour
    a model on two cores, and minutes with --quick. Running it again continues what was interrupted.

    Example:
      letheon calibrate --pain slow_site --quick --out calibration
    """
    models = _models(pain)
    _refuse_folder(out)
    require("calibrate")
    reports, seconds = _fit(models, quick, seed, out)
    if as_json:
        names = [f"{one}/{name}" for one in models for name in ("calibration.json", f"{one}.csv", f"{one}.toml")]
        files = [str(out / name) for name in (*names, _PAGE)]
        write_json({"models": reports, "seconds": seconds, "files": files})
        return
    from letheon.views.subjects.calibration import summary

    draws = [f"Draws: {out / model / f'{model}.csv'}" for model in models]
    show(summary(reports, seconds), "", f"Folder: {out}", *draws, f"Page: {out / _PAGE}", RESEARCH_NOTICE)


def _models(pain: str) -> tuple[str, ...]:
    from letheon.library import PAIN_MODELS

    if pain == "both":
        return PAIN_MODELS
    if pain not in PAIN_MODELS:
        raise InputError(f"--pain {pain[:40]!r} is not a pain model; {near_hint(pain, [*PAIN_MODELS, 'both'])}.")
    return (pain,)


def _refuse_folder(folder: Path) -> None:
    """Refuse what cannot become a folder of calibrations, or is a folder of something else."""
    from letheon.library import PAIN_MODELS

    refuse_file_above(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder with --out.")
    names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set[str]()
    if names and not names & {*PAIN_MODELS, *_OTHER_FILES}:
        raise InputError(f"{folder} holds other files ({min(names)}); name another folder with --out.")


def _refuse_other_states(folder: Path, models: tuple[str, ...], settings: "Settings") -> None:
    """Refuse a folder of another calibration now, not when the first of two models is done."""
    from letheon.runs.manifest import read_object

    for model in models:
        note = folder / model / "state" / "settings.json"
        if not note.exists():
            continue
        stored = read_object(note)
        if stored is None:
            raise InputError(f"{note} cannot be read, or is damaged; name another folder with --out.")
        other = [name for name, value in asdict(settings).items() if stored.get(name) != value]
        if other:
            raise InputError(
                f"{folder / model} holds a calibration with other settings ({', '.join(other)}); name another folder "
                "with --out, or ask for the same again."
            )


def _fit(
    models: tuple[str, ...], quick: bool, seed: int | None, folder: Path
) -> tuple[dict[str, "CalibrationReport"], dict[str, float]]:
    """Fit the models one after the other; return their reports and how long each took [s]."""
    reports: dict[str, CalibrationReport] = {}
    seconds: dict[str, float] = {}
    with stopping_says(kept_in(folder)):
        with Progress() as progress:
            progress("loading", 0, 1)
            from letheon.runs.environment import use_compile_cache

            use_compile_cache()
            from letheon.study.calibrate.document import FULL_SETTINGS, QUICK_SETTINGS

            settings = QUICK_SETTINGS if quick else FULL_SETTINGS
            settings = settings if seed is None else replace(settings, seed=seed)
            _refuse_other_states(folder, models, settings)
            for model in models:
                progress.about = model
                start = time.monotonic()
                reports[model] = _fit_one(model, folder / model, settings, progress)
                seconds[model] = time.monotonic() - start
        _write_page(reports, folder)
    return reports, seconds


def _fit_one(model: str, folder: Path, settings: "Settings", progress: Progress) -> "CalibrationReport":
    """Fit one model and write its files."""
    from letheon.study.calibrate import fit as calibration
    from letheon.study.calibrate.document import CalibrationReport
    from letheon.study.records import decode, encode

    folder.mkdir(parents=True, exist_ok=True)
    try:
        result = interruptible(
            lambda report: calibration.calibrate(model, folder / "state", settings, progress=report),
            progress,
            _PATIENCE_S,
        )
    except ImportError as error:
        if error.name and error.name.split(".")[0] in EXTRAS["calibrate"].packages:
            raise missing("calibrate", error.name) from error
        raise
    text = encode(result.report, indent=1)
    for name, content in calibration.posterior_files(result, date.today().isoformat()).items():
        write(folder / name, content)
    write(folder / "calibration.json", text)
    return decode(text, CalibrationReport, model)  # as it will be read: without numbers that are not finite


def _write_page(reports: Mapping[str, "CalibrationReport"], folder: Path) -> None:
    """Write the page with all models whose reports lie in the folder, so that two calls make one page."""
    from letheon.library import PAIN_MODELS
    from letheon.study.calibrate.document import CalibrationReport
    from letheon.study.records import decode
    from letheon.views.document import html
    from letheon.views.subjects.calibration import page

    known: list[CalibrationReport] = []
    for model in PAIN_MODELS:
        path = folder / model / "calibration.json"
        with contextlib.suppress(InputError, OSError):
            known.append(reports.get(model) or decode(path.read_bytes(), CalibrationReport, str(path)))
    write(folder / _PAGE, html.render(page(known, date.today().isoformat())))
