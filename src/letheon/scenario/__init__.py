"""Scenarios: a text with units becomes checked objects, and back.

`load` reads a file, `loads` a text, `load_search` and `loads_search` what is asked of a search too; `dumps` writes a
scenario with every default filled in. Each refusal names file, line and field, what was given and what would work.
"""

from letheon.scenario.loading import load, load_search, loads, loads_search
from letheon.scenario.model import Arm, Beside, Models, Population, Scenario, Spread, pk_choices
from letheon.scenario.writing import dumps

__all__ = [
    "Arm",
    "Beside",
    "Models",
    "Population",
    "Scenario",
    "Spread",
    "dumps",
    "load",
    "load_search",
    "loads",
    "loads_search",
    "pk_choices",
]
