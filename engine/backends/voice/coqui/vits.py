"""VITS of Coqui TTS: the whole line at once, with a duration for each symbol that was read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.backends.protocols import SpeechJob
from engine.backends.torch_env import sealed
from engine.backends.voice.coqui.text import Group, times_from_groups, times_from_symbols
from engine.catalog import ModelSpec
from engine.made import Word

PUNCTUATION = frozenset(" !¡'(),-.:;¿?…—–\"«»“”")
ONE_VOICE = "narrator"
"""What the only voice of a checkpoint with one speaker is called, unless models.yaml gives it another name."""


class Vits:
    """A `Synthesiser`. Speakers are the checkpoint's own."""

    def __init__(self, spec: ModelSpec, config: dict[str, Any], folder: Path, noise: float | None, device: str) -> None:
        with sealed(spec):
            from safetensors.torch import load_file
            from TTS.tts.configs.vits_config import VitsConfig
            from TTS.tts.models.vits import Vits as Network

            typed = VitsConfig()
            typed.from_dict(config)
            network = Network.init_from_config(typed)
            network.load_state_dict(load_file(folder / "model.safetensors"))
            if noise is not None:
                network.inference_noise_scale = noise
            self._network = network.eval().to(device)
        self._device = device
        self._pace = network.length_scale
        self.rate = int(typed.audio.sample_rate)
        speakers = getattr(network.speaker_manager, "name_to_id", None) or {}
        self._speakers = dict(speakers)
        self.voices: tuple[str, ...] = tuple(self._speakers) or spec.limits.voices[:1] or (ONE_VOICE,)

    def say(self, words: list[str], job: SpeechJob, watch: Callable[[], None]) -> tuple[np.ndarray, list[Word]]:
        import torch

        tokenizer = self._network.tokenizer
        ids = tokenizer.text_to_ids(" ".join(words), language=None)
        # Alphabets leave out what they do not know; a line of nothing else is a short silence.
        if not any(self._sounds(token) for token in ids):
            return np.zeros(self.rate // 5, np.float32), [Word(text=word, start=0.0, end=0.0) for word in words]
        self._network.length_scale = self._pace / job.speed
        number = self._speakers.get(job.voice)
        told = {
            "x_lengths": torch.tensor([len(ids)], device=self._device),
            "speaker_ids": None if number is None else torch.tensor([number], device=self._device),
            "d_vectors": None,
            "language_ids": None,
            "durations": None,
        }
        with torch.inference_mode():
            made = self._network.inference(torch.tensor([ids], device=self._device), aux_input=told)
        watch()
        samples = made["model_outputs"].reshape(-1).float().cpu().numpy()
        durations = made["durations"].reshape(-1).float().cpu().numpy()
        edges = np.concatenate([[0.0], np.cumsum(durations)])
        if tokenizer.use_phonemes:
            alone = [
                "".join(map(self._symbol, self._heard(tokenizer.text_to_ids(word, language=None)))) for word in words
            ]
            symbols = self._symbols(ids, edges, len(samples) / self.rate)
            return samples, times_from_symbols(words, symbols, alone)
        groups = self._groups(ids, edges, len(samples) / self.rate)
        cleaner = tokenizer.text_cleaner
        shares = [len((cleaner(word, lang="en") if cleaner else word).split()) for word in words]
        return samples, times_from_groups(words, groups, shares)

    def _symbol(self, token: int) -> str:
        characters = self._network.tokenizer.characters
        return "" if token == characters.blank_id else characters.id_to_char(token)

    def _sounds(self, token: int) -> bool:
        symbol = self._symbol(token)
        return bool(symbol) and not symbol.startswith("<") and symbol not in PUNCTUATION

    def _heard(self, ids: list[int]) -> list[int]:
        return [token for token in ids if self._sounds(token)]

    def _symbols(self, ids: list[int], edges: np.ndarray, seconds: float) -> list[Group]:
        """The symbols that sound, one by one; `edges` as below."""
        scale = seconds / max(1.0, float(edges[-1]))
        return [
            Group(text=self._symbol(token), start=float(edges[i]) * scale, end=float(edges[i + 1]) * scale)
            for i, token in enumerate(ids)
            if self._sounds(token)
        ]

    def _groups(self, ids: list[int], edges: np.ndarray, seconds: float) -> list[Group]:
        """The words that were read: runs of sounding symbols between blanks. `edges` in frames, scaled to `seconds`."""
        scale = seconds / max(1.0, float(edges[-1]))
        groups: list[Group] = []
        inside = False
        for number, token in enumerate(ids):
            symbol = self._symbol(token)
            if symbol == " ":
                inside = False
            elif self._sounds(token):
                start, end = float(edges[number]) * scale, float(edges[number + 1]) * scale
                if inside:
                    last = groups.pop()
                    symbol, start = last.text + symbol, last.start
                groups.append(Group(text=symbol, start=start, end=end))
                inside = True
        return groups
