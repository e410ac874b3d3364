"""``letheon check``: all that is wrong with a scenario, and what it means; nothing runs."""

import typer

from letheon.errors import InputError
from letheon.views.commands.shell import AsJson, ScenarioFile, show, write_json


def check(scenario: ScenarioFile, as_json: AsJson = False) -> None:
    """List every fault of a scenario, and say what it means.

    Every refusal and every warning at once; the scenario in plain sentences and on a time line; and what differs from
    published regimens and from guidance, each with its source. Nothing is simulated. The exit code is 2 where there
    are faults.

    Example:
      letheon check examples/schwartzman2009.yaml
    """
    from letheon.study import check as checks
    from letheon.views.subjects.check import document

    result = checks.check(scenario)
    if as_json:
        write_json(checks.document_of(result))
    else:
        show(document(result))
    if result.faults:
        raise typer.Exit(InputError.exit_code)
