"""Time Letheon against named peers: ``make bench``, or ``python -m benchmarks [--rounds N] [--only K1] [--quick]``.

Contestants take turns, so that a busy machine slows all alike. Medians of wall and of processor time are told, and
their ratios; the processor's time is the fairer of the two where others use the machine. What compiles does so before,
and is told apart. Letheon's hourly numbers come from `benchmarks.hourly`, its weekly ones from `benchmarks.weekly`.
Everything goes into ``benchmarks/RESULTS.md``, with the errors against `benchmarks.reference`.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import packages_distributions, version
from pathlib import Path

import numpy as np

from benchmarks import courses, hourly, peers, plasma, reference
from benchmarks import weekly as by_week
from benchmarks.hourly import K1, K2, Problem

RESULTS = Path(__file__).parent / "RESULTS.md"
CHECKED = 3  # people whose every hour is compared with the reference
WEEK = 168


@dataclass
class Contestant:
    """Who solves a problem, for how many of its people at a time, and what it took."""

    name: str
    run: Callable
    people: int
    times: list[tuple[float, float]] = field(default_factory=list)
    first_s: float = 0.0
    error: tuple[float, float] = (float("nan"), float("nan"))

    def per_person(self, which: int) -> float:
        return statistics.median(t[which] for t in self.times) / self.people

    def measure(self, problem: Problem, cl: np.ndarray, v1: np.ndarray) -> tuple[float, float, list]:
        wall, busy = time.perf_counter(), time.process_time()
        found = self.run(problem, cl[: self.people], v1[: self.people])
        return time.perf_counter() - wall, time.process_time() - busy, found


def _letheon(**options) -> Callable:
    return lambda problem, cl, v1: hourly.solve(problem, cl, v1, **options)


def _few(found, count: int) -> np.ndarray:
    """Return the first people, shape (people, 3, time), of either form of answer."""
    if isinstance(found, list):
        return np.moveaxis(np.stack([np.asarray(values)[:, :count] for values in found[0]]), -1, 0)
    return found[:count]


def contestants(problem: Problem, weekly: bool, quick: bool) -> list[Contestant]:
    """Return who takes part; slow ones take few people, and their time is scaled up."""
    n = problem.patients
    every, small = (WEEK, 4) if weekly else (1, 1)
    scale = 8 if quick else 1

    def peer(solve, **options):
        return lambda problem, cl, v1: solve(problem, cl, v1, every, **options)

    own = [Contestant("Letheon, float64", by_week.solve if weekly else _letheon(), n)]
    if not weekly:
        own.append(Contestant("Letheon, float32 output", _letheon(dtype="float32"), n))
    others = [
        Contestant("numba + LSODA, rtol 1e-6", peer(peers.numba_lsoda, rtol=1e-6), n // scale),
        Contestant("numba + LSODA, rtol 1e-9", peer(peers.numba_lsoda, rtol=1e-9), n // (4 * scale)),
        Contestant("diffrax Kvaerno5, rtol 1e-6", peer(peers.diffrax), 16),
        Contestant("libroadrunner CVODE, rtol 1e-6", peer(peers.roadrunner), 8 * small),
        Contestant("SciPy LSODA, rtol 1e-6", peer(peers.scipy), 2),
    ]
    return [*own, *(one for one in others if peers.is_installed(one.name))]


def contest(problem: Problem, weekly: bool, rounds: int, quick: bool) -> list[Contestant]:
    """Let all solve a problem in turns."""
    cl, v1 = hourly.people(problem.patients)
    known = np.stack([reference.solve(problem, cl[k], v1[k]) for k in range(CHECKED)])
    known = known[:, :, WEEK - 1 :: WEEK] if weekly else known
    taking_part = contestants(problem, weekly, quick)
    for turn in range(rounds + 1):  # the first one compiles and does not count
        for one in taking_part:
            print(f"{problem.name}{' weekly' if weekly else ''}: round {turn}/{rounds}: {one.name}", file=sys.stderr)
            wall, busy, found = one.measure(problem, cl, v1)
            if turn:
                one.times.append((wall, busy))
            else:
                one.first_s = wall
                few = _few(found, CHECKED)
                each = [reference.errors(f[:, : known.shape[2]], k) for f, k in zip(few, known, strict=False)]
                one.error = max(e[0] for e in each), max(e[1] for e in each)
            del found
    return taking_part


def table(problem: Problem, weekly: bool, found: list[Contestant]) -> list[str]:
    """Lay a contest out."""
    fastest = min((one for one in found if not one.name.startswith("Letheon")), key=lambda one: one.per_person(1))
    few = ", ".join(f"{one.name} {one.people:,}" for one in found if one.people < problem.patients)
    lines = [
        f"### {problem.name}, {'weekly' if weekly else 'hourly'} output, N = {problem.patients:,}",
        "",
        f"Fastest peer by processor time: {fastest.name}. Ratios are to it. Slow peers were given fewer people: {few}.",
        "",
        "| solver | people a second | µs of processor a person | ratio (wall) | ratio (processor) | error of levels |"
        " error of slow state | first call s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in found:
        wall, busy = one.per_person(0), one.per_person(1)
        lines.append(
            f"| {one.name} | {1 / wall:,.0f} | {busy * 1e6:,.1f} | {fastest.per_person(0) / wall:.2f} |"
            f" {fastest.per_person(1) / busy:.2f} | {one.error[0]:.1e} | {one.error[1]:.1e} | {one.first_s:.1f} |"
        )
    return [*lines, ""]


def limits(problem: Problem) -> list[str]:
    """Measure what nobody can go below: bytes that must be written, operations that must be done."""
    size = 3 * 8 * problem.hours
    count = 2048

    def fill(k: int) -> np.ndarray:
        block = np.empty((count // 16, size // 8))
        block.fill(k)
        return block

    spent = []
    for _ in range(5):
        start = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            kept = list(pool.map(fill, range(16)))
        spent.append(time.perf_counter() - start)
        del kept
    writing = count / statistics.median(spent)
    cl, v1 = hourly.people(128)
    program = hourly._hours.lower(problem, hourly.WASHOUT_H, "float64", cl, v1).compile()
    cost = program.cost_analysis() or {}
    cost = cost[0] if isinstance(cost, list) else cost
    operations = cost.get("flops", float("nan")) / 128
    a = np.random.default_rng(1).random(4096)
    b, rounds = a.copy(), 20000
    start = time.process_time()
    for _ in range(rounds):
        np.multiply(a, b, out=b)
    rate = rounds * len(a) / (time.process_time() - start)
    return [
        f"- {problem.name}, bytes: {size:,} a person in float64 ({size // 2:,} in float32). Two threads that do nothing"
        f" but fill fresh memory manage {writing:,.0f} people a second in float64.",
        f"- {problem.name}, operations: {operations:,.0f} floating-point operations a person as compiled; one core"
        f" here multiplies {rate / 1e9:.1f} billion numbers a second from its cache: {operations / rate * 1e6:.1f} µs.",
    ]


def machine() -> list[str]:
    """Describe the machine and the versions."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore").splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor()
    packages = ("jax", "numpy", "scipy", "numba", "numbalsoda", "diffrax", "libroadrunner")
    installed = {name for names in packages_distributions().values() for name in names}
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    names = ", ".join(f"{p} {version(p)}" for p in packages if p in installed)
    return [
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python"
        f" {platform.python_version()}; {names}. Load of the machine when this was written: {load} (others were at"
        f" work where it exceeds {os.cpu_count()}).",
        "",
        *(line for sentence in peers.left_out() for line in (sentence, "")),
    ]


