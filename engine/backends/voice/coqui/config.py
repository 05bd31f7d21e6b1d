"""A Coqui checkpoint's `config.json`: read, and stripped of everything that points outside its folder or names code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from engine.catalog import ModelSpec
from engine.errors import ModelCorrupt, ModelUnavailable

ARCHITECTURES = ("vits", "xtts")

# Of the published configs these hold paths of the machine that trained them, or weights of another model.
FOREIGN = {
    "speaker_encoder_model_path": "",
    "speaker_encoder_config_path": "",
    "speakers_file": None,
    "speaker_file": None,
    "language_ids_file": None,
    "d_vector_file": None,
    "tokenizer_file": "",
    "gpt_checkpoint": None,
    "clvp_checkpoint": None,
    "decoder_checkpoint": None,
}


def read_config(spec: ModelSpec, folder: Path) -> dict[str, Any]:
    """The config as plain data. Raises `ModelCorrupt` if it is none or of another architecture, `ModelUnavailable` if
    it reads phonemes and espeak-ng, which makes them, is not installed."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        architecture = config["model"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelCorrupt(f"Model {spec.id} is not opened: {path} is missing or no config of Coqui TTS.") from error
    if architecture not in ARCHITECTURES:
        raise ModelCorrupt(
            f"Model {spec.id} is not opened: {path} is of a {architecture!r}; coqui speaks {', '.join(ARCHITECTURES)}."
        )
    for part in (config, config.get("model_args") or {}):
        part.update({key: value for key, value in FOREIGN.items() if key in part})
    arguments = config.get("model_args") or {}
    if "init_discriminator" in arguments:
        arguments["init_discriminator"] = False  # only training needs it
    if arguments.get("use_d_vector_file") or config.get("use_d_vector_file"):
        raise ModelCorrupt(
            f"Model {spec.id} is not opened: it takes its voices from a pickle of speaker vectors; use another VITS."
        )
    characters = config.get("characters") or {}
    if not str(characters.get("characters_class") or "TTS.").startswith("TTS."):
        raise ModelCorrupt(f"Model {spec.id} is not opened: {path} names code outside Coqui TTS.")
    speakers = folder / "speaker_ids.json"
    if speakers.is_file():
        numbers: dict[str, int] = json.loads(speakers.read_text(encoding="utf-8"))
        config["speakers"] = sorted(numbers, key=numbers.__getitem__)
    if config.get("use_phonemes") and not (shutil.which("espeak-ng") or shutil.which("espeak")):
        raise ModelUnavailable(
            f"Model {spec.id} reads phonemes, and the program that makes them is missing: install espeak-ng "
            "(`apt install espeak-ng`)."
        )
    return config
