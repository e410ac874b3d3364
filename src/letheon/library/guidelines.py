"""What guidelines say about doses, as frozen records: for whom each statement was written and how it was read."""

from dataclasses import dataclass
from typing import Annotated

from letheon.library.reading import (
    FieldError,
    NotNegative,
    Remark,
    Seen,
    Text,
    check_keys,
    one_of,
    read_toml,
    record,
    rows,
)

# What a statement may be about.
MEASURES = ("rate_mg_kg_h", "push_mg_kg", "course_mg", "boosters_per_year")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """One statement of a guideline about dosing."""

    id: Text
    source: Text  # key in ``sources.bib``
    statement: Text  # in our own words
    written_for: Text  # whom the guideline speaks of
    measure: Annotated[str, one_of(MEASURES)]
    at_least: NotNegative | None = None  # ends of what it names; None where it names none
    at_most: NotNegative | None = None
    verified: Seen  # how it was read
    via: Remark = ""  # what was read, where this is not the guideline itself
    note: Remark = ""  # what a reader must know about it

    def __post_init__(self) -> None:
        if self.at_least is None and self.at_most is None:
            raise FieldError("give 'at_least', 'at_most' or both")
        if self.verified == "secondary" and not self.via:
            raise FieldError("a second-hand value says in 'via' what was read")


def parse_guidance(text: str, place: str) -> tuple[Guidance, ...]:
    """Read the statements of guidelines."""
    document = read_toml(text, place)
    check_keys(document, ("guidance",), (), place)
    return rows(record(Guidance))(document["guidance"], f"{place} [[guidance]]")
