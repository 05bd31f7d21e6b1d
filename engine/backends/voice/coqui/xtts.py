"""XTTS of Coqui TTS: speech token by token, in the voice of a stored speaker. It tells no word times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.backends.protocols import SpeechJob
from engine.backends.torch_env import sealed
from engine.backends.voice.coqui.text import times_by_letters
from engine.catalog import ModelSpec
from engine.made import Word

SPEAKERS = "speakers.safetensors"
LATENT, EMBEDDING = "gpt_cond_latent", "speaker_embedding"


class Xtts:
    """A `Synthesiser`. `speakers.safetensors` holds `NAME/gpt_cond_latent` (1, n, width) and `NAME/speaker_embedding`
    (1, 512, 1) for each voice."""

    def __init__(
        self, spec: ModelSpec, config: dict[str, Any], folder: Path, temperature: float | None, device: str
    ) -> None:
        with sealed(spec):
            from safetensors.torch import load_file
            from TTS.tts.configs.xtts_config import XttsConfig
            from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
            from TTS.tts.models.xtts import Xtts as Network

            typed = XttsConfig()
            typed.from_dict(config)
            network: Any = Network(typed)
            network.tokenizer = VoiceBpeTokenizer(vocab_file=folder / "vocab.json")
            network.init_models()
            network.load_state_dict(
                {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
            )
            network.eval()
            network.gpt.init_gpt_for_inference(kv_cache=typed.model_args.kv_cache)
            network.gpt.eval()
            self._network = network.to(device)
            self._speakers = load_file(folder / SPEAKERS)
        self._device = device
        self._temperature = temperature if temperature is not None else typed.temperature
        self._config = typed
        self.rate = int(typed.model_args.output_sample_rate)
        self.voices = tuple(sorted({name.rsplit("/", 1)[0] for name in self._speakers}))

    def say(self, words: list[str], job: SpeechJob, watch: Callable[[], None]) -> tuple[np.ndarray, list[Word]]:
        made = self._network.inference(
            " ".join(words),
            _language(job.locale),
            self._speakers[f"{job.voice}/{LATENT}"],
            self._speakers[f"{job.voice}/{EMBEDDING}"],
            temperature=self._temperature,
            length_penalty=float(self._config.length_penalty),
            repetition_penalty=float(self._config.repetition_penalty),
            top_k=self._config.top_k,
            top_p=self._config.top_p,
            speed=job.speed,
            stopping_criteria=_watching(watch),
        )
        samples = np.asarray(made["wav"], np.float32).reshape(-1)
        return samples, times_by_letters(words, samples, self.rate)


def _language(locale: str) -> str:
    language = locale.split("-")[0].lower()
    return "zh-cn" if language == "zh" else language


def _watching(watch: Callable[[], None]) -> Any:
    """Calls `watch` after each token; what it raises ends the generation."""
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    class Watching(StoppingCriteria):
        def __call__(self, input_ids: Any, scores: Any, **more: Any) -> Any:
            watch()
            return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    return StoppingCriteriaList([Watching()])
