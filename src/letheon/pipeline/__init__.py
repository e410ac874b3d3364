"""The one pipeline. Its order:

1. `arms`: each arm of a scenario becomes data: models, mesh, rates, rows to save.
2. `block`: a block of patients runs through an arm: individual parameters, plasma, receptor block, pain memory and
   slow site, pain, diary, endpoints. One compiled program for each structure.
3. `bins`: levels and scores of a block become counts on fixed bins, which merge exactly in any order.
4. `support`: how well each result is supported, and where models are used beyond what they were studied in.
5. `summary`: merged blocks become the result document.

`letheon.runs` drives it block by block and keeps what it makes.
"""

from letheon.pipeline.arms import ArmPlan, plan_arms
from letheon.pipeline.bins import Profile
from letheon.pipeline.block import BLOCK, BlockResult, Switches, run_block
from letheon.pipeline.summary import ArmTotals, document

__all__ = [
    "BLOCK",
    "ArmPlan",
    "ArmTotals",
    "BlockResult",
    "Profile",
    "Switches",
    "document",
    "plan_arms",
    "run_block",
]
