"""Coqui's VITS and XTTS: words where they sound, checkpoints converted without running them, configs kept indoors."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file

from engine.backends.protocols import SpeechJob
from engine.backends.voice.coqui.convert import convert_checkpoint
from engine.backends.voice.coqui.text import Group, sentences, times_by_letters, times_from_groups, times_from_symbols
from engine.catalog import Limits, ModelSpec, Weights
from engine.downloads import Network
from engine.errors import BadCatalog, BadRequest, ModelCorrupt, ModelUnavailable
from engine.models import load_model, prepare_weights
from engine.pulling import pull_model
from engine.weights import fetched_folder
from tests.hub_server import serving
from tests.toy_weights import shared_home

LINE = "The dragon lands. A young knight waits at 9:30, “now!”"


def entry(folder: Path, *voices: str, **params: Any) -> ModelSpec:
    return ModelSpec(
        id="mine",
        role="narrator",
        family="coqui",
        licence="MIT",
        commercial=True,
        weights=Weights(local=str(folder)),
        limits=Limits(languages=("en",), voices=voices or ("toy",)),
        params=params,
    )


@pytest.fixture
def vits(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the toy VITS that a test may spoil."""
    return _copy(tmp_path, tmp_path_factory, "toy-vits")


@pytest.fixture
def xtts(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _copy(tmp_path, tmp_path_factory, "toy-xtts")


def _copy(tmp_path: Path, factory: pytest.TempPathFactory, name: str) -> Path:
    shutil.copytree(shared_home(factory, name) / "toys" / name, tmp_path / name)
    (tmp_path / name / "sha256.json").unlink()
    return tmp_path / name


def edit_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def test_words_get_the_times_of_the_models_own_durations(vits: Path, tmp_path: Path) -> None:
    model = load_model(entry(vits), tmp_path)
    speech = model.speak(SpeechJob(text=LINE, voice="toy"), tmp_path / "v.wav")
    assert [word.text for word in speech.words] == LINE.split()
    assert all(word.end > word.start for word in speech.words)
    assert all(a.end <= b.start for a, b in zip(speech.words, speech.words[1:], strict=False))
    slow = model.speak(SpeechJob(text=LINE, voice="toy", speed=0.7), tmp_path / "slow.wav")
    assert slow.seconds > speech.seconds * 1.1
    assert soundfile.info(tmp_path / "slow.wav").duration == pytest.approx(slow.seconds, abs=1e-4)
    assert np.abs(soundfile.read(tmp_path / "v.wav")[0]).max() > 0.05


def test_a_line_without_a_known_letter_is_a_short_silence_not_a_fault(vits: Path, tmp_path: Path) -> None:
    model = load_model(entry(vits), tmp_path)
    speech = model.speak(SpeechJob(text="привет, мир", voice="toy"), tmp_path / "v.wav")
    assert [word.text for word in speech.words] == ["привет,", "мир"]


@pytest.mark.parametrize(
    ("job", "field"),
    [
        ({"text": "— …"}, "narration"),
        ({"voice": "nobody"}, "voice"),
        ({"locale": "fr-FR"}, "locale"),
        ({"speed": 3.0}, "speed"),
    ],
)
def test_what_cannot_be_said_is_refused_by_field(vits: Path, tmp_path: Path, job: dict, field: str) -> None:
    model = load_model(entry(vits), tmp_path)
    with pytest.raises(BadRequest, match=f"^{field}:"):
        model.speak(SpeechJob(**{"text": "A fox.", "voice": "toy", **job}), tmp_path / "v.wav")
    assert not (tmp_path / "v.wav").exists()


def test_voices_of_xtts_differ_and_unknown_ones_are_named(xtts: Path, tmp_path: Path) -> None:
    model = load_model(entry(xtts, "toy-low", "toy-high"), tmp_path)
    for voice in ("toy-low", "toy-high"):
        speech = model.speak(SpeechJob(text="A fox ran.", voice=voice), tmp_path / f"{voice}.wav")
        assert [word.text for word in speech.words] == ["A", "fox", "ran."]
    assert (tmp_path / "toy-low.wav").read_bytes() != (tmp_path / "toy-high.wav").read_bytes()
    model.close()
    with pytest.raises(BadCatalog, match="toy-high, toy-low, not 'Ana'"):
        load_model(entry(xtts, "Ana"), tmp_path)


def test_a_published_checkpoint_is_converted_once_and_speaks_the_same(vits: Path, tmp_path: Path) -> None:
    job = SpeechJob(text="A fox ran.", voice="toy")
    load_model(entry(vits), tmp_path).speak(job, tmp_path / "before.wav")
    weights = load_file(vits / "model.safetensors")
    (vits / "model.safetensors").unlink()
    torch.save({"model": {**weights, "disc.nets.0.weight": torch.zeros(2)}, "step": 5}, vits / "model_file.pth")
    with pytest.raises(ModelCorrupt, match="is a pickle"):
        load_model(entry(vits), tmp_path)
    convert_checkpoint(entry(vits), vits)
    assert sorted(file.name for file in vits.iterdir() if file.suffix in (".pth", ".safetensors")) == [
        "model.safetensors"
    ]
    load_model(entry(vits), tmp_path).speak(job, tmp_path / "after.wav")
    assert (tmp_path / "after.wav").read_bytes() == (tmp_path / "before.wav").read_bytes()


def test_a_published_archive_is_pulled_as_something_that_opens(vits: Path, tmp_path: Path) -> None:
    weights = load_file(vits / "model.safetensors")
    torch.save({"model": weights}, tmp_path / "model_file.pth")
    archive = tmp_path / "voice.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.write(tmp_path / "model_file.pth", "tts_models--en--toy/model_file.pth")
        zipped.write(vits / "config.json", "tts_models--en--toy/config.json")
    home = tmp_path / "home"
    with serving() as hub, Network(sleep=lambda _: None) as network:
        hub.archives["/voice.zip"] = archive.read_bytes()
        spec = msgspec.structs.replace(entry(vits), weights=Weights(url=f"{hub.address}/voice.zip"))
        pull_model(spec, home, network, hub.address, unpinned=True, prepare=prepare_weights)
    folder = fetched_folder(spec, home)
    assert folder is not None
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors", "sha256.json"]
    job = SpeechJob(text="A fox ran.", voice="toy")
    load_model(entry(vits), tmp_path).speak(job, tmp_path / "before.wav")
    load_model(spec, home).speak(job, tmp_path / "after.wav")
    assert (tmp_path / "after.wav").read_bytes() == (tmp_path / "before.wav").read_bytes()


def test_stored_speakers_of_xtts_are_converted(xtts: Path) -> None:
    stored = load_file(xtts / "speakers.safetensors")
    (xtts / "speakers.safetensors").unlink()
    parts = ("gpt_cond_latent", "speaker_embedding")
    torch.save({"Ana": {part: stored[f"toy-low/{part}"] for part in parts}}, xtts / "speakers_xtts.pth")
    convert_checkpoint(entry(xtts), xtts)
    converted = load_file(xtts / "speakers.safetensors")
    assert sorted(converted) == [f"Ana/{part}" for part in parts]
    assert torch.equal(converted["Ana/gpt_cond_latent"], stored["toy-low/gpt_cond_latent"])


class Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


def test_a_pickle_that_would_run_code_is_refused_and_does_not(vits: Path, tmp_path: Path) -> None:
    torch.save({"model": {}, "extra": Bomb(tmp_path / "ran")}, vits / "model.pth")
    with pytest.raises(ModelCorrupt, match="holds more than weights"):
        convert_checkpoint(entry(vits), vits)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "bark"}, "of a 'bark'"),
        ({"characters": {"characters_class": "os.path"}}, "code outside Coqui"),
        ({"use_d_vector_file": True}, "pickle of speaker vectors"),
    ],
)
def test_configs_that_name_code_or_pickles_are_refused(vits: Path, tmp_path: Path, changes: dict, said: str) -> None:
    edit_config(vits, **changes)
    with pytest.raises(ModelCorrupt, match=said):
        load_model(entry(vits), tmp_path)


