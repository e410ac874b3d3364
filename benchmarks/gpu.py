"""K1 and K3 at a million people on a GPU: ``python -m benchmarks.gpu``. Says plainly when there is none."""

import argparse
import resource
import sys
import time

import numpy as np

from benchmarks import hourly
from letheon.arrays import jax

PEOPLE = 1_000_000
CHUNK = 16_384
SCENARIO = """
letheon: 1
title: "K3: ten outpatient days, followed for half a year"
population: {n: 1000}
follow_up: 26 weeks
seed: 1
models: {pain: memory}
arms:
  outpatient:
    drug: racemic
    sessions:
      - {at: day 1, rate: 0.35 mg/kg/h, max: 25 mg/h, for: 4 h, repeat: {every: 1 day, times: 10}}
"""


def k1(people: int, chunk: int, dtype: str) -> list[str]:
    """Time K1, chunk after chunk; what a chunk leaves is thrown away, for no device holds it all."""
    cl, v1 = hourly.people(people)
    hourly.solve(hourly.K1, cl[:chunk], v1[:chunk], dtype=dtype, workers=1, chunk=chunk)
    start = time.perf_counter()
    for first in range(0, people, chunk):
        part = slice(first, first + chunk)
        hourly.solve(hourly.K1, cl[part], v1[part], dtype=dtype, workers=1, chunk=chunk)
    spent = time.perf_counter() - start
    return [f"K1, {dtype}: {people:,} people, {people / spent:,.0f} a second"]


def k3(people: int) -> list[str]:
    """Time K3 through the real pipeline, without a folder."""
    from letheon.runs import simulate
    from letheon.scenario import loads

    scenario = loads(SCENARIO)
    simulate(scenario, patients=300)
    start = time.perf_counter()
    simulate(scenario, patients=people)
    spent = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return [
        f"K3: {people:,} patients, {people / spent:,.0f} a second, {spent:.0f} s, host memory {peak:.2f} GiB at most"
    ]


def main() -> None:
    """Run on the GPU, or say that there is none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu")
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--anywhere", action="store_true", help="run on the processor where there is no GPU")
    given = parser.parse_args()
    try:
        devices = jax.devices("gpu")
    except RuntimeError:
        devices = []
    if not devices and not given.anywhere:
        print("No GPU that JAX can see is here: K1 and K3 have not been run on one (--anywhere takes the processor).")
        sys.exit(0)
    kind = devices[0].device_kind if devices else "processor"
    print(f"device: {kind}, JAX {jax.__version__}, NumPy {np.__version__}")
    for lines in (k1(given.people, CHUNK, "float64"), k1(given.people, CHUNK, "float32"), k3(given.people)):
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
