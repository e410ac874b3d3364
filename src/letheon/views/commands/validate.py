"""``letheon validate``: score the pain models on trials that they never saw."""

from pathlib import Path
from typing import Annotated

from letheon.definitions import RESEARCH_NOTICE
from letheon.errors import InputError
from letheon.views.commands.long_work import Progress, interruptible, stopping_says
from letheon.views.commands.shell import AsJson, flag, option, output_file, save_page, show, write


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
        from letheon.runs.environment import use_compile_cache

        use_compile_cache()
        from letheon.study.calibrate.posteriors import merged_values, posteriors_in
        from letheon.study.validate import validation as scoring

        tables = {} if posterior is None else posteriors_in(posterior)
        values = merged_values(tables) if tables else None
        about = {model: dict(one.about) for model, one in tables.items()}
        with stopping_says("a validation keeps nothing: run the same command again."):
            validation = interruptible(
                lambda report: scoring.validate(values, about, sensitivity, report), progress, patience_s=2.0
            )
    from letheon.views.subjects import validation as subject

    if out is not None:
        from letheon.views.document import html

        save_page(html.render(subject.page(validation)), out)
    if as_json:
        from letheon.study.records import encode

        write(encode(validation), encoding="utf-8")
        return
    show(subject.summary(validation), "", *([] if out is None else [f"Page: {out}"]), RESEARCH_NOTICE)
