"""``letheon validate``: score the pain models on trials that they never saw."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from letheon.definitions import RESEARCH_NOTICE
from letheon.errors import InputError
from letheon.views.commands.calibrate import finite
from letheon.views.commands.interruption import interruptible, stopping_says
from letheon.views.commands.options import AsJson, flag, option, output_file
from letheon.views.commands.output import save_page, show, write_json
from letheon.views.commands.progress import Progress

__all__ = ["validate"]


def validate(
    posterior: Annotated[Path | None, option("DIR", "Draws of a calibration, not the shipped ones.")] = None,
    sensitivity: Annotated[
        bool, flag("--sensitivity", "Also move one assumption at a time: which matters most.")
    ] = False,
    out: Annotated[Path | None, option("FILE", "Write a page with figures (HTML).")] = None,
    as_json: AsJson = False,
) -> None:
    """Score the pain models on trials they never saw.

    The probability that each model gave to the reported results of held-out trials, quantities with 50 and 90 %
    intervals, and whether the trials can tell which model predicts better.

    Example:
      letheon validate --posterior calibration --out validation.html
    """
    if out is not None:
        output_file(out)
    if posterior is not None and not posterior.is_dir():
        raise InputError(f"{posterior} is not a folder; give the folder of letheon calibrate --out.")
    with Progress() as progress:
        progress("loading", 0, 1)
        work = _validation(posterior, sensitivity)
        with stopping_says("a validation keeps nothing: run the same command again."):
            document = interruptible(work, progress, patience_s=2.0)
    if out is not None:
        from letheon.views.report import validation

        save_page(validation.render(document, document["letheon"], document.get("sensitivity")), out)
    if as_json:
        write_json(document)
        return
    from letheon.views.validation_tables import show_between_studies, show_sensitivity, show_validation

    def draw(console: Any) -> None:
        show_validation(document, console)
        if sensitivity:
            show_between_studies(document["between_studies"], console)
            show_sensitivity(document["sensitivity"], console)

    show(draw, *([] if out is None else [f"Page: {out}"]), RESEARCH_NOTICE)


def _validation(posterior: Path | None, sensitivity: bool) -> Callable[..., dict[str, Any]]:
    """Return the work: it scores both models and returns the document, with the tornado if `sensitivity`."""
    from letheon._version import __version__
    from letheon.runs.environment import use_compile_cache

    use_compile_cache()
    values, about = None, {}
    if posterior is not None:
        from letheon.study.calibrate import posteriors as shipping

        tables = shipping.posteriors_in(posterior)
        values, about = shipping.merged_values(tables), {model: dict(one.about) for model, one in tables.items()}

    def work(progress: Callable[[str, int, int], None]) -> dict[str, Any]:
        from letheon.study import plain as validation

        document = {
            "letheon": __version__,
            "posterior": about,
            **validation.validate(values, progress=progress),
        }
        if sensitivity:
            from letheon.study import plain as assumptions
            from letheon.study import plain as studies

            document["between_studies"] = studies.between_studies(values, fitted=document["studies"], progress=progress)
            document["sensitivity"] = assumptions.tornado(values, progress=progress)
        return finite(document)

    return work
