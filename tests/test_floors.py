"""Who may import whom: the contracts of pyproject.toml, and what a linter cannot see."""

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.catalog import load_catalog

MODEL_LIBRARIES = {"torch", "diffusers", "transformers", "llama_cpp", "TTS"}
HEAVY = MODEL_LIBRARIES | {"moviepy", "cv2", "onnxruntime", "scipy", "numpy", "av"}
PROGRAM = """
import json, sys
from server.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def imported_names(file: Path) -> Iterator[str]:
    """Top-level names that a file imports, anywhere in it, by statement or by `import_module("name")`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                yield str(node.args[0].value).partition(".")[0]


def sources(root: Path) -> list[Path]:
    return [file for top in ("engine", "server") for file in sorted((root / top).rglob("*.py"))]


def importers(root: Path, names: set[str]) -> set[str]:
    found = (file.relative_to(root).as_posix() for file in sources(root) if names & set(imported_names(file)))
    return set(found)


def modules_after(root: Path, *arguments: str) -> set[str]:
    """The modules that a process has loaded which ran this command line to its good end."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code in (0, None), done.stderr[-2000:]
    return set(modules)


def test_every_import_contract_is_kept(root: Path) -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize("arguments", [("--help",), ("make", "--help"), ("plan", "A fox finds a lantern", "--json")])
def test_the_command_line_loads_no_model_library_until_a_film_is_made(root: Path, arguments: tuple[str, ...]) -> None:
    assert not HEAVY & modules_after(root, *arguments)


def test_importing_the_engine_loads_floor_0_only(root: Path) -> None:
    program = "import sys, engine; print(*sorted(name for name in sys.modules if name.startswith('engine')))"
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["engine", "engine.errors", "engine.findings", "engine.made", "engine.types"]


def test_only_backends_import_model_libraries_by_whatever_means(root: Path) -> None:
    assert {place for place in importers(root, MODEL_LIBRARIES) if not place.startswith("engine/backends/")} == set()


def test_only_graphics_imports_moviepy(root: Path) -> None:
    assert importers(root, {"moviepy"}) == {"engine/graphics.py"}


def test_only_the_catalog_names_the_catalogs_file(root: Path) -> None:
    def names_it(file: Path) -> bool:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        return any(isinstance(node, ast.Constant) and node.value == "models.yaml" for node in ast.walk(tree))

    assert [file.name for file in sources(root) if names_it(file)] == ["catalog.py"]


def test_every_family_that_the_catalog_names_is_kept_apart_from_the_others(root: Path) -> None:
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    apart = next(contract for contract in contracts if contract["name"] == "No family knows another")["modules"]
    assert {spec.module for spec in load_catalog().models.values()} <= set(apart)


def test_no_module_is_longer_than_can_be_read(root: Path) -> None:
    long = {f.relative_to(root).as_posix(): n for f in sources(root) if (n := len(f.read_text().splitlines())) > 400}
    assert not long


def test_every_module_says_first_what_it_is(root: Path) -> None:
    assert [file for file in sources(root) if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))] == []
