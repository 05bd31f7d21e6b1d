"""A published Coqui checkpoint (`.pth`) to what the family opens: safetensors beside its config. Read once, never run.

torch's weights-only reader builds tensors and plain containers and refuses everything else; the pickles are removed
when what was made of them is in place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.backends.torch_env import sealed
from engine.backends.voice.coqui.xtts import EMBEDDING, LATENT, SPEAKERS
from engine.catalog import ModelSpec
from engine.errors import ModelCorrupt

# What only training needs: the discriminator, a speaker encoder's copy, and the trainer's spectrograms and DVAE.
TRAINING = ("disc.", "speaker_encoder.", "torch_mel_spectrogram_", "dvae.")


def convert_checkpoint(spec: ModelSpec, folder: Path) -> None:
    """Turn the pickles of `folder` into `model.safetensors` (and `speakers.safetensors`), and remove them.

    Does nothing where there is nothing to turn, and imports no torch then. Raises `ModelCorrupt` for a pickle that
    holds more than weights.
    """
    model = next(
        (p for name in ("model.pth", "model_file.pth", "best_model.pth") if (p := folder / name).is_file()), None
    )
    speakers = folder / "speakers_xtts.pth"
    if model is not None or speakers.is_file():
        _convert(spec, folder, model, speakers)
    for pickle in [p for p in folder.iterdir() if p.suffix == ".pth"]:
        pickle.unlink()


def _convert(spec: ModelSpec, folder: Path, model: Path | None, speakers: Path) -> None:
    with sealed(spec):
        from safetensors.torch import save_file

        if model is not None:
            read = _read(spec, model)
            state = {name.removeprefix("xtts."): tensor for name, tensor in (read.get("model") or read).items()}
            kept = {n: t.detach().clone().contiguous() for n, t in state.items() if not n.startswith(TRAINING)}
            save_file(kept, folder / "model.safetensors")
        if speakers.is_file():
            voices = {}
            for name, parts in _read(spec, speakers).items():
                for part in (LATENT, EMBEDDING):
                    voices[f"{name}/{part}"] = parts[part].detach().clone().contiguous()
            save_file(voices, folder / SPEAKERS)


def _read(spec: ModelSpec, path: Path) -> dict[str, Any]:
    import pickle

    import torch

    try:
        with _coqui_configs():
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelCorrupt(
            f"Model {spec.id} is not converted: {path.name} holds more than weights, and is not run to find out what."
        ) from error


@contextlib.contextmanager
def _coqui_configs() -> Iterator[None]:
    """XTTS checkpoints carry their config as dataclasses; these, and no other classes, may be built."""
    import torch
    from TTS.config.shared_configs import BaseDatasetConfig
    from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig

    old = "TTS.tts.models.xtts"
    moved: Any = [(XttsArgs, f"{old}.XttsArgs"), (XttsAudioConfig, f"{old}.XttsAudioConfig")]
    with torch.serialization.safe_globals([*moved, XttsArgs, XttsAudioConfig, XttsConfig, BaseDatasetConfig]):
        yield
