"""``letheon cite``: the sources of a run."""

from typing import Annotated

from letheon.views.commands.options import RunFolder, flag
from letheon.views.commands.output import write, write_text


def cite(run: RunFolder, as_bibtex: Annotated[bool, flag("--bibtex", "Print BibTeX entries.")] = False) -> None:
    """List the sources that a run used.

    Citation, DOI, and how the numbers were read.

    Example:
      letheon cite runs/small --bibtex
    """
    from letheon.runs.sources import bibtex, read_sources
    from letheon.views.subjects.library import citations

    result = read_sources(run)
    if as_bibtex:
        write("".join(f"{line}\n" for line in bibtex(result.letheon, result.sources)))
    else:
        write_text(citations(result.title, f"Letheon {result.letheon}", result.sources))
