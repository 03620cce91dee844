"""weights.py: the tensors of a model file as NumPy arrays, named as in the PyTorch module that computes the same.

    tensors = textclf.state_dict("model.safetensors")
    module.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})

The file is a safetensors file: u64 header length, JSON header {name: {dtype, shape, data_offsets}}, data.
"""
from __future__ import annotations

import json
import os
from typing import Any, Dict

from . import _arrays
from .errors import FormatError
from .model import Model, Path

OURS = ("textclf.", "optim.", "best.")  # names that are not the module's
SCALES = "textclf.scale."  # before a tensor's name: scales of its rows, (rows), or of its columns, (1, columns)
NATIVE = b'{"__metadata__":{"textclf.checksum":"xxh3-128:'
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
          "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?"}


def state_dict(path: Path) -> Dict[str, Any]:
    """A dict of NumPy arrays: the module's tensors, without those that only this library reads.

    A native file is checked by the library first (checksum and form). BF16 comes as float32, and so do I8 weights that have
    scales beside them: they are widened.
    """
    numpy = _arrays.numpy()
    if numpy is None:
        raise ImportError("state_dict needs NumPy")
    with open(os.fsdecode(path), "rb") as file:
        data = file.read()
    if data[8:8 + len(NATIVE)] == NATIVE:
        Model.from_bytes(data).close()
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise FormatError(f"{os.fsdecode(path)}: not a safetensors file: the header would end at byte {length + 8} of "
                          f"{len(data)}")
    try:
        header = json.loads(data[8:8 + length].decode("utf-8"))
        tensors = {name: entry for name, entry in header.items()
                   if name != "__metadata__" and not name.startswith(OURS)}
        result = {name: _tensor(numpy, data, 8 + length, entry) for name, entry in tensors.items()}
        for name in result:
            if tensors[name]["dtype"] == "I8" and SCALES + name in header:
                scales = _tensor(numpy, data, 8 + length, header[SCALES + name])
                result[name] = result[name].astype(numpy.float32) * (scales if scales.ndim == 2 else scales[:, None])
        return result
    except (ValueError, KeyError, TypeError, AttributeError) as reason:
        raise FormatError(f"{os.fsdecode(path)}: not a safetensors file: {reason}") from None


def _tensor(numpy: Any, data: bytes, start: int, entry: Dict[str, Any]) -> Any:
    kind, shape, (first, last) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not 0 <= first <= last <= len(data) - start:
        raise ValueError(f"a tensor's bytes {first} to {last} are outside the file")
    values = numpy.frombuffer(data[start + first:start + last], dtype=DTYPES[kind])
    if kind == "BF16":
        values = (values.astype(numpy.uint32) << 16).view(numpy.float32)
    return values.reshape(shape).copy()
