"""How words are to be said: entries of a word and its respelling, read, checked and looked up. Knows no narrator.

A respelling is plain text, or IPA between slashes for narrators that take phonemes. Nothing that a respelling says is
looked up again, so no entry can loop.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from engine.errors import BadRequest
from engine.shots import same_name

SITE_FILE = "lexicon.yaml"
MAX_ENTRIES = 10_000
MAX_WORD = 100
MAX_SAID = 200
MAX_BYTES = 2_000_000
IPA = re.compile(r"/[^/\d<>]+/")
WITHOUT_BLANKS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
"""Letters of scripts that put no blank between words: there, no boundary can be asked for."""


class Lexicon:
    """Entries by word. Whole words are found; a word with a capital inside only as it is written."""

    def __init__(self, entries: Mapping[str, str] | None = None) -> None:
        self._exact: dict[str, str] = {}
        self._folded: dict[str, str] = {}
        for word, said in (entries or {}).items():
            if _has_capitals_inside(word):
                self._exact[word] = said
            else:
                self._folded[same_name(word)] = said

    def __bool__(self) -> bool:
        return bool(self._exact or self._folded)

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return tuple(sorted({len(word) for word in (*self._exact, *self._folded)}, reverse=True))

    @cached_property
    def _firsts(self) -> frozenset[str]:
        return frozenset(word[0] for word in self._exact) | frozenset(word[0] for word in self._folded)

    def find(self, line: str, at: int) -> tuple[int, str] | None:
        """Where the longest entry that begins at `at` ends in `line`, and what is said for it."""
        first = line[at]
        if first not in self._firsts and first.casefold()[:1] not in self._firsts:
            return None
        if not _edge(line, at):
            return None
        # Folding can change a length by a letter or two ("ß" is "ss").
        for end in sorted({at + n + d for n in self._lengths for d in (-2, -1, 0, 1) if n + d > 0}, reverse=True):
            if end > len(line) or not _edge(line, end):
                continue
            written = line[at:end].replace("\u00a0", " ")
            said = self._exact.get(written)
            if said is None:
                said = self._folded.get(same_name(written)) if written == written.strip() else None
            if said is not None:
                return end, said
        return None


def read_lexicon(path: Path) -> dict[str, str]:
    """The entries in `path`: YAML or JSON, a mapping of words to respellings. Raises `BadRequest` naming the entry."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise BadRequest("lexicon", f"{path} is larger than {MAX_BYTES // 1_000_000} MB: it is no lexicon")
        raw = yaml.load(data.decode("utf-8"), Loader=_OnceLoader)
    except OSError as error:
        raise BadRequest("lexicon", f"{path} cannot be read ({error.strerror}): name a YAML file") from error
    except _Twice as error:
        raise BadRequest("lexicon", f"{path} has {error.args[0]!r} twice: keep one") from error
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise BadRequest("lexicon", f"{path} is not YAML in UTF-8: write lines such as  Nguyen: win") from error
    return check_lexicon({} if raw is None else raw, str(path))


def site_lexicon(home: Path) -> dict[str, str]:
    """What this machine says in every film: `lexicon.yaml` in `REELHOUSE_HOME`, if it is there."""
    path = home / SITE_FILE
    return read_lexicon(path) if path.exists() else {}


def check_lexicon(raw: Any, name: str = "the lexicon") -> dict[str, str]:
    """`raw` as words and respellings, trimmed and normalised. Raises `BadRequest` naming the entry."""
    if not isinstance(raw, Mapping):
        raise BadRequest("lexicon", f"{name} must map words to respellings, such as  Nguyen: win")
    if len(raw) > MAX_ENTRIES:
        raise BadRequest("lexicon", f"{name} has {len(raw)} entries, {MAX_ENTRIES} at most are accepted")
    entries: dict[str, str] = {}
    known: dict[str, str] = {}
    for key, value in raw.items():
        if not isinstance(key, str) or not isinstance(value, str):
            quoted = 'put both in quotes, as in  "No": "noh"'
            raise BadRequest("lexicon", f"{name}: {key!r} and what it is said as must be text: {quoted}")
        word, said = (" ".join(unicodedata.normalize("NFC", text).split()) for text in (key, value))
        _check_text(name, word, f"the word {key[:40]!r}", MAX_WORD)
        _check_text(name, said, f"what {word!r} is said as", MAX_SAID)
        if said.startswith("/") and not IPA.fullmatch(said):
            raise BadRequest("lexicon", f"{name}: {word!r} is said as {said!r}, which is not IPA between two slashes")
        same = word if _has_capitals_inside(word) else same_name(word)
        other = known.setdefault(same, word)
        if other is not word:
            raise BadRequest("lexicon", f"{name}: {other!r} and {word!r} are the same word: keep one")
        entries[word] = said
    return entries


def join_lexicons(levels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """One lexicon of several: of entries for the same word the last one counts."""
    joined: dict[str, tuple[str, str]] = {}
    for level in levels:
        for word, said in level.items():
            joined[word if _has_capitals_inside(word) else same_name(word)] = (word, said)
    return dict(joined.values())


def _check_text(name: str, text: str, what: str, longest: int) -> None:
    if not any(c.isalnum() for c in text):
        raise BadRequest("lexicon", f"{name}: {what} has no letter or figure: write something that can be said")
    if len(text) > longest:
        raise BadRequest("lexicon", f"{name}: {what} has {len(text)} characters, {longest} at most are accepted")
    if any(c in "<>" for c in text):
        raise BadRequest("lexicon", f"{name}: {what} holds markup: a respelling is plain text, or IPA between slashes")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise BadRequest("lexicon", f"{name}: {what} holds a control character: type it again")


def _has_capitals_inside(word: str) -> bool:
    """Polish may be polish at the end of a shelf, but NASA is never nasa: capitals after the first letter count."""
    return any(c.isupper() for part in word.split() for c in part[1:])


def _edge(line: str, at: int) -> bool:
    """Whether a word may begin or end at `at`."""
    if at in (0, len(line)):
        return True
    before, after = line[at - 1], line[at]
    if WITHOUT_BLANKS.match(before) or WITHOUT_BLANKS.match(after):
        return True
    return not (_inside(before) and _inside(after))


def _inside(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"


class _Twice(Exception):
    """A key is there twice."""


class _OnceLoader(yaml.SafeLoader):
    """Of equal keys YAML would silently keep the last one; and no, on and 3 are words here like any other."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = _first_twice(keys)
        if twice is not None:
            raise _Twice(twice)
        return super().construct_mapping(node, deep)


def _first_twice(keys: list[Any]) -> Any:
    seen: set[Any] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return None


_OnceLoader.yaml_implicit_resolvers = {}
