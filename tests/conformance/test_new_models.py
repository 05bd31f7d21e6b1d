"""A model of a known family is one entry of models.yaml; a new family is one file and one entry."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import engine.backends.image
from engine.catalog import CATALOG_FILE, load_catalog
from engine.errors import BadCatalog
from engine.models import load_model
from tests.conformance.checks import (
    Bench,
    check_heeds_the_prompt,
    check_repeats,
    check_stops_at_the_first_step,
)
from tests.toy_weights import shared_home

STRIPES = '''
"""Artist family `stripes`: as many stripes as the prompt has letters."""

from PIL import Image, ImageDraw

from engine.made import Still


def load(spec, weights):
    return Stripes(spec)


class Stripes:
    def __init__(self, spec):
        self.spec = spec

    def paint(self, job, folder, *, tick=lambda done, total: None):
        picture = Image.new("RGB", (job.width, job.height))
        draw = ImageDraw.Draw(picture)
        for number in range(len(job.prompt)):
            tick(number + 1, len(job.prompt))
            draw.line([(0, number * 3), (job.width, number * 3 + job.seed)], fill=(255, 0, 0))
        picture.save(folder / "still.png")
        return Still(image=folder / "still.png")

    def close(self):
        pass
'''


def catalog_with(folder: Path, name: str, entry: dict) -> Path:
    declared = yaml.safe_load(CATALOG_FILE.read_text(encoding="utf-8"))
    declared["models"][name] = entry
    declared["profiles"]["mine"] = {**declared["profiles"]["tiny"]}
    declared["profiles"]["mine"]["models"] = {**declared["profiles"]["tiny"]["models"], "artist": name}
    path = folder / "models.yaml"
    path.write_text(yaml.safe_dump(declared), encoding="utf-8")
    return path


@pytest.fixture
def stripes_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "stripes.py").write_text(STRIPES, encoding="utf-8")
    monkeypatch.setattr(engine.backends.image, "__path__", [*engine.backends.image.__path__, str(folder)])
    importlib.invalidate_caches()
    yield
    sys.modules.pop("engine.backends.image.stripes", None)
    if hasattr(engine.backends.image, "stripes"):
        delattr(engine.backends.image, "stripes")


def test_a_checkpoint_of_a_known_family_needs_one_entry(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkpoint = shared_home(tmp_path_factory, "toy-sdxl") / "toys" / "toy-sdxl"
    entry = {
        "role": "artist",
        "family": "sdxl",
        "weights": {"local": str(checkpoint)},
        "licence": "MIT",
        "commercial": True,
        "params": {"steps": 1, "guidance": 3, "scheduler": "euler_trailing"},
    }
    catalog = load_catalog(catalog_with(tmp_path, "my-own", entry))
    spec = catalog.model(catalog.profile("mine").models["artist"])
    model = load_model(spec, tmp_path)
    bench = Bench(spec, model, tmp_path)
    check_repeats(bench)
    check_heeds_the_prompt(bench)
    model.close()


def test_a_new_family_needs_one_file_and_one_entry(tmp_path: Path, stripes_family: None) -> None:
    entry = {"role": "artist", "family": "stripes", "licence": "MIT", "commercial": True}
    spec = load_catalog(catalog_with(tmp_path, "my-stripes", entry)).model("my-stripes")
    model = load_model(spec, tmp_path)
    bench = Bench(spec, model, tmp_path)
    check_repeats(bench)
    check_heeds_the_prompt(bench)
    check_stops_at_the_first_step(bench)
    model.close()


def test_a_family_without_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    entry = {"role": "artist", "family": "watercolour", "licence": "MIT", "commercial": True}
    spec = load_catalog(catalog_with(tmp_path, "mine", entry)).model("mine")
    with pytest.raises(BadCatalog, match="watercolour"):
        load_model(spec, tmp_path)
