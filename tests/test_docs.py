"""What README.md and ARCHITECTURE.md say, and what is so."""

import inspect
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine import errors
from engine.catalog import load_catalog
from engine.formats import format_names
from server.cli import build_whole_app
from server.settings import Settings

FLAG = re.compile(r"--[a-z][a-z-]*")
CONTENT_TYPES = {
    "cinematic_story",
    "news_analysis",
    "music_video",
    "persona_channel",
    "youtube_clone",
    "ad_spot",
}


@pytest.fixture
def readme(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def tree(readme: str) -> list[str]:
    """The paths of README's annotated file tree, relative to the root; folders end in a slash."""
    block = readme.split("```text\n", 1)[1].split("```", 1)[0]
    paths, parents = [], {0: ""}
    for line in block.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        for name in re.split(r"\s{2,}", line.strip(), maxsplit=1)[0].split():
            paths.append(parents[depth] + name)
            if name.endswith("/"):
                parents[depth + 1] = parents[depth] + name
    return paths


def section(text: str, title: str) -> str:
    return re.split(r"^## ", text.split(f"## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def kept_names(root: Path) -> set[str]:
    """Names at the top of the checkout that are part of the project: tracked, or not ignored if nothing is tracked."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
    tracked = {name.partition("/")[0] for name in listed.stdout.split("\0") if name}
    if tracked:
        return tracked
    ignored = [line.strip("/") for line in (root / ".gitignore").read_text().splitlines() if line] + [".git"]
    names = (p.name for p in root.iterdir() if p.is_file() or any(child.is_file() for child in p.rglob("*")))
    return {name for name in names if not any(fnmatch(name, pattern) for pattern in ignored)}


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def help_of(*arguments: str) -> str:
    app = build_whole_app()
    return CliRunner().invoke(app, [*arguments, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output


def test_every_path_of_the_tree_exists(root: Path, tree: list[str]) -> None:
    wrong = [p for p in tree if not ((root / p).is_dir() if p.endswith("/") else (root / p).is_file())]
    assert len(tree) > 30
    assert not wrong


def test_everything_at_the_top_is_in_the_tree(root: Path, tree: list[str]) -> None:
    assert kept_names(root) <= {path.partition("/")[0] for path in tree}


def test_every_folder_of_the_engine_is_in_the_tree(root: Path, tree: list[str]) -> None:
    folders = {f"engine/{p.name}/" for p in (root / "engine").iterdir() if p.is_dir() and any(p.glob("*.*"))}
    assert folders - {"engine/__pycache__/"} <= set(tree)


def test_every_flag_of_make_is_in_the_table_and_no_other(readme: str) -> None:
    table = [line for line in section(readme, "Flags of `reelhouse make`").splitlines() if line.startswith("| `--")]
    assert {FLAG.findall(line)[0] for line in table} == set(FLAG.findall(help_of("make")))


def test_every_example_uses_flags_that_exist(readme: str) -> None:
    shell = " ".join(re.findall(r"```sh\n(.*?)```", readme, flags=re.DOTALL))
    commands = re.findall(r"reelhouse ((?:users |keys )?[a-z]+)", shell)
    assert {"users create", "keys create", "serve"} <= set(commands)
    known = {flag for command in ("make", *commands) for flag in FLAG.findall(help_of(*command.split()))}
    assert set(FLAG.findall(shell)) <= known


def test_every_setting_is_in_the_table_and_no_other(root: Path) -> None:
    page = section((root / "docs/operating.md").read_text(encoding="utf-8"), "Settings")
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
    named = {name.lower() for row in rows for name in re.findall(r"`REELHOUSE_(\w+)`", row)}
    assert named == set(Settings.__struct_fields__)


def test_every_command_that_is_named_exists(readme: str) -> None:
    for command in set(re.findall(r"`reelhouse ([a-z]+)\b", readme)):
        assert help_of(command).strip().startswith("Usage"), command


def test_every_profile_is_described_with_its_models_licences(readme: str) -> None:
    catalog = load_catalog()
    rows = {line.split("`")[1]: line for line in section(readme, "Profiles").splitlines() if line.startswith("| `")}
    assert set(rows) == set(catalog.profiles)
    for profile in catalog.profiles.values():
        licences = {catalog.model(model_id).licence for model_id in profile.models.values()}
        assert [licence for licence in licences if licence not in rows[profile.name]] == [], profile.name


def test_every_format_is_a_content_type_and_named_in_the_table(readme: str) -> None:
    assert set(format_names()) == CONTENT_TYPES
    assert (
        set(re.findall(r"`(\w+)`", next(line for line in readme.splitlines() if "`--format" in line))) >= CONTENT_TYPES
    )


def test_the_error_tree_of_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    parents: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(
            r"^((?:[│ ] {3})*)(?:[├└]── )?([A-Z]\w+) {2,}\S", line[4:] if line.startswith("    ") else line
        )
        if found:
            depth = len(found[1]) // 4 + ("── " in line)
            parents[depth:] = [found[2]]
            drawn[found[2]] = parents[depth - 1] if depth else "Exception"
    real = {kind.__name__: kind.__bases__[0].__name__ for kind in subclasses(errors.ReelhouseError)}
    assert drawn == {name: base for name, base in real.items() if hasattr(errors, name)}


def test_every_error_that_sets_a_code_sets_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and "code" in vars(kind)]
    codes = [kind.code for kind in kinds]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z][a-z_]*", code) for code in codes)


def test_nothing_points_out_of_the_checkout(root: Path) -> None:
    texts = [*root.glob("*.md"), *root.glob("*.yaml"), *root.glob("*.t*"), root / "Dockerfile.cuda"]
    for text in texts:
        assert "../" not in text.read_text(encoding="utf-8"), text.name


def test_the_pages_link_to_files_that_exist(root: Path) -> None:
    for page in (*root.glob("*.md"), *root.glob("docs/*.md")):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
