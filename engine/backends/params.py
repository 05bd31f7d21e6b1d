"""Reads a family's `params` from a models.yaml entry into its own struct, so that no misspelt knob is passed over."""

from __future__ import annotations

import difflib
from typing import TypeVar

import msgspec

from engine.catalog import ModelSpec
from engine.errors import BadCatalog
from engine.types import Frozen

P = TypeVar("P", bound=Frozen)


def read_params(spec: ModelSpec, kind: type[P]) -> P:
    """`spec.params` as `kind`. Raises `BadCatalog` naming the entry, the wrong key or value, and the valid keys."""
    valid = kind.__struct_fields__
    for name in spec.params:
        if name not in valid:
            close = difflib.get_close_matches(str(name), valid, n=1)
            meant = f" (did you mean {close[0]}?)" if close else ""
            raise BadCatalog(
                f"models.{spec.id}.params has an unknown key {name!r}{meant}; "
                f"{spec.family} knows {', '.join(valid) or 'none'}"
            )
    try:
        return msgspec.convert(spec.params, kind)
    except msgspec.ValidationError as error:
        raise BadCatalog(f"models.{spec.id}.params: {error}") from error
