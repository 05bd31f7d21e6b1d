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
    return load_catalog.__wrapped__(file)  # the same path may hold another text


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
        ("commercial: false", "commercial: false, weights: {repo: ../../x}", "has to be OWNER/NAME"),
        ("commercial: false", "commercial: false, weights: {repo: a/b, toy: c}", "names toy and repo"),
        ("commercial: false", "commercial: false, weights: {file: c}", "names nothing: give one of"),
        ("commercial: false", "commercial: false, weights: {url: 'file:///x.zip'}", "of a .zip archive"),
        ("commercial: false", "commercial: false, weights: {repo: a/b, revision: '../x'}", "a commit's 40 hex digits"),
        ("commercial: false", "commercial: false, weights: {repo: a/b, file: ../x}", "leads out of the folder"),
        ("commercial: false", "commercial: false, parts: {x: {repo: a/b, only: [/x]}}", "leads out of the folder"),
        ("commercial: false", "commercial: false, vram_gb: 8", "memory says whether vram_gb was measured"),
        ("commercial: false", "commercial: false, vram_gb: null, memory: estimated", "give both, or neither"),
        ("commercial: false", "commercial: false, vram_gb: 8, memory: guessed", "models.a"),
        ("fps: 8", "fps: 0", r"profiles.only: .*>= 1 .*fps"),
        ("short_side: 64", "short_side: 0", r"profiles.only: .*>= 16 .*short_side"),
        ("short_side: 64", "short_side: 64\n    film_side: 99999", r"profiles.only: .*<= 4320 .*film_side"),
        ("commercial: false", "commercial: false, limits: {size_step: 0}", r"models.a: .*>= 1 .*size_step"),
        ("commercial: false", "commercial: false, limits: {max_frames: 0}", r"models.a: .*>= 1 .*max_frames"),
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


def test_auto_needs_no_figure_of_any_model() -> None:
    """What the entries need may be unknown; which cards a profile is for is declared."""
    catalog = load_catalog()
    unknown = {p.name for p in catalog.profiles.values() for m in p.models.values() if catalog.model(m).vram_gb is None}
    assert {"gpu-8gb", "gpu-80gb"} <= unknown
    assert [catalog.profile("auto", vram_gb=size).name for size in (0, 8, 16, 24, 80)] == [
        "cpu",
        "gpu-8gb",
        "gpu-16gb",
        "gpu-24gb",
        "gpu-80gb",
    ]


def test_commercial_use_of_a_model_that_forbids_it_is_refused(tmp_path: Path) -> None:
    catalog = read(tmp_path, GOOD)
    with pytest.raises(LicenceRefused, match=r"model a is licensed CPML.*no artist.*does.*--use personal"):
        catalog.check_licences(catalog.profile("only"), "commercial")
    catalog.check_licences(catalog.profile("only"), "personal")


def test_the_refusal_names_a_model_of_the_same_role_that_is_allowed(tmp_path: Path) -> None:
    other = "  b: {role: artist, family: noop, licence: MIT, commercial: true}\n"
    catalog = read(tmp_path, GOOD + other)
    with pytest.raises(LicenceRefused, match=r"put b in its place in models\.yaml"):
        catalog.check_licences(catalog.profile("only"), "commercial")
    only, rest = GOOD.split("models:\n  w:")
    second = only.split("profiles:\n")[1].replace("only:", "free:").replace("artist: a", "artist: b")
    catalog = read(tmp_path, f"{only}{second}models:\n  w:{rest}{other}")
    with pytest.raises(LicenceRefused, match=r"take b \(profile free\) instead"):
        catalog.check_licences(catalog.profile("only"), "commercial")


def test_what_the_defaults_use_may_be_used_commercially_and_needs_no_consent() -> None:
    catalog = load_catalog()
    used = [catalog.model(m) for profile in catalog.profiles.values() for m in profile.models.values()]
    assert [spec.id for spec in used if not spec.commercial or spec.opt_in] == []


LOCK = (
    """{{"a": {{"": {{"repo": "x/y", "revision": "{0}", "sha256": {{"w.gguf": "{1}"}}, "sizes": {{"w.gguf": 5}}}}}}}}"""
)
HEX = "0" * 40, "1" * 64


def with_repo(tmp_path: Path, weights: str) -> Catalog:
    (tmp_path / "models.lock").write_text(LOCK.format(*HEX))
    return read(tmp_path, GOOD.replace("commercial: false", f"commercial: false, weights: {weights}"))


def test_the_lock_says_which_commit_and_files_are_meant(tmp_path: Path) -> None:
    weights = with_repo(tmp_path, "{repo: x/y}").model("a").weights
    assert weights is not None
    assert weights.pinned
    assert (weights.revision, weights.sha256, weights.sizes) == (HEX[0], {"w.gguf": HEX[1]}, {"w.gguf": 5})


@pytest.mark.parametrize(
    "weights", ["{repo: x/z}", "{repo: x/y, file: w.gguf}", "{repo: x/y, revision: " + "a" * 40 + "}"]
)
def test_a_pin_of_something_else_than_the_entry_names_is_none(tmp_path: Path, weights: str) -> None:
    assert not with_repo(tmp_path, weights).model("a").pinned


def test_a_spoilt_lock_is_named_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "models.lock").write_text("{")
    with pytest.raises(BadCatalog, match=r"models\.lock cannot be read.*models pin"):
        read(tmp_path, GOOD)
