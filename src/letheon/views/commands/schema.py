"""``letheon schema``: JSON Schema of scenario files and of results."""

import json
from typing import Annotated

from letheon.views.commands.options import flag
from letheon.views.commands.output import write


def schema(
    result: Annotated[bool, flag("--result", "That of the result document of `letheon simulate --json`.")] = False,
) -> None:
    """Print the JSON Schema of scenario files.

    With it (draft 2020-12) an editor completes and checks them.

    Example:
      letheon schema > scenario.schema.json
    """
    if result:
        from letheon.pipeline.result import json_schema as made_from
    else:
        from letheon.scenario.schema import schema as made_from
    write(json.dumps(made_from(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
