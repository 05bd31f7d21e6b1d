"""Each model is opened once, and what does not fit makes room for what is needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.catalog import Catalog, Limits, ModelSpec, Weights
from engine.errors import BadCatalog, ModelMissing
from engine.models import Residents, load_model


def artist(name: str, vram_gb: float | None = 0, **fields) -> ModelSpec:
    known = {"role": "artist", "family": "noop", "licence": "MIT", "commercial": True, "limits": Limits()}
    return ModelSpec(**{"id": name, "vram_gb": vram_gb, **known, **fields})


def catalog(*specs: ModelSpec) -> Catalog:
    return Catalog(profiles={}, models={spec.id: spec for spec in specs})


def test_a_model_is_loaded_at_its_first_use_and_only_then(tmp_path: Path) -> None:
    with Residents(catalog(artist("a")), tmp_path, vram_gb=0) as models:
        handle = models.handle("a")
        assert models.loads["a"] == 0
        assert handle.open() is handle.open() is models.handle("a").open()
        assert models.loads["a"] == 1


def test_models_that_fit_together_stay_and_the_cheapest_to_bring_back_makes_room(tmp_path: Path) -> None:
    specs = artist("small", 4), artist("large", 12), artist("new", 6), artist("on-cpu", 0)
    with Residents(catalog(*specs), tmp_path, vram_gb=20) as models:
        for name in ("on-cpu", "large", "small", "new"):
            models.handle(name).open()
        for name in ("on-cpu", "large", "new"):
            models.handle(name).open()
        assert models.loads == {"on-cpu": 1, "large": 1, "small": 1, "new": 1}
        models.handle("small").open()
        assert models.loads["small"] == 2


def test_beside_a_model_whose_need_nobody_knows_nothing_else_stays(tmp_path: Path) -> None:
    specs = artist("small", 4), artist("unknown", None), artist("on-cpu", 0)
    with Residents(catalog(*specs), tmp_path, vram_gb=20) as models:
        for name in ("on-cpu", "small", "unknown", "small", "on-cpu"):
            models.handle(name).open()
        assert models.loads == {"on-cpu": 1, "small": 2, "unknown": 1}


def test_own_files_that_changed_are_another_version(tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"one")
    spec = artist("a", weights=Weights(local=str(own)), parts={"lora": Weights(local=str(own))})
    with Residents(catalog(spec), tmp_path, vram_gb=0) as models:
        before = models.handle("a").spec.revision
        assert models.handle("a").spec.revision == before
        own.write_bytes(b"another")
        assert models.handle("a").spec.revision != before


def test_an_unknown_model_or_family_is_named_with_what_there_is(tmp_path: Path) -> None:
    with Residents(catalog(artist("a")), tmp_path, vram_gb=0) as models, pytest.raises(BadCatalog, match=r"'b'.* a"):
        models.handle("b")
    with pytest.raises(BadCatalog, match="no family 'cubism'"):
        load_model(artist("a", family="cubism"), tmp_path)


def test_missing_weights_say_how_to_get_them(tmp_path: Path) -> None:
    spec = artist("a", weights=Weights(repo="someone/something", revision="1"))
    with pytest.raises(ModelMissing, match="reelhouse models pull a"):
        load_model(spec, tmp_path)


def test_no_library_that_speaks_reports_to_its_maker(tmp_path: Path) -> None:
    """ONNX Runtime's reporting leaves a session file and a database behind; without them there is none to send."""
    program = """
from pathlib import Path
from engine.backends.protocols import SpeechJob
from engine.catalog import load_catalog
from engine.models import load_model
load_model(load_catalog().model("hibari"), Path()).speak(SpeechJob(text="Hello.", voice="heart"), Path("voice.wav"))
"""
    surroundings = {name: text for name, text in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    surroundings |= {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    root = Path(__file__).parents[1]
    surroundings["PYTHONPATH"] = str(root)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=surroundings, check=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["voice.wav"]
