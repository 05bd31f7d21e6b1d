"""Opens a model's folder: a checkpoint as it is, or, where only `architecture.json` lies there, one of random weights.

With random weights a model is as fast as with real ones and shows nothing: for measuring speed without any download.
They are of the same configs, in the same types on the same device, and go through the families' own code.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import msgspec

from engine.architectures import BYTES, Architecture, Part
from engine.backends.torch_env import diffusers_quietly

FILE = "architecture.json"
SEED = 0


def is_blank(folder: Path) -> bool:
    return (folder / FILE).is_file()


def lay_out(arch: Architecture, folder: Path) -> Path:
    """Make `folder` one that `opened` builds from `arch`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(msgspec.json.encode(arch))
    return folder


def opened(kind: Any, folder: Path, *, subfolder: str | None = None, torch_dtype: Any, **told: Any) -> Any:
    """As `kind.from_pretrained`: a pipeline of diffusers, or with `subfolder` one of its components."""
    if not is_blank(folder):
        where = {} if subfolder is None else {"subfolder": subfolder}
        return kind.from_pretrained(folder, torch_dtype=torch_dtype, **where, **told)
    arch = msgspec.json.decode((folder / FILE).read_bytes(), type=Architecture)
    if subfolder is not None:
        return _component(arch.components[subfolder], torch_dtype)
    diffusers = diffusers_quietly()
    scheduler = getattr(diffusers, arch.scheduler.kind).from_config(arch.scheduler.config)
    parts = {"scheduler": scheduler, **_tokenizers(arch)}
    parts |= {name: told.get(name) or _component(part, torch_dtype) for name, part in arch.components.items()}
    known = inspect.signature(kind.__init__).parameters
    plain = {name: value for name, value in told.items() if name in known and name not in parts}
    absent = {name: None for name in ("transformer_2", "image_encoder", "image_processor") if name in known}
    return kind(**{**absent, **plain, **parts, **arch.pipeline.config})


def _component(part: Part, dtype: Any) -> Any:
    """Built where there is room, in that type from the first; with the same weights every time."""
    import torch
    import transformers

    diffusers = diffusers_quietly()
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.random.fork_rng(), torch.device(_roomy(part)):
            torch.manual_seed(SEED)
            made = getattr(diffusers, part.kind, None)
            if made is not None:
                model = made.from_config(part.config)
            else:
                made = getattr(transformers, part.kind)
                model = made(made.config_class(**part.config))
    finally:
        torch.set_default_dtype(before)
    kept = getattr(model, "_keep_in_fp32_modules", None) or ()
    if part.kind.startswith("Wan"):  # as diffusers loads it: what is small and sensitive stays wide
        for name, weights in model.named_parameters():
            if set(kept) & set(name.split(".")):
                weights.data = weights.data.float()
    return model.eval().requires_grad_(False)


def _roomy(part: Part) -> str:
    """The GPU, if the component fits there beside what is on it."""
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    from engine.backends.counting import build

    size = sum(weights.numel() for weights in build(part).parameters()) * BYTES[part.dtype]
    free, total = torch.cuda.mem_get_info()
    allowed = torch.cuda.get_per_process_memory_fraction() * total - torch.cuda.memory_allocated()
    return "cuda" if size * 1.2 < min(free, allowed) else "cpu"


def _tokenizers(arch: Architecture) -> dict[str, Any]:
    """Letter by letter: what a text says makes no difference to the time, because it is padded to its full length."""
    from engine.backends.toys.words import clip_tokenizer, qwen_tokenizer, t5_tokenizer

    kinds = {part.kind for part in arch.components.values()}
    if "Qwen3Model" in kinds:
        return {"tokenizer": qwen_tokenizer()}
    if any(kind.startswith("CLIP") for kind in kinds):
        return {"tokenizer": clip_tokenizer(), "tokenizer_2": clip_tokenizer()}
    return {"tokenizer": t5_tokenizer()}
