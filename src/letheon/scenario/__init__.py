"""Scenarios: a text with units becomes checked objects, and back.

`load` reads a file, `loads` a text, `dumps` writes a scenario with every default filled in. Each refusal
names file, line and field, what was given and what would work.
"""

from letheon.scenario.reading import load, loads
from letheon.scenario.records import Arm, Beside, Models, Population, Scenario, Spread, pk_choices
from letheon.scenario.writing import dumps

__all__ = ["Arm", "Beside", "Models", "Population", "Scenario", "Spread", "dumps", "load", "loads", "pk_choices"]
