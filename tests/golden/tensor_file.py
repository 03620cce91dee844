"""Reads and writes safetensors files with NumPy alone.

Format: u64 little-endian header length; a JSON object {"__metadata__": {key: string}, name: {"dtype", "shape",
"data_offsets": [begin, end)}}, padded with spaces so that the data starts at a multiple of 8; the tensors' bytes,
by falling element size, then name. Offsets count from the start of the data.
Knows nothing of models: the names and what they mean are the callers'.
"""
import json
from pathlib import Path

import numpy as np

ALIGNMENT = 8
MAX_HEADER_BYTES = 100_000_000
DTYPES = {"F64": "<f8", "I64": "<i8", "F32": "<f4", "I32": "<i4", "F16": "<f2", "I16": "<i2", "I8": "|i1", "U8": "|u1",
          "U64": "<u8", "BOOL": "|b1"}
NAMES = {np.dtype(numpy_name): name for name, numpy_name in DTYPES.items()}


def write_tensors(path, tensors, metadata):
    """tensors: {name: array}, metadata: {key: str}. Arrays keep their dtype, which must be one of DTYPES."""
    arrays = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in tensors.items()}
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name.encode()))
    header, end = {"__metadata__": dict(sorted(metadata.items()))}, 0
    for name in order:
        begin, end = end, end + arrays[name].nbytes
        header[name] = {"dtype": NAMES[arrays[name].dtype], "shape": list(arrays[name].shape),
                        "data_offsets": [begin, end]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    data = b"".join(arrays[name].astype(arrays[name].dtype.newbyteorder("<")).tobytes() for name in order)
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + data)


def read_tensors(path):
    """Returns ({name: array}, {metadata key: str}); refuses overlaps, holes and sizes that disagree with the shape."""
    data = Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, MAX_HEADER_BYTES):
        raise ValueError(f"{path}: the header length does not fit the file")
    header = json.loads(data[8:8 + length], object_pairs_hook=_unique)
    metadata, body, position, tensors = header.pop("__metadata__", {}), data[8 + length:], 0, {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        if begin != position or end > len(body):
            raise ValueError(f"{path}: tensor {name} overlaps, leaves a hole or passes the end of the file")
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"{path}: tensor {name} has dtype {entry['dtype']}, known are {', '.join(DTYPES)}")
        tensors[name] = np.frombuffer(body[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        position = end
    if position != len(body):
        raise ValueError(f"{path}: {len(body) - position} bytes after the last tensor")
    return tensors, metadata


def _unique(pairs):
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError("a key occurs twice in the header")
    return keys
