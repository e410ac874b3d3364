"""Fit the injury laws of the bladder to the calibration rows; ``python -m letheon.study.calibrate.bladder FOLDER``.

The same machinery as for the pain models: modes from dispersed starts, then NUTS in blocks whose state is saved. The
density is cheap and smooth, so steps are short and chains long.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import optimize

from letheon import files, library
from letheon.arrays import Array, jax
from letheon.harms.bladder.laws import LAWS
from letheon.harms.bladder.likelihood import fitted_names, log_likelihood, log_prior, to_values
from letheon.runs.environment import instruction_set, use_compile_cache
from letheon.study.calibrate.document import SamplerReport, Settings
from letheon.study.calibrate.fit import convergence, convergence_lines
from letheon.study.calibrate.sampler import Mode, find_modes, sample, take_up
from letheon.study.records import Progress
from letheon.units import to_canonical

SETTINGS = Settings(warmup=300, samples=2000, tree_depth=8, step=0.12, seed=20260104)
_DRAWS = 64
_NOT_IDENTIFIED = 0.8  # posterior SD as a share of the prior's


class Fit(NamedTuple):
    """A law fitted to the calibration rows."""

    law: str
    modes: tuple[Mode, ...]  # modes of the posterior, the heaviest first
    misfit: float  # minus the log-likelihood at the highest
    draws: np.ndarray  # (draw, parameter): draws of the posterior as standard normals, equally likely
    sampler: SamplerReport  # worst R-hat and effective sizes, divergences
    sd: np.ndarray  # (parameter,): posterior SD of each standard normal; 1 is that of the prior


def refit(
    law: str, folder: Path, settings: Settings = SETTINGS, draws: int = _DRAWS, progress: Progress | None = None
) -> Fit:
    """Fit a law to the calibration rows; takes a minute or two."""
    size = len(fitted_names(law))

    def evidence(z: Array) -> Array:
        return log_likelihood(law, to_values(law, z))

    def density(z: Array) -> Array:
        return evidence(z) + log_prior(z)

    rows = [(row.id, row.observed, row.weight) for row in library.bladder_rows() if row.role == "calibrate"]
    take_up(folder, settings, {"law": law, "rows": repr(rows)})
    modes = _polished(density, find_modes(density, size, settings, folder, progress))
    chains = sample(evidence, (), modes, settings, folder, progress)
    flat = chains.z.reshape(-1, size)
    chosen = flat[np.linspace(0, len(flat) - 1, draws).round().astype(int)]
    chosen = np.random.default_rng(settings.seed).permutation(chosen)
    return Fit(law, modes, -float(evidence(_highest(modes).z)), chosen, convergence(chains).worst, flat.std(axis=0))


def _highest(modes: tuple[Mode, ...]) -> Mode:
    return max(modes, key=lambda mode: mode.log_posterior)


def _polished(density: Callable[[Array], Array], modes: tuple[Mode, ...]) -> tuple[Mode, ...]:
    """Climb the last step to the top of each mode: chains do not need it, but a mode that is printed does."""
    down = jax.jit(jax.value_and_grad(lambda z: -density(z)))

    def polished(mode: Mode) -> Mode:
        top = optimize.minimize(down, mode.z, jac=True, method="BFGS", options={"gtol": 1e-7})
        return mode._replace(z=top.x, log_posterior=-float(top.fun))

    return tuple(map(polished, modes))


def write(fit: Fit, folder: Path, settings: Settings = SETTINGS) -> None:
    """Write the draws and what is known about them, as the library reads them."""
    numbers, names = library.harms("bladder"), fitted_names(fit.law)
    units = ["1" if "@" in n or n.endswith(".sd") else numbers[n].unit for n in names]
    rows = [",".join(name if "@" in name else f"bladder.{name}" for name in names)]
    for z in (_highest(fit.modes).z, *fit.draws):
        values = to_values(fit.law, z)
        rows.append(
            ",".join(f"{float(values[n]) / to_canonical(1.0, u):.6g}" for n, u in zip(names, units, strict=True))
        )
    unknown = [f'"{n}"' for n, sd in zip(names, fit.sd, strict=True) if sd > _NOT_IDENTIFIED]
    modes = [f"[{mode.log_posterior:.2f}, {mode.log_mass:.2f}, {mode.starts}]" for mode in fit.modes]
    about = [
        f"# Fit of the {fit.law} law to bladder_rows.toml; made by: python -m letheon.study.calibrate.bladder",
        "# modes: log posterior, log mass, how many starts led there",
        f"seed = {settings.seed}",
        f'instruction_set = "{instruction_set()}"',
        f"draws = {len(fit.draws)}",
        f"chains = {settings.chains}",
        f"samples = {settings.samples}",
        *convergence_lines(fit.sampler),
        f"misfit = {fit.misfit:.3f}",
        f"modes = [{', '.join(modes)}]",
        f"mode = [{rows[1]}]",
        f"not_identified = [{', '.join(unknown)}]",
    ]
    for ending, lines in (("csv", [rows[0], *rows[2:]]), ("toml", about)):
        files.write(folder / f"bladder_{fit.law}.{ending}", "".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    use_compile_cache()
    for each in LAWS:
        with tempfile.TemporaryDirectory() as states:
            write(refit(each, Path(states)), Path(sys.argv[1]))
