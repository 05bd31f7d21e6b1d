"""Any GGUF writes through llama.cpp: repeatably, within its context, and what is broken is named."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from llama_cpp import Llama

from engine.backends.protocols import Message, TextJob
from engine.backends.text.llama import LlamaText, load
from engine.backends.text.toy import NAME, build_toy_llama
from engine.catalog import ModelSpec, load_catalog
from engine.errors import BadCatalog, Cancelled, ModelCorrupt, ModelError, ModelMissing, OutOfMemory
from engine.weights import find_weights

SPEC = load_catalog().model("toy-llama")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy-llama")
    build_toy_llama(folder)
    return folder / NAME


@pytest.fixture
def model(weights: Path):
    opened = load(SPEC, weights)
    yield opened
    opened.close()


def job(text: str = "Once, a fox", **fields) -> TextJob:
    messages = (Message(role="user", content="Tell me"), Message(role="assistant", content=text))
    return TextJob(**{"messages": messages, "max_tokens": 24, "seed": 1, "stop": (".",), **fields})


def with_params(**params) -> ModelSpec:
    return msgspec.structs.replace(SPEC, params={**SPEC.params, **params})


def test_the_toy_is_built_the_same_each_time(weights: Path, tmp_path: Path) -> None:
    build_toy_llama(tmp_path)
    assert (tmp_path / NAME).read_bytes() == weights.read_bytes()


def test_the_same_job_gives_the_same_text_whatever_was_written_before(model: LlamaText, weights: Path) -> None:
    first = model.complete(job())
    model.complete(job("Another beginning", seed=9))
    assert model.complete(job()) == first
    fresh = load(SPEC, weights)
    assert fresh.complete(job()) == first
    fresh.close()
    assert {model.complete(job(seed=seed)).text for seed in range(8)} != {first.text}


def test_drafts_of_one_line_read_what_they_continue_once_and_are_those_of_a_model_just_opened(
    model: LlamaText, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    evaluate = Llama.eval

    def counted(self, tokens) -> None:
        read.append(len(tokens))
        evaluate(self, tokens)

    monkeypatch.setattr(Llama, "eval", counted)
    drafts = [model.complete(job(seed=seed)) for seed in range(3)]
    assert len([tokens for tokens in read if tokens > 1]) == 2  # the two messages
    for seed in range(3):
        fresh = load(SPEC, weights)
        assert fresh.complete(job(seed=seed)) == drafts[seed]
        fresh.close()


def test_a_conversation_that_was_read_but_in_part_is_read_again(
    model: LlamaText, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.complete(job())
    evaluate, alone = Llama.eval, TextJob(messages=job().messages[:1], max_tokens=8, seed=1)

    def starved(self, tokens) -> None:
        raise RuntimeError("llama_decode returned -2")

    monkeypatch.setattr(Llama, "eval", starved)
    with pytest.raises(OutOfMemory):
        model.complete(job("Another beginning"))
    monkeypatch.setattr(Llama, "eval", evaluate)
    fresh = load(SPEC, weights)
    for asked in (alone, job()):  # the first is the beginning of what was held
        assert model.complete(asked) == fresh.complete(asked)
    fresh.close()


def test_a_text_that_reaches_its_bound_is_told_from_a_whole_one(model: LlamaText) -> None:
    assert not model.complete(job(max_tokens=2, stop=())).whole
    assert model.complete(job(max_tokens=200)).whole


def test_a_schema_leaves_no_other_answer(model: LlamaText) -> None:
    answer = model.complete(job("", schema={"enum": ["dawn", "dusk"]}, stop=(), max_tokens=40))
    assert answer.text.strip() in ('"dawn"', '"dusk"')


def test_it_stops_when_somebody_asks(model: LlamaText) -> None:
    def tick(done: int, total: int) -> None:
        raise Cancelled()

    with pytest.raises(Cancelled):
        model.complete(job(), tick=tick)


def test_more_than_the_context_holds_is_refused_with_the_numbers(model: LlamaText) -> None:
    with pytest.raises(ModelError, match=r"4096 tokens.*limits\.context"):
        model.complete(job("word " * 5000))


def test_a_closed_model_says_so(weights: Path) -> None:
    model = load(SPEC, weights)
    model.close()
    model.close()
    with pytest.raises(ModelError, match="closed"):
        model.complete(job())


@pytest.mark.parametrize("size", [0, 3, 100, 5000, -1])
def test_a_truncated_or_foreign_file_is_refused_by_name(weights: Path, tmp_path: Path, size: int) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"\x80\x04pickle" * 100 if size < 0 else weights.read_bytes()[:size])
    with pytest.raises(ModelCorrupt, match=r"broken\.gguf"):
        load(SPEC, broken)


def test_a_missing_file_and_wrong_params_are_named(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"none\.gguf"):
        load(SPEC, tmp_path / "none.gguf")
    with pytest.raises(BadCatalog, match=r"unknown key 'heat'; valid keys are template"):
        load(with_params(heat=1), weights)
    with pytest.raises(BadCatalog, match=r"template is 'latin'; chat.yaml has .*chatml"):
        load(with_params(template="latin"), weights)


@pytest.fixture(scope="module")
def small_writer(tmp_path_factory: pytest.TempPathFactory):
    spec = load_catalog().model("smollm2-135m")
    opened = load(spec, find_weights(spec, tmp_path_factory.mktemp("home")))
    yield opened
    opened.close()


def test_the_small_writer_of_the_cpu_profile_continues_a_sentence(small_writer: LlamaText) -> None:
    answer = small_writer.complete(job("The capital of France is the city of", max_tokens=8, temperature=0.0))
    assert "Paris" in answer.text


def test_listed_words_are_the_only_ones(small_writer: LlamaText) -> None:
    words = ("the", "fox", "sees", "lamp")
    for seed in range(4):
        text = small_writer.complete(job("Look,", words=words, seed=seed)).text
        assert {word.strip(".,").lower() for word in text.split()} <= set(words)


def test_opening_a_model_prints_nothing(weights: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from engine.backends.text.llama import load; "
        "from engine.catalog import load_catalog; "
        "load(load_catalog().model('toy-llama'), Path(sys.argv[1])).close()"
    )
    run = subprocess.run([sys.executable, "-c", code, str(weights)], capture_output=True, check=True)
    assert run.stdout == run.stderr == b""
