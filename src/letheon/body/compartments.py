"""Plasma: the library's pharmacokinetic models as linear compartment systems, solved exactly.

Amounts are milligrams of each substance, times hours, volumes litres; concentrations leave in ng/mL.
A molar model's fluxes are converted to milligrams at the point of metabolism, which is the same thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from jaxtyping import Real

from letheon.arrays import Array, jax, jnp
from letheon.body.branches import Branch, Flows, branches_of
from letheon.body.propagator import advance, one_propagator
from letheon.errors import InputError

__all__ = ["STRUCTURES", "System", "build", "levels", "with_effect_site"]

_NG_PER_ML = 1000.0  # 1 mg/L = 1000 ng/mL


@partial(jax.tree_util.register_dataclass, data_fields=["rates", "scale"], meta_fields=["states", "readouts", "flows"])
@dataclass(frozen=True, slots=True)
class System:
    """A linear compartment system of one patient.

    Attributes
    ----------
    rates : array, shape (state, state)
        Matrix A of dx/dt = A x + b r [1/h]; the infusion enters the first state.
    scale : array, shape (readout,)
        Concentration per amount of each readout [ng/mL per mg].
    readouts : tuple of (str, int)
        Substance or site, and the state that it is read from.
    flows : tuple of (int, int), optional
        Target and source of every flow; without it any state may feed any other.
    """

    rates: Array
    scale: Array
    states: tuple[str, ...]
    readouts: tuple[tuple[str, int], ...]
    flows: Flows | None = None

    @property
    def branches(self) -> tuple[Branch, ...]:
        """What feeds what, where a third of the propagator or more is zero; otherwise all states in one.

        More branches are more small kernels in each step: in a system of six states they take longer than the zeros.
        """
        size = len(self.states)
        result = branches_of(size, self.flows)
        kept = sum(len(branch.rows) * len(branch.columns[0]) for branch in result)
        return result if 3 * kept <= 2 * size * (size + 1) else branches_of(size, None)

    @property
    def entry(self) -> Array:
        """Response of the states to a unit infusion rate, shape (state,)."""
        return jnp.zeros_like(self.rates[0]).at[0].set(1.0)

    def read(self, name: str, state: Array) -> Array:
        """Return the concentration [ng/mL] of a substance or effect site from a state."""
        for row, (readout, index) in enumerate(self.readouts):
            if readout == name:
                return state[index] * self.scale[row]
        raise KeyError(name)

    def only_upstream_of(self, name: str) -> "System":
        """Keep a site, the dosed parent's compartments and nothing downstream: same numbers, fewer states."""
        keep = [i for i, state in enumerate(self.states) if state[0] == "k" or state in ("liver", name)]
        names = tuple(self.states[i] for i in keep)
        rows = [r for r, (_, i) in enumerate(self.readouts) if i in keep]
        readouts = tuple((self.readouts[r][0], keep.index(self.readouts[r][1])) for r in rows)
        index = jnp.array(keep)
        left = tuple((keep.index(i), keep.index(j)) for i, j in self.flows or () if i in keep and j in keep)
        flows = None if self.flows is None else left
        return System(self.rates[index][:, index], self.scale[jnp.array(rows)], names, readouts, flows)


class _Draft:
    """Collects flows between named states, then makes the matrix; every gain has its loss unless said."""

    def __init__(self, states: str) -> None:
        self.states = tuple(states.split())
        self.flows: dict[tuple[str, str], list] = {}

    def flow(self, source: str, target: str | None, rate: Array, share: Array = 1.0) -> None:
        """Move `rate` of the source per hour; `share` of it (in mg of the target) arrives, the rest leaves."""
        self.flows.setdefault((source, source), []).append(-rate)
        if target is not None:
            self.flows.setdefault((target, source), []).append(rate * share)

    def exchange(self, one: str, other: str, clearance: Array, volume_one: Array, volume_other: Array) -> None:
        """Let two compartments exchange by an inter-compartmental clearance [L/h]."""
        self.flow(one, other, clearance / volume_one)
        self.flow(other, one, clearance / volume_other)

    def system(self, **volumes: Array) -> System:
        """Make the system; `volumes` names the substance read from each state and its volume [L]."""
        rows = [[sum(self.flows.get((i, j), [0.0])) for j in self.states] for i in self.states]
        matrix = jnp.stack([jnp.stack([jnp.asarray(x, float) for x in row]) for row in rows])
        readouts = tuple((name, self.states.index(state)) for state, (name, _) in volumes.items())
        scale = jnp.stack([jnp.asarray(_NG_PER_ML / v, float) for _, v in volumes.values()])
        flows = tuple(sorted((self.states.index(i), self.states.index(j)) for i, j in self.flows))
        return System(matrix, scale, self.states, readouts, flows)


