"""Clinical and product definitions, read from ``definitions.toml``, which says what each one means.

Examples
--------
>>> RELIEF, RELAPSE, RELAPSE_DAYS, RELAPSE_OF_DAYS, REMISSION_DAYS
(0.7, 0.85, 5, 7, 14)
"""

import tomllib
from importlib.resources import files
from typing import Any

_HOME: dict[str, dict[str, Any]] = tomllib.loads(files("letheon").joinpath("definitions.toml").read_text("utf-8"))

RELIEF: float = _HOME["relief"]["left"]
HALF: float = _HOME["relief"]["half"]
POINTS: float = _HOME["relief"]["points"]
AVERAGED_DAYS: int = _HOME["relief"]["averaged_days"]
SLACK: float = _HOME["relief"]["slack"]

RELAPSE: float = _HOME["relapse"]["left"]
RELAPSE_DAYS: int = _HOME["relapse"]["days"]
RELAPSE_OF_DAYS: int = _HOME["relapse"]["of_days"]

BASELINE_DAYS: int = _HOME["days"]["baseline"]
REMISSION_DAYS: int = _HOME["days"]["remission"]
ENDPOINT_DAYS: tuple[int, ...] = tuple(_HOME["days"]["endpoints"])
AT_RISK_DAYS: tuple[int, ...] = tuple(_HOME["days"]["at_risk"])
LAST_SUPPORTED_DAY: int = _HOME["days"]["supported"]

RESEARCH_NOTICE: str = _HOME["notices"]["research"]
PAGE_NOTICE: str = _HOME["notices"]["page"]
SEARCH_NOTICE: str = _HOME["notices"]["search"]
WORKSHEET_NOTICE: str = _HOME["notices"]["worksheet"]
