"""What some blocks of one arm add up to: endpoints by patient, counts and sums of profiles; merges in any order."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from letheon.pipeline import Profile
from letheon.scenario.measures import measure_of, split_name

__all__ = ["CHUNK", "Block", "ChunkResult", "Columns", "joined", "smallest_type"]

CHUNK = 32  # blocks that are kept, checked and written together; results depend on neither this nor their order

_WHOLE = ("patient", "draw")
_TYPES = {"share": np.int8, "NRS": np.int8, "days": np.int16}  # of measures in these units, by patient


def smallest_type(name: str, values: np.ndarray) -> np.ndarray:
    """Give a column the smallest type that holds it exactly; diary entries and flags are whole numbers.

    >>> smallest_type("nrs_day_7", np.array([4.0, 7.0])).dtype
    dtype('int8')
    """
    bare = split_name(name)[1]
    if name in _WHOLE:
        return values.astype(np.int64 if name == "patient" else np.int16)
    if bare in ("bistable", "boosters"):
        return values.astype(np.int8 if bare == "bistable" else np.int16)
    measure = None if bare.startswith("nrs_week_") else measure_of(bare)  # means are not whole
    return values.astype(_TYPES.get(measure.unit if measure else "", np.float64))


class Block(NamedTuple):
    """What one block leaves."""

    number: int
    columns: dict[str, np.ndarray]  # endpoints by patient; of a bank block, means by draw
    profile: Mapping[str, tuple[np.ndarray, np.ndarray]] | None  # of the population: see `digitise`
    bank: dict[str, np.ndarray] | None  # of a bank block: means of the profiles, shape (draw, time)
    events: dict[str, np.ndarray] | None = None  # the log of events, a row an event


class ChunkResult:
    """Some blocks of one arm, all of the population (``people``) or all of the uncertainty bank (``bank``)."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.profile = Profile(times)
        self.columns: dict[int, dict[str, np.ndarray]] = {}  # these three by block, as in `Block`
        self.bank: dict[int, dict[str, np.ndarray]] = {}
        self.events: dict[int, dict[str, np.ndarray]] = {}
        self.last_booster_h = 0.0  # when the last booster of any patient began [h]; 0 without boosters

    def add(self, block: Block) -> None:
        """Add a block."""
        self.columns[block.number] = block.columns
        if block.profile is not None:
            self.profile.add(block.profile)
        if block.bank is not None:
            self.bank[block.number] = block.bank
        if block.events is not None:
            self.events[block.number] = block.events
            boosters = block.events["time_h"][block.events["event"] == "booster"]
            self.last_booster_h = max(self.last_booster_h, float(boosters.max(initial=0.0)))

    def merge(self, other: "ChunkResult") -> None:
        """Take over what another has."""
        self.columns |= other.columns
        self.bank |= other.bank
        self.events |= other.events
        self.last_booster_h = max(self.last_booster_h, other.last_booster_h)
        if not self.profile.patients:
            self.profile = other.profile  # taken, not copied: it is large
        elif other.profile.patients:
            self.profile.merge(other.profile)

    def table(self) -> dict[str, np.ndarray]:
        """Return the columns of all blocks in the order of the blocks."""
        return joined(self.columns)


def joined(blocks: Mapping[int, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Join the columns of blocks in the order of the blocks."""
    order = sorted(blocks)
    return (
        {name: np.concatenate([blocks[block][name] for block in order]) for name in blocks[order[0]]} if order else {}
    )


class Columns(Mapping):
    """Endpoints of an arm by name, of all patients in order; a column is put together when it is asked for.

    So of a large population two columns at a time are in memory. `parts` are the chunks in order: each a mapping of str
    to array, or an object with a ``column`` method that reads one.
    """

    def __init__(self, parts: Iterable[Any]) -> None:
        self.parts = list(parts)
        self._last: dict[str, np.ndarray] = {}  # both pain models are asked for again and again

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._last:
            columns = [part.column(name) if hasattr(part, "column") else part[name] for part in self.parts]
            self._last = dict(list(self._last.items())[-1:])
            self._last[name] = np.concatenate(columns).astype(np.float64)
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        return iter(getattr(self.parts[0], "names", self.parts[0]))

    def __len__(self) -> int:
        return len(list(self))