def _disposition(draft: _Draft, p: Mapping[str, Array], three: bool = True) -> None:
    draft.exchange("k1", "k2", p["q2"], p["v1"], p["v2"])
    if three:
        draft.exchange("k1", "k3", p["q3"], p["v1"], p["v3"])


def _parent3(p: Mapping[str, Array], parent: str, metabolite: str, constants: Mapping[str, Any]) -> Array:
    draft = _Draft("k1 k2 k3")
    _disposition(draft, p)
    draft.flow("k1", None, p["cl"] / p["v1"])
    return draft.system(k1=(parent, p["v1"]))


def _parent3_met2_direct(p: Mapping[str, Array], parent: str, metabolite: str, constants: Mapping[str, Any]) -> Array:
    draft = _Draft("k1 k2 k3 n1 n2")
    _disposition(draft, p)
    draft.flow("k1", "n1", p["cl"] / p["v1"])  # apparent volumes: milligrams of parent enter unchanged
    draft.exchange("n1", "n2", p["qn"], p["vn1"], p["vn2"])
    draft.flow("n1", None, p["cln"] / p["vn1"])
    return draft.system(k1=(parent, p["v1"]), n1=(metabolite, p["vn1"]))


def _chain(draft: _Draft, p: Mapping[str, Array], constants: Mapping[str, Any]) -> None:
    _disposition(draft, p)
    to_norketamine = constants["molar_mass_norketamine"] / constants["molar_mass_ketamine"]
    delay = 2.0 / p["mtt"]
    draft.flow("k1", "d1", p["cl"] / p["v1"], p["fm"] * to_norketamine)
    draft.flow("d1", "d2", delay)
    draft.flow("d2", "n1", delay)
    draft.exchange("n1", "n2", p["qn"], p["vn1"], p["vn2"])


def _molar_chain(p: Mapping[str, Array], parent: str, metabolite: str, constants: Mapping[str, Any]) -> Array:
    draft = _Draft("k1 k2 k3 d1 d2 n1 n2")
    _chain(draft, p, constants)
    draft.flow("n1", None, p["cln"] / p["vn1"])
    return draft.system(k1=(parent, p["v1"]), n1=(metabolite, p["vn1"]))


def _molar_chain_hnk(p: Mapping[str, Array], parent: str, metabolite: str, constants: Mapping[str, Any]) -> Array:
    draft = _Draft("k1 k2 k3 d1 d2 n1 n2 e1 e2 h1 h2")
    _chain(draft, p, constants)
    to_hydroxy = constants["molar_mass_hydroxynorketamine"] / constants["molar_mass_norketamine"]
    delay = 2.0 / p["mtt_hnk"]
    draft.flow("n1", "e1", p["cln"] / p["vn1"], p["fm_hnk"] * to_hydroxy)
    draft.flow("e1", "e2", delay)
    draft.flow("e2", "h1", delay)
    draft.exchange("h1", "h2", p["qh"], p["vh1"], p["vh2"])
    draft.flow("h1", None, p["clh"] / p["vh1"])
    hydroxy = metabolite.replace("norketamine", "hydroxynorketamine")
    return draft.system(k1=(parent, p["v1"]), n1=(metabolite, p["vn1"]), h1=(hydroxy, p["vh1"]))


def _portal(p: Mapping[str, Array], parent: str, metabolite: str, constants: Mapping[str, Any]) -> Array:
    draft = _Draft("k1 k2 k3 liver n1 n2")
    _disposition(draft, p)
    draft.exchange("k1", "liver", p["qh"], p["v1"], p["vh"])
    draft.flow("liver", None, p["kel"])
    draft.flow("liver", "n1", p["kmet"])
    draft.exchange("n1", "n2", p["qn"], p["vn1"], p["vn2"])
    draft.flow("n1", None, p["cln"] / p["vn1"])
    return draft.system(k1=(parent, p["v1"]), n1=(metabolite, p["vn1"]))


