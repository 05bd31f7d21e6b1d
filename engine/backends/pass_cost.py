"""What one pass of a model costs on torch's `meta` device: FLOP, and the most bytes that are alive at once.

Tensors there have a shape and no content, so that 14 billion weights take no memory and a pass no time. Knows no model,
and not how one is called.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import msgspec
import torch
import torch.nn.functional as functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

META = torch.device("meta")


class Seen(msgspec.Struct, frozen=True):
    """Of one pass: FLOP, and the most bytes that were alive at once."""

    flops: int
    live: int


def see(model: torch.nn.Module, call: Callable[[], object]) -> Seen:
    """What one `call` of `model` costs."""
    kept = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    with torch.no_grad(), META, _Attention(), _Counted(kept) as counted:
        call()
    return Seen(counted.flops, counted.most)


class _Attention(TorchFunctionMode):
    """Attention as kernels do it that never write the matrix of all pairs down, which the meta device's own would."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is functional.scaled_dot_product_attention:
            query, key, value = args[:3] if len(args) >= 3 else (kwargs["query"], kwargs["key"], kwargs["value"])
            return torch.ops.aten._scaled_dot_product_flash_attention(query, key, value)[0]
        return func(*args, **(kwargs or {}))


class _Counted(TorchDispatchMode):
    """Adds up the FLOP of a pass, and follows storages from their first use to their end, those of `kept` (the weights)
    left out.

    A model repeats few operations for each of its layers, and working out what comes of one takes long on the meta
    device: so an operation whose kinds of arguments were seen before only has its results' like made.
    """

    def __init__(self, kept: set[int]) -> None:
        super().__init__()
        self._seen = set(kept)
        self._known: dict[Any, tuple[int, Any]] = {}
        self._now = self.most = self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        key = (func, _kinds(args), _kinds(tuple(kwargs.items()))) if _makes_its_results(func) else None
        if key in self._known:
            flops, kinds = self._known[key]
            out = _like(kinds)
        else:
            out = func(*args, **kwargs)
            formula = flop_registry.get(func.overloadpacket)
            flops = formula(*args, **kwargs, out_val=out) if formula else 0
            if key is not None:
                self._known[key] = flops, _kinds(out)
        self.flops += flops
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(tensor, torch.Tensor):
                self._follow(tensor.untyped_storage())
        return out

    def _follow(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._seen:
            return
        size = storage.nbytes()
        self._seen.add(key)
        self._now += size
        self.most = max(self.most, self._now)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self._now -= size


@cache
def _makes_its_results(func: Any) -> bool:
    """Whether the operation's results are new tensors and no views, and none of its arguments is written to."""
    schema = func._schema
    return not any(one.alias_info for one in (*schema.arguments, *schema.returns))


class _Kind(NamedTuple):
    """All of a tensor on the meta device that can tell in what comes of it."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype


def _kinds(value: Any) -> Any:
    """An operation's arguments or results with kinds for tensors, and each value with its type: 1 is not 1.0."""
    if isinstance(value, torch.Tensor):
        return _Kind(tuple(value.shape), value.stride(), value.dtype)
    if isinstance(value, (tuple, list)):
        return type(value), tuple(_kinds(one) for one in value)
    return type(value), value


def _like(kinds: Any) -> Any:
    """The inverse of `_kinds`, with new tensors."""
    if isinstance(kinds, _Kind):
        return torch.empty_strided(kinds.size, kinds.stride, dtype=kinds.dtype, device=META)
    of, value = kinds
    return of(_like(one) for one in value) if of in (tuple, list) else value