def main() -> None:
    """Run the contests and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["K1", "K2", "K3", "plasma"])
    parser.add_argument("--quick", action="store_true", help="an eighth of the people for the compiled peer")
    given = parser.parse_args()
    for sentence in peers.left_out():
        print(sentence, file=sys.stderr)
    parts = ["# Benchmarks", "", "Made by `make bench`; what it times is said in `benchmarks/__main__.py`.", ""]
    parts += ["## The machine", "", *machine(), "## K1 and K2", ""]
    for problem in (K1, K2):
        if given.only in (None, problem.name):
            for weekly in (False, True):
                parts += table(problem, weekly, contest(problem, weekly, given.rounds, given.quick))
    bounds = [line for p in (K1, K2) if given.only in (None, p.name) for line in limits(p)]
    parts += ["### The two limits", "", *bounds, ""] if bounds else []
    if given.only in (None, "K3"):
        parts += ["## K3 and K4", "", *courses.report(given.rounds)]
    if given.only in (None, "plasma"):
        parts += ["## Plasma alone", "", "```", *plasma.report(), "```", ""]
    text = "\n".join(parts)
    print(text)
    if given.only is None:
        RESULTS.write_text(text.rstrip() + "\n", encoding="utf-8")
        print(f"written to {RESULTS}", file=sys.stderr)


if __name__ == "__main__":
    os.environ.setdefault("NUMBA_NUM_THREADS", "2")
    if "glibc.malloc.hugetlb" not in os.environ.get("GLIBC_TUNABLES", ""):
        # large pages for everyone's arrays; has to be there before a process starts
        os.environ["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
        raise SystemExit(subprocess.call([sys.executable, "-m", "benchmarks", *sys.argv[1:]]))
    main()
