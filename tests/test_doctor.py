"""The doctor looks for real, and says what to do about what it finds."""

from pathlib import Path

import pytest

import engine.media
from engine import doctor
from engine.catalog import ModelSpec, Weights, load_catalog


def spec(**fields) -> ModelSpec:
    return ModelSpec(**{"id": "m", "role": "writer", "family": "llama", "licence": "MIT", "commercial": True, **fields})


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10), "failed"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "failed")]
)
def test_python_is_one_of_those_that_everything_is_built_for(version: tuple[int, int], state: str) -> None:
    assert doctor.check_python(version).state == state


def test_another_platform_is_advised_against() -> None:
    assert doctor.check_platform("Windows", "AMD64").state == "advice"
    assert "WSL2" in (doctor.check_platform("Windows", "AMD64").fix or "")


def test_a_home_that_cannot_be_written_fails_and_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = doctor.check_home(tmp_path / "file" / "home")
    assert found.state == "failed"
    assert "REELHOUSE_HOME" in (found.fix or "")


def test_a_home_is_tried_by_writing_and_left_empty(tmp_path: Path) -> None:
    assert doctor.check_home(tmp_path / "new").state == "ok"
    assert list((tmp_path / "new").iterdir()) == []


def test_too_little_memory_fails() -> None:
    assert doctor.check_memory(total=16, available=0.5).state == "failed"
    assert doctor.check_memory(total=4, available=3).state == "ok"


def test_the_ffmpeg_that_comes_along_has_what_films_need() -> None:
    assert doctor.check_ffmpeg().state == "ok"


def test_an_ffmpeg_without_libass_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exe = tmp_path / "ffmpeg"
    exe.write_text("#!/bin/sh\necho 'ffmpeg version 1 libx264 loudnorm'\n")
    exe.chmod(0o755)
    monkeypatch.setattr(engine.media, "ffmpeg_exe", lambda: str(exe))
    found = doctor.check_ffmpeg()
    assert found.state == "failed"
    assert "ass" in found.found


def test_the_bundled_fonts_draw_several_scripts() -> None:
    found = doctor.check_fonts()
    assert found.state == "ok"
    assert "Arabic" in found.found


@pytest.mark.parametrize(("version", "state"), [((3, 40, 1), "advice"), ((3, 51, 2), "advice"), ((3, 51, 3), "ok")])
def test_an_sqlite_that_can_corrupt_is_told(version: tuple[int, int, int], state: str) -> None:
    assert doctor.check_sqlite(version).state == state


def test_a_missing_toy_fails_with_the_command_that_builds_it(tmp_path: Path) -> None:
    found = doctor.check_model(spec(weights=Weights(toy="toy-llama", file="toy.gguf")), tmp_path)
    assert found.state == "failed"
    assert "reelhouse models build" in (found.fix or "")


def test_altered_weights_fail(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"not a model")
    weights = Weights(local=str(tmp_path), file="model.gguf")
    assert doctor.check_model(spec(weights=weights), tmp_path).state == "failed"


def test_a_model_that_opens_is_said_to_and_one_that_does_not_is_named(tmp_path: Path) -> None:
    catalog = load_catalog()
    assert doctor.check_opens(catalog.model("camera"), tmp_path).state == "ok"
    missing = doctor.check_opens(catalog.model("toy-llama"), tmp_path)
    assert missing.state == "failed"
    assert "toy-llama" in missing.found


def test_a_library_is_tried_in_a_process_of_its_own() -> None:
    assert doctor._imports("torch", "1", "raise SystemExit(0)", needed=True).state == "ok"
    broken = doctor._imports("torch", "1", "raise OSError('libc10_cuda.so is missing')", needed=True)
    assert broken.state == "failed"
    assert "libc10_cuda.so is missing" in broken.found
    assert doctor._imports("torch", "1", "raise OSError", needed=False).state == "advice"


def test_torch_is_required_by_diffusion_profiles_only() -> None:
    catalog = load_catalog()
    assert doctor._need_torch([catalog.model(m) for m in catalog.profile("tiny").models.values()])
    assert not doctor._need_torch([catalog.model(m) for m in catalog.profile("cpu").models.values()])
