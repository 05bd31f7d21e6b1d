"""What several threads may be the first to read is read whole by each of them, and does not crash the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
import msgspec
from engine.artifacts import Manifest
from engine.catalog import ModelSpec, Profile
from engine.formats import Format
from engine import findings, made, types
from server import client_types
from server.db.tables import METADATA
from server.db.columns import Json

sys.setswitchinterval(1e-6)
nouns = [noun for module in (types, findings, made) for noun in vars(module).values()]
kinds = [kind for kind in nouns if isinstance(kind, type) and issubclass(kind, types.Frozen)]
kinds += [kind for kind in vars(client_types).values() if isinstance(kind, type)]
kinds += [column.type.kind for table in METADATA.tables.values() for column in table.c if isinstance(column.type, Json)]
kinds += [Manifest, ModelSpec, Profile, Format]
kinds.reverse()  # the largest come first
for kind in kinds:
    line = threading.Barrier(8)
    names = getattr(kind, "__struct_encode_fields__", ())
    data = msgspec.json.encode(dict.fromkeys(names))

    def read():
        line.wait()
        try:
            msgspec.json.decode(data, type=kind)
        except msgspec.ValidationError:
            pass

    threads = [threading.Thread(target=read) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
"""


@pytest.mark.parametrize("time", range(3))
def test_structs_may_be_read_first_by_several_threads_at_once(time: int) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
