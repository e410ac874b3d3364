"""What all studies share: frozen records whose attributes are named like the keys of their JSON, and progress."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np

from letheon.errors import InputError

Progress = Callable[[str, int, int], None]  # called with what is done, how many are done, and how many there are


def printed_steps() -> Progress:
    """Return progress that prints what is done once, when all of it is done."""
    printed: set[str] = set()

    def progress(what: str, done: int, all_: int) -> None:
        if done == all_ and what not in printed:  # a search goes on for a while after its last climb
            printed.add(what)
            print(f"{what}: {done} of {all_}", flush=True)

    return progress


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a document; a field with a default is left out of the JSON where it holds that default."""


class Estimate(Record, frozen=True):
    """Median and 90 % interval over draws of the parameters."""

    median: float
    interval_90: tuple[float, float]


def quantiles(values: np.ndarray | Sequence[float]) -> tuple[float, float, float]:
    """Return the 5, 50 and 95 % quantiles of values."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)


T = TypeVar("T", bound=Record)


def _known(kind: type, value: Any) -> Any:
    """Build what tells its kind by its keys, for msgspec."""
    return kind.of(value)


def decode(text: str | bytes, kind: type[T], name: str) -> T:
    """Read a record from the JSON of a file `name`; keys that the record does not know are left out.

    InputError if the text is no JSON, or a key is missing or holds another type.
    """
    try:
        return msgspec.json.decode(text, type=kind, dec_hook=_known)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        what = kind.__name__.lower()
        raise InputError(f"{name} is not the {what} document of this version of Letheon ({error}).") from None


def encode(record: Record, indent: int | None = None) -> str:
    r"""Return a record as JSON with a final newline; numbers that are not finite become null.

    Examples
    --------
    >>> encode(Estimate(median=2.0, interval_90=(1.0, math.inf)))
    '{"median": 2.0, "interval_90": [1.0, null]}\n'
    """
    return json.dumps(_finite(msgspec.to_builtins(record)), ensure_ascii=False, allow_nan=False, indent=indent) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
