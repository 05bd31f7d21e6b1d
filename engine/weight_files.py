"""Whether a weight file is whole and of an allowed kind, from its header and its size alone. Opens no model.

Safetensors: https://huggingface.co/docs/safetensors (8 bytes length, JSON header, tensors by byte range).
GGUF: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (key-values, tensor table, aligned data).
"""

from __future__ import annotations

import json
import mmap
import struct
from math import prod
from pathlib import Path

PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".npy", ".npz", ".joblib", ".mar"})
CODE = frozenset({".py", ".pyc", ".so", ".dll", ".sh"})

# Bytes of a block and how many weights it holds, by ggml's type number. A type that is newer than this table is only
# checked by where it begins.
GGML_BLOCKS: dict[int, tuple[int, int]] = {
    0: (4, 1),
    1: (2, 1),
    2: (18, 32),
    3: (20, 32),
    6: (22, 32),
    7: (24, 32),
    8: (34, 32),
    10: (84, 256),
    11: (110, 256),
    12: (144, 256),
    13: (176, 256),
    14: (210, 256),
    15: (292, 256),
    16: (66, 256),
    17: (74, 256),
    18: (98, 256),
    19: (50, 256),
    20: (18, 32),
    21: (110, 256),
    22: (82, 256),
    23: (136, 256),
    24: (1, 1),
    25: (2, 1),
    26: (4, 1),
    27: (8, 1),
    28: (8, 1),
    29: (56, 256),
    30: (2, 1),
    34: (54, 256),
    35: (66, 256),
    39: (17, 32),
}
# Bytes of GGUF's scalar value types: 8 is a string, 9 an array.
GGUF_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
GGUF_STRING, GGUF_ARRAY = 8, 9
GGUF_ALIGNMENT = 32


def problem_of(path: Path) -> str | None:
    """What is wrong with this file, as the end of a sentence that begins with its name; None if nothing is."""
    if path.suffix in PICKLES:
        return "is a pickle, which can run code when it is read; only safetensors and GGUF are"
    if path.suffix in CODE:
        return "is program code beside weights, which is never run and not allowed there"
    if path.suffix not in (".safetensors", ".gguf"):
        return None
    with path.open("rb") as file:
        start = file.read(16)
    if start[:4] == b"PK\x03\x04" or (start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")):
        return f"is a pickle under the name of a {path.suffix[1:]} file, which can run code when it is read"
    if path.stat().st_size < 16:
        return "is empty or nearly so"
    return _safetensors_problem(path) if path.suffix == ".safetensors" else _gguf_problem(path)


def _safetensors_problem(path: Path) -> str | None:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length < 2 or 8 + length > size:
            return "is truncated or no safetensors file: its header reaches past its end"
        try:
            header = json.loads(file.read(length))
            ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            return "has a header that is not one of safetensors"
    expected = 8 + length + max(ends, default=0)
    return None if size == expected else _size_problem(size, expected)


def _gguf_problem(path: Path) -> str | None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:4] != b"GGUF":
            return "is not a GGUF file"
        try:
            expected = _gguf_size(data)
        except (struct.error, UnicodeDecodeError, OverflowError, RecursionError):
            return "is truncated or altered: its GGUF header cannot be read"
        except ValueError as error:
            return f"is not a GGUF file that can be read: {error}"
        # A writer may pad the last tensor up to the alignment, so more than expected is fine, less is not.
        return None if len(data) >= expected else _size_problem(len(data), expected)


def _size_problem(size: int, expected: int) -> str:
    return f"is {'truncated' if size < expected else 'altered'}: {size} bytes where its header says {expected}"


def _gguf_size(data: mmap.mmap) -> int:
    """The least number of bytes that the header of a GGUF file calls for."""
    version, tensors, pairs = struct.unpack_from("<IQQ", data, 4)
    if version not in (2, 3):
        raise ValueError(f"version {version} is unknown")
    at, alignment = 24, GGUF_ALIGNMENT
    for _ in range(pairs):
        key, at = _gguf_string(data, at)
        kind = struct.unpack_from("<I", data, at)[0]
        if key == b"general.alignment":
            alignment = struct.unpack_from("<I", data, at + 4)[0] or GGUF_ALIGNMENT
        at = _after_gguf_value(data, at + 4, kind)
    end = 0
    for _ in range(tensors):
        _, at = _gguf_string(data, at)
        rank = struct.unpack_from("<I", data, at)[0]
        if rank > 8:
            raise ValueError(f"a tensor of rank {rank}")
        *shape, kind, offset = struct.unpack_from(f"<{rank}QIQ", data, at + 4)
        at += 4 + 8 * rank + 12
        block, weights = GGML_BLOCKS.get(kind, (0, 1))
        end = max(end, offset + prod(shape) // weights * block)
    return -(-at // alignment) * alignment + end


def _gguf_string(data: mmap.mmap, at: int) -> tuple[bytes, int]:
    length = struct.unpack_from("<Q", data, at)[0]
    if at + 8 + length > len(data):
        raise struct.error("string past the end")
    return data[at + 8 : at + 8 + length], at + 8 + length


def _after_gguf_value(data: mmap.mmap, at: int, kind: int) -> int:
    if kind == GGUF_STRING:
        return _gguf_string(data, at)[1]
    if kind == GGUF_ARRAY:
        kind, count = struct.unpack_from("<IQ", data, at)
        at += 12
        if kind in GGUF_SCALARS:
            at += count * GGUF_SCALARS[kind]
        else:
            for _ in range(count):
                at = _after_gguf_value(data, at, kind)
        if at > len(data):
            raise struct.error("array past the end")
        return at
    if kind not in GGUF_SCALARS:
        raise ValueError(f"a value of type {kind}")
    return at + GGUF_SCALARS[kind]
