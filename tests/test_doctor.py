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


def test_a_model_that_opens_is_said_to_and_one_that_does_not_is_named_and_keeps_none_after_it_from_it(
    tmp_path: Path,
) -> None:
    catalog = load_catalog()
    models = [catalog.model(name) for name in ("camera", "toy-llama", "sketch")]
    opens, missing, after = doctor.check_opens(models, tmp_path)
    assert (opens.state, opens.found) == ("ok", "camera")
    assert missing.state == "failed"
    assert missing.found.startswith("toy-llama: engine.errors.ModelMissing: ")
    assert "reelhouse models build" in (missing.fix or "")
    assert (after.state, after.name, after.found) == ("ok", "artist opens", "sketch")


BRITTLE = """
import os, sys, time
for name in sys.argv[2:]:
    if name == "raises":
        raise OSError("libc10_cuda.so is missing")
    if name == "crashes":
        os.abort()
    if name == "hangs":
        print("it hangs now", flush=True)
        time.sleep(60)
    print(sys.argv[1] + name, flush=True)
"""


def test_what_takes_its_process_down_or_hangs_is_named_with_the_reason_and_the_rest_is_tried_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "TRY_SECONDS", 3)
    names = ["one", "raises", "crashes", "two", "hangs", "three"]
    assert doctor.try_each(BRITTLE, [""], names) == {
        "one": "",
        "raises": "OSError: libc10_cuda.so is missing",
        "crashes": "exit -6",
        "two": "",
        "hangs": "no answer within 3 s",
        "three": "",
    }
    assert doctor.try_each(BRITTLE, ["not "], ["one"]) == {"one": "exit 0"}  # ended well, and said nothing of it


def test_a_build_of_torch_that_does_not_import_fails_only_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libc10_cuda.so is missing')")
    (tmp_path / "torchaudio.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    catalog = load_catalog()
    for profile, state in (("tiny", "failed"), ("cpu", "advice")):
        specs = [catalog.model(model) for model in catalog.profile(profile).models.values()]
        torch, torchaudio = doctor.check_torches(specs)
        assert (torch.name, torch.state) == ("torch", state)
        assert "cannot be imported: OSError: libc10_cuda.so is missing" in torch.found
        assert (torchaudio.name, torchaudio.state) == ("torchaudio", "ok")


def test_torch_is_required_by_diffusion_profiles_only() -> None:
    catalog = load_catalog()
    assert doctor._need_torch([catalog.model(m) for m in catalog.profile("tiny").models.values()])
    assert not doctor._need_torch([catalog.model(m) for m in catalog.profile("cpu").models.values()])