def _micro(p: Mapping[str, Array], parent: str, metabolite: str, constants: Mapping[str, Any]) -> Array:
    draft = _Draft("k1 k2 k3" if "k13" in p else "k1 k2")
    draft.flow("k1", None, p["k10"])
    draft.flow("k1", "k2", p["k12"])
    draft.flow("k2", "k1", p["k21"])
    if "k13" in p:
        draft.flow("k1", "k3", p["k13"])
        draft.flow("k3", "k1", p["k31"])
    return draft.system(k1=(parent, p["v1"]))


STRUCTURES = {
    "parent3": _parent3,
    "parent3_met2_direct": _parent3_met2_direct,
    "molar_chain": _molar_chain,
    "molar_chain_hnk": _molar_chain_hnk,
    "portal": _portal,
    "micro2": _micro,
    "micro3": _micro,
}


def build(structure: str, parameters: Mapping[str, Array], enantiomer: str, constants: Mapping[str, Any]) -> System:
    """Make the compartment system of one enantiomer, ``"s"`` or ``"r"``, from individual parameters.

    `structure` is a key of `STRUCTURES`, the `parameters` are in canonical units [L, L/h, 1/h, h], the `constants` are
    molar masses [g/mol] from the library's receptor file. Raises InputError if no such structure exists.

    >>> p = {"cl": 80.0, "v1": 20.0, "q2": 10.0, "v2": 30.0, "q3": 5.0, "v3": 90.0}
    >>> build("parent3", p, "s", {}).states
    ('k1', 'k2', 'k3')
    """
    if structure not in STRUCTURES:
        raise InputError(f'no compartment structure "{structure}"; known: {", ".join(sorted(STRUCTURES))}.')
    parent = {"s": "esketamine", "r": "arketamine"}[enantiomer]
    metabolite = {"s": "esnorketamine", "r": "arnorketamine"}[enantiomer]
    return STRUCTURES[structure](parameters, parent, metabolite, constants)


def with_effect_site(system: System, name: str, source: str, rate: Array) -> System:
    """Add the site `name`, which follows the `source` in plasma: dCe/dt = rate (C - Ce), Ce in ng/mL, rate in 1/h.

    The system gets one more state and one more readout.
    """
    row = [r for r, _ in system.readouts].index(source)
    index = system.readouts[row][1]
    n = len(system.states)
    matrix = jnp.pad(system.rates, (0, 1))
    matrix = matrix.at[n, index].set(rate * system.scale[row]).at[n, n].set(-rate)
    scale = jnp.concatenate([system.scale, jnp.ones_like(system.scale[:1])])
    flows = None if system.flows is None else (*system.flows, (n, index), (n, n))
    return System(matrix, scale, (*system.states, name), (*system.readouts, (name, n)), flows)


def levels(
    system: System, edges_h: Real[Array, " edge"], rates_mg_h: Real[Array, " piece"], times_h: Real[Array, " time"]
) -> Real[Array, "time state"]:
    """Solve one patient's system exactly at rising times from 0: amounts [mg], effect sites in ng/mL.

    `edges_h` are the rising edges of the pieces of constant rate; before the first and after the last the rate is 0.

    >>> import numpy as np
    >>> one = _Draft("k1"); one.flow("k1", None, 0.5)
    >>> x = levels(one.system(k1=("esketamine", 10.0)), np.array([0.0, 1.0]), np.array([4.0]), np.array([1.0]))
    >>> bool(np.isclose(x[0, 0], 4 / 0.5 * (1 - np.exp(-0.5))))
    True
    """
    edges_h, times_h = jnp.asarray(edges_h, float), jnp.asarray(times_h, float)
    rates = jnp.pad(jnp.asarray(rates_mg_h, float), 1)
    points = jnp.sort(jnp.concatenate([jnp.zeros(1), edges_h, times_h]))
    lengths = jnp.diff(points)
    piece = jnp.searchsorted(edges_h, points[:-1] + 0.5 * lengths, side="right")

    def step(state: Array, data: Array) -> tuple:
        h, rate = data
        state = advance(one_propagator(system.rates, system.entry, h), state, rate)
        return state, state

    start = jnp.zeros(len(system.states))
    _, states = jax.lax.scan(step, start, (lengths, rates[piece]))
    states = jnp.concatenate([start[None], states])
    return states[jnp.searchsorted(points, times_h, side="left")]