def test_a_model_of_phonemes_says_that_espeak_is_missing(
    vits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_config(vits, use_phonemes=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelUnavailable, match="install espeak-ng"):
        load_model(entry(vits), tmp_path)


IPA = "iɪeɛæɐaɑɒʌəɚɜɔoʊuθðszʃʒfvhpbtdkɡmnŋlɹjwɾˈˌː"


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="needs the program espeak-ng, which makes the phonemes")
def test_a_model_of_phonemes_places_words_that_are_read_as_one(vits: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file
    from TTS.tts.configs.vits_config import VitsConfig
    from TTS.tts.models.vits import Vits

    characters = json.loads((vits / "config.json").read_text())["characters"] | {"phonemes": IPA}
    edit_config(
        vits, use_phonemes=True, phoneme_language="en-us", text_cleaner="phoneme_cleaners", characters=characters
    )
    config = VitsConfig()
    config.from_dict(json.loads((vits / "config.json").read_text()) | {"characters": characters})
    config.model_args.num_chars = None
    network = Vits(config)
    save_file(
        {name: tensor.contiguous().clone() for name, tensor in network.state_dict().items()}, vits / "model.safetensors"
    )
    edit_config(vits, model_args=config.model_args.to_dict())
    line = "The well-known dogs of the house ran in the rain at 9:30, now!"
    speech = load_model(entry(vits), tmp_path).speak(SpeechJob(text=line, voice="toy"), tmp_path / "v.wav")
    assert [word.text for word in speech.words] == line.split()
    assert all(word.end > word.start for word in speech.words)
    assert all(a.end <= b.start + 1e-9 for a, b in zip(speech.words, speech.words[1:], strict=False))


def test_words_that_are_read_as_one_are_told_apart_by_their_phonemes() -> None:
    heard = [Group(text=symbol, start=i, end=i + 1) for i, symbol in enumerate("dɑɡzʌvðəhaʊs")]
    words = times_from_symbols(["dogs", "of", "—", "the", "house"], heard, ["dˈɑɡz", "ˈʌv", "", "ðə", "haʊs"])
    assert [(word.start, word.end) for word in words] == [(0, 4), (4, 6), (6, 6), (6, 8), (8, 12)]


def test_sentences_are_said_one_by_one_and_none_is_empty() -> None:
    assert list(sentences(["He", "ran.", "“Stop!”", "she", "cried", "…", "and", "then"])) == [
        ["He", "ran."],
        ["“Stop!”"],
        ["she", "cried", "…"],
        ["and", "then"],
    ]
    assert list(sentences(["One.", "—"])) == [["One.", "—"]]
    long = ["word"] * 100
    runs = list(sentences(long))
    assert [word for run in runs for word in run] == long
    assert max(sum(len(word) + 1 for word in run) for run in runs) <= 210


def test_a_figure_gets_the_time_of_all_words_that_it_is_read_as() -> None:
    groups = [Group(text=t, start=i, end=i + 0.5) for i, t in enumerate(["at", "nine", "thirty", "now"])]
    words = times_from_groups(["at", "9:30", "now"], groups, [1, 2, 1])
    assert [(word.start, word.end) for word in words] == [(0, 0.5), (1, 2.5), (3, 3.5)]


def test_estimated_words_lie_where_something_is_heard() -> None:
    tone = np.sin(np.arange(8000) / 5).astype(np.float32)
    samples = np.concatenate([tone, np.zeros(8000, np.float32), tone])
    first, second = times_by_letters(["abcd", "efgh"], samples, 8000)
    assert first.end == pytest.approx(1.0, abs=0.05)
    assert second.start == pytest.approx(2.0, abs=0.05)
    assert second.end == pytest.approx(3.0, abs=0.05)
