"""``letheon cite``: the sources of a run."""

from typing import Annotated

from letheon.views.commands.options import RunFolder, flag
from letheon.views.commands.output import write_lines

__all__ = ["cite"]


def cite(
    run: RunFolder,
    as_bibtex: Annotated[bool, flag("--bibtex", "Print BibTeX entries.")] = False,
) -> None:
    """List the sources that a run used.

    Citation, DOI, and how the numbers were read.

    Example:
      letheon cite runs/small --bibtex
    """
    from letheon.views import catalogue

    document = catalogue.read_document(run)
    write_lines(catalogue.bibtex(document) if as_bibtex else catalogue.citations(document))
