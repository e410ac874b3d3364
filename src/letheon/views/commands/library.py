"""``letheon library``: the models and numbers that Letheon stands on."""

from typing import Annotated

from letheon.views.commands.options import argument
from letheon.views.commands.output import write_text


def library(
    name: Annotated[str | None, argument("NAME", "A model, section or study, such as otto2021.")] = None,
) -> None:
    """List models and numbers, with their sources.

    The models, sections of numbers and studies of the library; with a NAME, its numbers.

    Example:
      letheon library otto2021
    """
    from letheon.views.subjects.library import contents, entry

    write_text(contents() if name is None else entry(name))
