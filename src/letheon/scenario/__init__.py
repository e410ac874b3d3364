"""Scenarios: read a text with units into checked objects, and write it again.

`load` reads a file, `loads` a text; `load_search` and `loads_search` also read the block `optimise`. `dumps` writes a
scenario with every default filled in. Each error names file, line and field, what was found and what was expected.
"""

from letheon.scenario.loading import load, load_search, loads, loads_search
from letheon.scenario.model import (
    Arm,
    Beside,
    Models,
    OwnEndpoints,
    Population,
    Responder,
    Scenario,
    Spread,
    pk_choices,
)
from letheon.scenario.writing import dumps

__all__ = [
    "Arm",
    "Beside",
    "Models",
    "OwnEndpoints",
    "Population",
    "Responder",
    "Scenario",
    "Spread",
    "dumps",
    "load",
    "load_search",
    "loads",
    "loads_search",
    "pk_choices",
]
