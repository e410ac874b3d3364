"""What a finished block leaves on disk: endpoints by patient (Parquet) and a partial for merging (NumPy)."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from letheon.runs.folder import Folder, written

__all__ = ["Partial", "read", "write", "write_profiles"]

_WHOLE = ("patient", "draw")
_FLAGS = ("responder_", "remission", "bistable", "rival_responder_", "rival_remission")


@dataclass(frozen=True, slots=True)
class Partial:
    """One block's contribution.

    Attributes
    ----------
    columns : dict of str to array
        Endpoints by patient; of a bank block, means by draw.
    profile : dict of str to (array, array or None)
        Sums and bin numbers by time; of a bank block, means by draw and time, and None.
    """

    columns: dict[str, np.ndarray]
    profile: Mapping[str, tuple[np.ndarray, np.ndarray | None]]


def _typed(name: str, values: np.ndarray) -> np.ndarray:
    """Give a column the smallest type that holds it exactly; diary entries and flags are whole numbers."""
    bare = name.removeprefix("rival_")
    if name in _WHOLE:
        return values.astype(np.int64 if name == "patient" else np.int16)
    if name.startswith(_FLAGS) or bare.startswith("nrs_day"):
        return values.astype(np.int8)
    if bare in ("relief_days", "pain_free_days"):
        return values.astype(np.int16)
    return values.astype(np.float64)


def _column(values: np.ndarray, null: np.ndarray | None = None) -> pa.Array:
    """Wrap numbers as a column; `pyarrow.array` would import pandas first, where that is installed."""
    bits = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [bits, data])


def _words(values: list[str]) -> pa.Array:
    """Wrap words as a column."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *(len(value) for value in encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def write(folder: Folder, job, part: Partial) -> None:
    """Keep a finished block; the partial comes last, and its presence says that the block is whole.

    Parameters
    ----------
    folder : Folder
        The run.
    job : Job
        Which block.
    part : Partial
        What it left.

    Raises
    ------
    RunError
        If the disk is full.
    """
    arm = job.plan.name
    if job.kind == "people":
        columns = [_column(_typed(name, values)) for name, values in part.columns.items()]
        table = pa.Table.from_arrays(columns, names=list(part.columns))
        with written(folder.endpoints(arm, job.block)) as file:
            pq.write_table(table, file, compression="zstd")
    arrays = {f"c/{name}": values for name, values in part.columns.items()}
    for name, (first, bins) in part.profile.items():
        arrays[f"s/{name}"] = first
        if bins is not None:
            arrays[f"b/{name}"] = bins
    with written(folder.partial(arm, job.kind, job.block)) as file, file.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def read(folder: Folder, job) -> Partial | None:
    """Read a finished block back, or None where it is missing or damaged (then it is computed again).

    Parameters
    ----------
    folder : Folder
        The run.
    job : Job
        Which block.

    Returns
    -------
    Partial or None
        What the block left.
    """
    file = folder.partial(job.plan.name, job.kind, job.block)
    if not file.is_file() or (job.kind == "people" and not folder.endpoints(job.plan.name, job.block).is_file()):
        return None
    try:
        with np.load(file, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    columns = {name[2:]: values for name, values in arrays.items() if name.startswith("c/")}
    profile = {
        name[2:]: (values, arrays.get(f"b/{name[2:]}")) for name, values in arrays.items() if name.startswith("s/")
    }
    return Partial(columns, profile)


def write_profiles(folder: Folder, document: dict) -> None:
    """Write the profiles of a result document as one long table.

    Parameters
    ----------
    folder : Folder
        The run.
    document : dict
        The result document.

    Raises
    ------
    RunError
        If the disk is full.
    """
    statistics = ("mean", "q05", "q50", "q95", "mean_lo", "mean_hi")
    rows: dict[str, list] = {name: [] for name in ("arm", "model", "quantity", "time_h", *statistics)}
    for arm, content in document["arms"].items():
        time = content["profile"]["time_h"]
        main = {k: v for k, v in content["profile"].items() if isinstance(v, dict) and "mean" in v}
        levels = content["profile"]["concentration_ng_per_ml"]
        tables = [(document["models"]["pain"], main | levels)]
        if "rival" in content:
            tables.append((content["rival"]["model"], content["rival"]["profile"]))
        for model, table in tables:
            for quantity, band in table.items():
                rows["arm"] += [arm] * len(time)
                rows["model"] += [model] * len(time)
                rows["quantity"] += [quantity] * len(time)
                rows["time_h"] += time
                for name in statistics:
                    rows[name] += band.get(name, [None] * len(time))
    columns = [_words(rows[name]) for name in ("arm", "model", "quantity")]
    for name in ("time_h", *statistics):
        null = np.array([value is None for value in rows[name]])
        columns.append(_column(np.array([0.0 if value is None else value for value in rows[name]]), null))
    table = pa.Table.from_arrays(columns, names=list(rows))
    with written(folder.profiles) as file:
        pq.write_table(table, file, compression="zstd")
