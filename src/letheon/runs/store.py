"""What a finished chunk leaves on disk: endpoints by patient (Parquet) and a partial for merging (NumPy)."""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from letheon.pipeline import Profile
from letheon.pipeline.result import Band, PainProfile, RunResult
from letheon.pipeline.result import Profile as ProfileRecord
from letheon.runs.chunks import ChunkResult, joined
from letheon.runs.folder import Folder
from letheon.runs.manifest import Record

__all__ = ["Parts", "pack", "read", "unpack", "write", "write_endpoints", "write_profiles"]

_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, pa.ArrowException)
_CODEC = "zstd"


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


def _table(columns: Mapping[str, np.ndarray]) -> pa.Table:
    arrays = [_words(v.tolist()) if v.dtype.kind == "U" else _column(v) for v in columns.values()]
    return pa.Table.from_arrays(arrays, names=list(columns))


def _parquet(table: pa.Table, **options: Any) -> bytes:
    """Return a table as the content of a Parquet file."""
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd", **options)
    return stream.getvalue()


def _columns(columns: Mapping[str, np.ndarray]) -> bytes:
    # a dictionary pays for whole numbers, of which there are few; of decimals it is built and thrown away
    whole = [name for name, values in columns.items() if values.dtype.kind in "iU"]
    return _parquet(_table(columns), use_dictionary=whole, write_statistics=False)


def pack(profile: Profile) -> dict[str, np.ndarray]:
    """Return counts and sums as few bytes."""
    packed = {"patients": np.array(profile.patients), "times": np.array(profile.times)}
    for name, counts in profile.counts.items():
        small = counts.astype(np.uint16) if profile.patients < 2**16 else counts
        raw = small.tobytes()
        packed[f"counts/{name}"] = np.frombuffer(pa.compress(raw, codec=_CODEC, asbytes=True), np.uint8)
        packed[f"shape/{name}"] = np.array([*counts.shape, small.itemsize])
        packed[f"wholes/{name}"] = profile.wholes[name]
    return packed


def unpack(packed: Mapping[str, np.ndarray]) -> Profile:
    """Return what `pack` has packed.

    >>> profile = Profile(2)
    >>> profile.add({"nrs": (np.array([7.0, 6.0]), np.array([[7], [6]], np.uint16))})
    >>> float(unpack(pack(profile)).mean("nrs")[1])
    6.0
    """
    profile = Profile(int(packed["times"]))
    profile.patients = int(packed["patients"])
    for key in packed:
        if key.startswith("counts/"):
            name = key.removeprefix("counts/")
            times, bins, size = (int(n) for n in packed[f"shape/{name}"])
            raw = pa.decompress(packed[key].tobytes(), times * bins * size, codec=_CODEC, asbytes=True)
            counts = np.frombuffer(raw, np.uint16 if size == 2 else np.uint32)
            profile.counts[name] = counts.reshape(times, bins).astype(np.uint32)
            profile.wholes[name] = packed[f"wholes/{name}"]
    return profile


class Parts:
    """Endpoints in Parquet files, a file a chunk in the order of their patients, read column by column."""

    def __init__(self, paths: Sequence[Path]) -> None:
        from pyarrow import dataset

        self._files = dataset.dataset([str(path) for path in paths], format="parquet")

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return self._files.schema.names

    def column(self, name: str) -> np.ndarray:
        """Return one column."""
        return self._files.to_table(columns=[name], use_threads=False).column(0).to_numpy()

    def table(self) -> dict[str, np.ndarray]:
        """Return all columns by name."""
        table = self._files.to_table(use_threads=False)
        return {name: table.column(name).to_numpy() for name in table.column_names}


def write_endpoints(folder: Folder, arm: str, chunk: int, result: ChunkResult) -> dict[str, Record]:
    """Write the endpoints of a chunk, and its events where there are any."""
    files = folder.write(folder.endpoints(arm, chunk), _columns(result.table()))
    if result.events:
        files |= folder.write(folder.events(arm, chunk), _columns(joined(result.events)))
    return files


def write(folder: Folder, arm: str, kind: str, chunk: int, result: ChunkResult) -> None:
    """Keep a finished chunk; its line in the manifest comes last and says that it is whole."""
    if kind == "people":
        files = write_endpoints(folder, arm, chunk, result)
        arrays = pack(result.profile) | {"last_booster_h": np.array(result.last_booster_h)}
    else:
        files = {}
        arrays = {f"column/{name}": values for name, values in result.table().items()}
        arrays |= {f"bank/{name}": values for name, values in joined(result.bank).items()}
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    files |= folder.write(folder.partial(arm, kind, chunk), stream.getvalue())
    folder.manifest.add(arm, kind, chunk, files)


def read(folder: Folder, arm: str, kind: str, chunk: int, times: int) -> ChunkResult | None:
    """Read a finished chunk back, or None where it is missing or damaged (then it is computed again).

    Endpoints stay on disk, where `Parts` reads them.
    """
    if not folder.manifest.intact(arm, kind, chunk):
        return None
    try:
        with np.load(folder.partial(arm, kind, chunk), allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
        result = ChunkResult(times)
        if kind == "people":
            result.profile, result.last_booster_h = unpack(arrays), float(arrays["last_booster_h"])
        else:
            result.columns[0] = _under("column/", arrays)
            result.bank[0] = _under("bank/", arrays)
    except _UNREADABLE:
        return None
    return result


def _under(head: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(head): values for name, values in arrays.items() if name.startswith(head)}


def write_profiles(folder: Folder, result: RunResult) -> dict[str, Record]:
    """Write the profiles of a result as one long table."""
    bands: list[tuple[tuple[str, str, str], Band]] = []  # with arm, pain model and quantity
    for arm, content in result.arms.items():
        levels = content.profile.concentration_ng_per_ml
        tables = [(result.models.pain, _bands(content.profile) | levels)]
        by_model = content.by_model.items() if content.by_model else ()
        tables += [(model, _bands(part.profile)) for model, part in by_model]
        bands += [((arm, model, name), band) for model, table in tables for name, band in table.items()]
    times = {arm: content.profile.time_h for arm, content in result.arms.items()}
    columns = {
        name: _words([key[place] for key, _ in bands for _ in times[key[0]]])
        for place, name in enumerate(("arm", "model", "quantity"))
    }
    columns["time_h"] = _numbers([time for key, _ in bands for time in times[key[0]]])
    for name in Band.__struct_fields__:
        rows = ((getattr(band, name), times[key[0]]) for key, band in bands)
        columns[name] = _numbers([value for values, time in rows for value in values or [None] * len(time)])
    return folder.write(folder.profiles, _parquet(pa.Table.from_arrays([*columns.values()], names=[*columns])))


def _bands(profile: ProfileRecord | PainProfile) -> dict[str, Band]:
    fields = ((name, getattr(profile, name)) for name in profile.__struct_fields__)
    return {name: band for name, band in fields if isinstance(band, Band)}


def _numbers(values: Sequence[float | None]) -> pa.Array:
    null = np.array([value is None for value in values])
    return _column(np.array([0.0 if value is None else value for value in values]), null)
