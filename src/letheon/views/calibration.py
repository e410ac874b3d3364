"""``letheon calibrate`` and ``letheon validate``: fit the pain models, and score them on trials that they never saw."""

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from letheon.definitions import RESEARCH_NOTICE
from letheon.errors import InputError, Interrupted
from letheon.extras import EXTRAS, missing, require
from letheon.files import disk_errors, write
from letheon.library import PAIN_MODELS

if TYPE_CHECKING:
    from letheon.study.sampler import Settings

__all__ = ["EXAMPLES", "finite", "register"]

EXAMPLES = {
    "calibrate": "letheon calibrate --pain slow_site --quick --out calibration",
    "validate": "letheon validate --posterior calibration --out validation.html",
}
_PAGE = "calibration.html"
_OURS = {*PAIN_MODELS, _PAGE, "validation.json", "validation.html"}
_PATIENCE_S = 2.0  # a block of iterations may take longer: it is then done again, to the same bits
_MAX_SEED = 2**63 - 1
Result = TypeVar("Result")
Tell = Callable[[str], None]


def register(app: typer.Typer, write: Callable[..., None], tell: Tell, console: Callable[[], Any]) -> None:
    """Add the commands to the program.

    Parameters
    ----------
    app : typer.Typer
        The program.
    write : callable
        Writes a text to stdout; takes `encoding` too.
    tell : callable
        Writes a sentence to the error stream.
    console : callable
        Returns a console on stdout.
    """

    @app.command(
        short_help="Fit the pain models to published trials.",
        help="Fit the pain models to published trials: posterior draws, diagnostics, and a page that shows what the "
        "data say and what they do not.\n\nIt takes half an hour a model on two cores, and minutes with --quick. "
        "Running it again continues what was interrupted.",
        epilog=f"\b\nExample:\n  {EXAMPLES['calibrate']}",
    )
    def calibrate(
        pain: Annotated[
            str, typer.Option(metavar="MODEL", show_default=False, help="memory, slow_site, or both (the default).")
        ] = "both",
        quick: Annotated[bool, typer.Option("--quick", help="Few and short chains, for a first look.")] = False,
        out: Annotated[
            Path, typer.Option(metavar="DIR", show_default=False, help="Folder of results (default: calibration).")
        ] = Path("calibration"),
        seed: Annotated[str | None, typer.Option(metavar="S", show_default=False, help="Random seed.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
    ) -> None:
        models, number = _models(pain), _seed(seed)
        _refuse_folder(out)
        require("calibrate")
        documents, seconds = _calibrate(models, quick, number, out, tell)
        if as_json:
            told = {"models": documents, "seconds": seconds, "files": _files(out, models)}
            write(_json(told), encoding="utf-8")
        else:
            write(_shown(console(), lambda made: _show_calibrations(made, documents, seconds, out, models)))

    @app.command(
        short_help="Score the pain models on trials they never saw.",
        help="Score both pain models on held-out trials: the chance that each gave to what was found, quantities with "
        "50 and 90 % intervals, and whether the trials can tell which model predicts better.",
        epilog=f"\b\nExample:\n  {EXAMPLES['validate']}",
    )
    def validate(
        posterior: Annotated[
            Path | None,
            typer.Option(metavar="DIR", show_default=False, help="Draws of a calibration, not the shipped ones."),
        ] = None,
        sensitivity: Annotated[
            bool, typer.Option("--sensitivity", help="Also move one assumption at a time: which matters most.")
        ] = False,
        out: Annotated[
            Path | None, typer.Option(metavar="FILE", show_default=False, help="Write a page with figures (HTML).")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
    ) -> None:
        if out is not None:
            _refuse_file(out)
        if posterior is not None and not posterior.is_dir():
            raise InputError(f"{posterior} is not a folder; give the folder of letheon calibrate --out.")
        document = _validate(posterior, sensitivity, tell)
        if out is not None:
            _write_page(document, out)
        if as_json:
            write(_json(document), encoding="utf-8")
        else:
            write(_shown(console(), lambda made: _show_validation(made, document, out)))


# --- what is refused, before anything heavy loads ---


def _models(pain: str) -> tuple[str, ...]:
    if pain == "both":
        return PAIN_MODELS
    if pain not in PAIN_MODELS:
        import difflib

        known = [*PAIN_MODELS, "both"]
        near = difflib.get_close_matches(pain.lower(), known, n=1)
        remedy = f"the nearest is {near[0]}" if near else f"choose among {', '.join(known)}"
        raise InputError(f"--pain {pain[:40]!r} is no pain model; {remedy}.")
    return (pain,)


def _seed(given: str | None) -> int | None:
    if given is None:
        return None
    # digits are counted first, for converting very long numbers takes long
    if not re.fullmatch(r"\+?[0-9]{1,20}", given) or int(given) > _MAX_SEED:
        raise InputError(f"--seed {given[:40]!r} is not a whole number from 0 to {_MAX_SEED}; give e.g. --seed 1.")
    return int(given)


def _refuse_folder(folder: Path) -> None:
    """Refuse what cannot become a folder of calibrations, or is a folder of something else."""
    _refuse_parents(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder with --out.")
    if folder.is_dir():
        held = {entry.name for entry in folder.iterdir()}
        if held and not held & _OURS:
            raise InputError(f"{folder} holds other files ({min(held)}); name another folder with --out.")


def _refuse_file(path: Path) -> None:
    _refuse_parents(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file with --out, such as {path / 'validation.html'}.")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is no folder; make it first, or name another file with --out.")


def _refuse_parents(path: Path) -> None:
    above = next((parent for parent in path.parents if parent.exists()), None)
    if above is not None and not above.is_dir():
        raise InputError(f"{path} cannot be made, for {above} is a file; name another place with --out.")


def _refuse_other_states(folder: Path, models: tuple[str, ...], settings: "Settings") -> None:
    """Refuse a folder of another calibration now, not when the first of two models is done."""
    from dataclasses import asdict

    from letheon.runs.json_file import read_object

    asked = asdict(settings)
    for model in models:
        note = folder / model / "state" / "settings.json"
        if not note.exists():
            continue
        left = read_object(note)
        if left is None:
            raise InputError(f"{note} cannot be read, or is damaged; name another folder with --out.")
        other = [name for name in asked if left.get(name) != asked[name]]
        if other:
            raise InputError(
                f"{folder / model} holds a calibration with other settings ({', '.join(other)}); name another folder "
                "with --out, or ask for the same again."
            )


# --- the work ---


def _calibrate(
    models: tuple[str, ...], quick: bool, seed: int | None, folder: Path, tell: Tell
) -> tuple[dict[str, Any], dict[str, float]]:
    """Fit the models one after the other; return their reports and how long each took."""
    from letheon.views import interruption
    from letheon.views.progress import Stages

    reports, seconds = {}, {}
    try:
        with Stages() as stages:
            stages("loading", 0, 1)
            settings = _settings(quick, seed)
            _refuse_other_states(folder, models, settings)
            for model in models:
                stages.about = model
                start = time.monotonic()
                reports[model] = _one(model, folder / model, settings, stages, tell)
                seconds[model] = time.monotonic() - start
            stages.about = ""
        with disk_errors(folder, "what is finished is kept there: make room and run the same command to go on."):
            _write_calibration_page(reports, folder)
    except interruption.Stuck as error:
        tell(str(error))
        interruption.leave(Interrupted.exit_code)
    except KeyboardInterrupt:
        raise Interrupted(_last_words(folder)) from None
    return reports, seconds


def _settings(quick: bool, seed: int | None) -> "Settings":
    from dataclasses import replace

    from letheon.runs.environment import use_compile_cache

    use_compile_cache()
    from letheon.study.sampler import FULL_SETTINGS, QUICK_SETTINGS

    settings = QUICK_SETTINGS if quick else FULL_SETTINGS
    return settings if seed is None else replace(settings, seed=seed)


def _last_words(folder: Path) -> str:
    return f"interrupted; the state is kept in {folder}: run the same command to go on."


def _one(model: str, folder: Path, settings: "Settings", told: Callable[[str, int, int], None], tell: Tell) -> Any:
    """Fit one model and write its files."""
    from letheon.study import calibration
    from letheon.views import interruption

    def work(progress: Callable[[str, int, int], None]) -> Any:
        return calibration.calibrate(model, folder / "state", settings, progress=progress)

    with disk_errors(folder, "what is finished is kept there: make room and run the same command to go on."):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            result = interruption.interruptible(work, told, tell, _last_words(folder), _PATIENCE_S)
        except ImportError as error:
            if error.name and error.name.split(".")[0] in EXTRAS["calibrate"].packages:
                raise missing("calibrate", error.name) from error
            raise
        report = finite(result.report)
        for name, text in calibration.posterior_files(result, date.today().isoformat()).items():
            write(folder / name, text)
        write(folder / "calibration.json", json.dumps(report, ensure_ascii=False, allow_nan=False, indent=1) + "\n")
    return report


def _write_calibration_page(reports: Mapping[str, Any], folder: Path) -> None:
    """Write the page with all models whose reports lie in the folder, so that two calls make one page."""
    from letheon.runs.json_file import read_object
    from letheon.views.report import calibration

    found = []
    for model in PAIN_MODELS:
        path = folder / model / "calibration.json"
        if model in reports:
            found.append(reports[model])
        elif path.is_file():
            report = read_object(path)
            found += [] if report is None else [report]
    write(folder / _PAGE, calibration.render(found, date.today().isoformat()))


def _validate(posterior: Path | None, sensitivity: bool, tell: Tell) -> dict[str, Any]:
    """Score both models; return the document of a validation, with the tornado if it is asked for."""
    from letheon.views import interruption
    from letheon.views.progress import Stages

    words = "interrupted; a validation keeps nothing: run the same command again."
    try:
        with Stages() as stages:
            stages("loading", 0, 1)
            work = _validation(posterior, sensitivity)
            document = interruption.interruptible(work, stages, tell, words, 2.0)
    except interruption.Stuck as error:
        tell(str(error))
        interruption.leave(Interrupted.exit_code)
    except KeyboardInterrupt:
        raise Interrupted(words) from None
    return document


def _validation(posterior: Path | None, sensitivity: bool) -> Callable[..., dict[str, Any]]:
    from letheon._version import __version__
    from letheon.runs.environment import use_compile_cache

    use_compile_cache()
    values, about = None, {}
    if posterior is not None:
        from letheon.study import shipping

        found = shipping.posteriors_in(posterior)
        values, about = shipping.merged_values(found), {model: dict(one.about) for model, one in found.items()}

    def work(progress: Callable[[str, int, int], None]) -> dict[str, Any]:
        from letheon.study import validation

        document = {
            "letheon": __version__,
            "posterior": about,
            **validation.validate(values, progress=progress),
        }
        if sensitivity:
            from letheon.study import between_studies as studies
            from letheon.study import sensitivity as assumptions

            document["between_studies"] = studies.between_studies(values, fitted=document["studies"], progress=progress)
            document["sensitivity"] = assumptions.tornado(values, progress=progress)
        return finite(document)

    return work


def _write_page(document: Mapping[str, Any], path: Path) -> None:
    from letheon.views.report import validation

    with disk_errors(path, "run the same command again."):
        write(path, validation.render(document, document["letheon"], document.get("sensitivity")))


def finite(value: Any) -> Any:
    """Return a document that JSON can hold: numbers that are not finite become None.

    Parameters
    ----------
    value : object
        Mappings, sequences, numbers and texts.

    Returns
    -------
    object

    Examples
    --------
    >>> finite({"k": float("nan"), "row": (1, float("inf"))})
    {'k': None, 'row': [1, None]}
    """
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# --- what is shown ---


def _json(document: Any) -> str:
    return json.dumps(finite(document), ensure_ascii=False, allow_nan=False) + "\n"


def _shown(console: Any, show: Callable[[Any], None]) -> str:
    with console.capture() as captured:
        show(console)
    return captured.get()


def _files(folder: Path, models: tuple[str, ...]) -> list[str]:
    made = [f"{model}/{name}" for model in models for name in ("calibration.json", f"{model}.csv", f"{model}.toml")]
    return [str(folder / name) for name in (*made, _PAGE)]


def _show_calibrations(
    console: Any, reports: Mapping[str, Any], seconds: Mapping[str, float], folder: Path, models: tuple[str, ...]
) -> None:
    from rich.text import Text

    from letheon.views.calibration_tables import show_calibration

    for model in models:
        others = [report for other, report in reports.items() if other != model]
        show_calibration(reports[model], console, others, seconds[model])
        console.print()
    # paths stay in one piece, to be copied
    console.print(Text(f"Folder: {folder}"), soft_wrap=True)
    for model in models:
        console.print(Text(f"Draws: {folder / model / f'{model}.csv'}"), soft_wrap=True)
    console.print(Text(f"Page: {folder / _PAGE}"), soft_wrap=True)
    console.print(Text(RESEARCH_NOTICE, style="bold"))


def _show_validation(console: Any, document: Mapping[str, Any], out: Path | None) -> None:
    from rich.text import Text

    from letheon.views.validation_tables import show_between_studies, show_sensitivity, show_validation

    show_validation(document, console)
    if "between_studies" in document:
        show_between_studies(document["between_studies"], console)
    if "sensitivity" in document:
        show_sensitivity(document["sensitivity"], console)
    if out is not None:
        console.print(Text(f"Page: {out}"), soft_wrap=True)
    console.print(Text(RESEARCH_NOTICE, style="bold"))
