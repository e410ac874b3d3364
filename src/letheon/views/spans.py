"""Both ends of an interval in words: where they read alike, what they are sure to within."""

import re

__all__ = ["ends"]

_NUMBER = re.compile(r"\s*[+\-\u2212]?(\d[\d,]*)(?:\.(\d+))?\s*")


def ends(low: str, high: str, joint: str = " to ", zero_step: float | None = None) -> str:
    """Return an interval from its ends as they are written.

    Parameters
    ----------
    low, high : str
        The ends, rounded, without a unit.
    joint : str
        What stands between them.
    zero_step : float, optional
        What a lone 0 is sure to within, where it means more than its last digit says.

    Returns
    -------
    str
        Both ends; if they read alike, what they are sure to within.

    Examples
    --------
    >>> ends("4.1", "5.0"), ends("50", "50"), ends("7.24", "7.24"), ends("0.0", "0.0")
    ('4.1 to 5.0', '50 ±≤1', '7.24 ±≤0.01', '≤0.1')
    >>> ends("under 0.1", "under 0.1"), ends("0", "0", zero_step=0.1)
    ('under 0.1', '≤0.1')
    """
    if low != high:
        return f"{low}{joint}{high}"
    match = _NUMBER.fullmatch(low)
    if match is None:  # a bound already, or a word
        return low
    step = 10.0 ** -len(match[2] or "")
    if not re.search("[1-9]", low):
        return f"≤{step if zero_step is None else zero_step:g}"
    return f"{low} ±≤{step:g}"
