"""models.yaml declares; what it says wrongly is named."""

from pathlib import Path

import pytest

from engine.catalog import CATALOG_FILE, Catalog, load_catalog
from engine.errors import BadCatalog, BadRequest, LicenceRefused

GOOD = """
profiles:
  only:
    about: one
    models: {writer: w, narrator: n, composer: c, artist: a, animator: v}
    short_side: 64
    fps: 8
    vram_gb: 0
models:
  w: {role: writer, family: noop, licence: MIT, commercial: true}
  n: {role: narrator, family: noop, licence: MIT, commercial: true}
  c: {role: composer, family: noop, licence: MIT, commercial: true}
  a: {role: artist, family: noop, licence: CPML, commercial: false}
  v: {role: animator, family: noop, licence: MIT, commercial: true}
"""


def read(tmp_path: Path, text: str) -> Catalog:
    file = tmp_path / "models.yaml"
    file.write_text(text)
    return load_catalog(file)


def test_the_shipped_catalog_is_whole_and_every_family_has_its_file() -> None:
    catalog = load_catalog()
    assert {"tiny", "cpu"} <= set(catalog.profiles)
    for spec in catalog.models.values():
        place = CATALOG_FILE.parent / Path(*spec.module.split("."))
        assert place.with_suffix(".py").is_file() or (place / "__init__.py").is_file(), spec.module


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("licence: CPML", "license: CPML", "did you mean licence"),
        ("short_side: 64", "shortside: 64", "did you mean short_side"),
        ("writer: w", "writer: n", "the writers are w"),
        ("artist: a,", "", "profiles.only.models.artist is None"),
        ("family: noop, licence: CPML", "family: ../../etc, licence: CPML", "family must be the name of a file"),
        ("fps: 8", "fps: fast", "profiles.only"),
        ("commercial: false", "commercial: false, weights: {repo: a/b, pickle: yes}", "unknown key 'pickle'"),
        ("commercial: false", "commercial: false, limits: {max_frame: 5}", "did you mean max_frames"),
        ("profiles:", "profile:", "exactly the keys"),
        ("models:\n  w:", "models:\n  w: [", "cannot be read"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place_and_the_valid_ones(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert before in GOOD
    with pytest.raises(BadCatalog, match=said):
        read(tmp_path, GOOD.replace(before, after, 1))


def test_auto_takes_the_most_demanding_profile_that_the_gpu_holds() -> None:
    catalog = load_catalog()
    assert catalog.profile("auto", vram_gb=0).name == "cpu"
    best = catalog.profile("auto", vram_gb=1000)
    assert best.vram_gb == max(profile.vram_gb for profile in catalog.profiles.values())


def test_an_unknown_profile_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BadRequest, match=r"'gpu-9000' is not one of auto, .*cpu"):
        load_catalog().profile("gpu-9000")


def test_commercial_use_of_a_model_that_forbids_it_is_refused(tmp_path: Path) -> None:
    catalog = read(tmp_path, GOOD)
    with pytest.raises(LicenceRefused, match=r"model a is licensed CPML.*--use personal"):
        catalog.check_licences(catalog.profile("only"), "commercial")
    catalog.check_licences(catalog.profile("only"), "personal")
