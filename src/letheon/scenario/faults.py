"""Collect every refusal of a file, instead of stopping at the first.

A reader refuses by raising `InputError`, which ends it. Within `collect`, each `attempt` keeps the refusal and returns
`LOST` in place of a value. Code that uses `LOST` ends silently at the attempt around it, so a rule between two keys is
skipped if one of them was refused. Outside `collect`, an attempt is a plain call.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from letheon.errors import InputError

__all__ = ["LOST", "attempt", "collect", "collecting", "faultless", "strictly"]

T = TypeVar("T")


class _LostValueError(Exception):
    """A value was used that had been refused; not an `InputError`, so that no reader takes it for a refusal."""


class _Lost:
    """A value that was refused: any use of it ends the attempt that uses it; `is` and `isinstance` are no use."""

    def _use(self, *_: Any) -> Any:
        raise _LostValueError

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name) if name.startswith("__") else _LostValueError

    # what Python looks up in the class
    __call__ = __iter__ = __contains__ = __len__ = __getitem__ = __bool__ = __hash__ = _use
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __str__ = __repr__ = __format__ = _use
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __floordiv__ = _use
    __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __or__ = __ror__ = __and__ = __rand__ = __neg__ = __abs__ = _use
    __int__ = __float__ = __index__ = __round__ = __divmod__ = __rdivmod__ = __fspath__ = _use


LOST: Any = _Lost()
_Faults = dict[tuple[int, str, str], InputError]
_faults: ContextVar[_Faults | None] = ContextVar("faults", default=None)


def attempt(read: Callable[..., T], *arguments: Any) -> T:
    """Return the value of a reader; within `collect`, keep its refusal and return `LOST`."""
    faults = _faults.get()
    if faults is None:
        return read(*arguments)
    try:
        return read(*arguments)
    except _LostValueError:
        pass
    except InputError as error:
        # a value is refused once: what is then said of it follows from that
        faults.setdefault((*error.place, "" if error.once else str(error)), error)
    return LOST


def collect(read: Callable[..., T], *arguments: Any) -> tuple[T, tuple[InputError, ...]]:
    """Return the value of a reader and all its refusals, by line; the value means nothing if there are any.

    >>> def read(numbers):
    ...     return [attempt(refuse, number) for number in numbers]
    >>> def refuse(number):
    ...     raise InputError(f"{number} is no number")
    >>> [str(fault) for fault in collect(read, "ab")[1]]
    ['a is no number', 'b is no number']
    """
    faults: _Faults = {}
    token = _faults.set(faults)
    try:
        value = attempt(read, *arguments)
    finally:
        _faults.reset(token)
    return value, tuple(sorted(faults.values(), key=lambda fault: fault.place[0]))


def strictly(read: Callable[..., T], *arguments: Any) -> T:
    """Return the value of a reader, or raise its first refusal, even within `collect`."""
    token = _faults.set(None)
    try:
        return read(*arguments)
    finally:
        _faults.reset(token)


def collecting() -> bool:
    """Whether refusals are kept rather than raised."""
    return _faults.get() is not None


def faultless() -> bool:
    """Whether no refusal was kept so far."""
    return not _faults.get()
