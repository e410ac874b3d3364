"""The one pipeline. Its order:

1. `plan`: each arm of a scenario becomes data: models, mesh, rates, rows to save.
2. `assemble`: the library and a patient become plasma systems, body parameters and rates.
3. `block`: a block of patients is simulated through an arm (`simulate`, `state`, `clinic`): plasma, receptor block,
   pain memory and slow site, pain, diary, endpoints. One compiled program for each structure.
4. `histograms`: levels and scores of a block become counts on fixed bins, which merge exactly in any order.
5. `survival`: Kaplan-Meier curves of the times to relapse.
6. `labels`: how well each result is supported, by study.
7. `support`: intervals of means, and where models are used beyond what they were studied in.
8. `summary`: merged blocks become the result document.

`letheon.runs` drives it block by block and keeps what it makes.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from letheon.pipeline.assemble import Switches
    from letheon.pipeline.block import BLOCK, BlockResult, run_block
    from letheon.pipeline.histograms import Profile
    from letheon.pipeline.plan import ArmPlan, plan_arms
    from letheon.pipeline.summary import ArmTotals

__all__ = ["BLOCK", "ArmPlan", "ArmTotals", "BlockResult", "Profile", "Switches", "plan_arms", "run_block"]

_HOMES = {
    "assemble": ("Switches",),
    "block": ("BLOCK", "BlockResult", "run_block"),
    "histograms": ("Profile",),
    "plan": ("ArmPlan", "plan_arms"),
    "summary": ("ArmTotals",),
}


def __getattr__(name: str) -> Any:
    # the numerical libraries load with a simulation, not with what is known of a scenario beforehand
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'letheon.pipeline' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"letheon.pipeline.{home}"), name)
