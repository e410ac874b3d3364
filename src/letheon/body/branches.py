"""Which state of a compartment system feeds which, and propagators without the entries that are therefore zero.

The compartments that exchange with the one that is dosed are the root. Beyond it lie branches, such as a chain of
metabolites or an effect site, that the root feeds and that feed nothing but themselves. Half of the entries of the
propagator of a model with effect sites are zero for that reason. Leaving them out changes no bit of a result, since
what they add is zero, and saves half of the memory that a step must read, which is what bounds it.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from letheon.arrays import Array, jax, jnp

__all__ = ["Branch", "Branched", "Flows", "advance_branches", "at_rest", "branches_of", "packed"]

Flows = tuple[tuple[int, int], ...]


class Branch(NamedTuple):
    """Some states of a system."""

    rows: tuple[int, ...]  # the states
    # for each state the columns of its row of the propagator that are kept: root, branch itself, infusion
    columns: tuple[tuple[int, ...], ...]
    alone: bool  # whether each state of the branch feeds only itself


@lru_cache
def branches_of(size: int, flows: Flows | None) -> tuple[Branch, ...]:
    """Split a system whose first state is dosed.

    >>> [branch.rows for branch in branches_of(4, ((1, 0), (0, 1), (2, 0), (3, 1)))]
    [(0, 1), (2, 3)]
    """
    reach = np.eye(size, dtype=bool)  # [i, j]: what is in j may come to i
    for target, source in flows or ():
        reach[target, source] = True
    if flows is None:
        reach[:] = True
    for _ in range(size):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    linked = reach | reach.T
    root = tuple(np.flatnonzero(reach[:, 0] & reach[0]).tolist())
    others = [i for i in range(size) if i not in root]
    if reach[np.ix_(root, others)].any():
        return branches_of(size, None)  # something feeds the root that it does not feed
    result = [Branch(root, tuple((*root, size) for _ in root), alone=False)]
    single = tuple(i for i in others if not any(linked[i, j] for j in others if j != i))
    if single:
        result.append(Branch(single, tuple((*root, i, size) for i in single), alone=True))
    left = [i for i in others if i not in single]
    while left:
        own = {left[0]}
        while grown := {j for j in left if j not in own and any(linked[i, j] for i in own)}:
            own |= grown
        rows = tuple(sorted(own))
        result.append(Branch(rows, tuple((*root, *rows, size) for _ in rows), alone=False))
        left = [i for i in left if i not in own]
    return tuple(result)


def packed(table: Array, branches: tuple[Branch, ...]) -> list[Array]:
    """Leave out what is zero."""
    return [table[..., np.array(b.rows)[:, None], np.array(b.columns)] for b in branches]


@jax.tree_util.register_pytree_node_class
class Branched:
    """State of a system, in `parts` of shape (row, …), one for each branch; ``state[i]`` is the i-th of the system."""

    def __init__(self, parts: Sequence[Array], branches: tuple[Branch, ...]) -> None:
        self.parts, self.branches = parts, branches

    def tree_flatten(self) -> tuple:
        """Return what changes and what does not."""
        return tuple(self.parts), self.branches

    @classmethod
    def tree_unflatten(cls, branches: tuple[Branch, ...], parts: Sequence[Array]) -> Array:
        """Put it together again."""
        return cls(parts, branches)

    def __getitem__(self, index: int) -> Array:
        for part, branch in zip(self.parts, self.branches, strict=True):
            if index in branch.rows:
                return part[branch.rows.index(index)]
        raise IndexError(index)


def at_rest(branches: tuple[Branch, ...], shape: tuple[int, ...]) -> Branched:
    """Return empty states."""
    return Branched([jnp.zeros((len(b.rows), *shape)) for b in branches], branches)


def advance_branches(step: Array, state: Branched, rate: Array) -> Branched:
    """Carry a state over a step, as `letheon.body.propagator.advance` does, to the same bits."""
    root = state.parts[0]
    result = []
    for number, (entries, own, branch) in enumerate(zip(step, state.parts, state.branches, strict=True)):
        terms = [entries[:, k] * root[k] for k in range(len(root))]
        k = len(root)
        if branch.alone:
            terms.append(entries[:, k] * own)
        elif number:
            terms += [entries[:, k + i] * own[i] for i in range(len(own))]
        result.append(sum(terms) + entries[:, -1] * rate)
    return Branched(result, state.branches)
