"""Text from any GGUF through llama.cpp. Knows tokens and grammars, not what the text is for.

The sampling loop is written out here, because llama-cpp-python's own one reuses whatever happens to lie in the cache:
the same job then gives other bytes than in a fresh process (batches of other sizes round differently). Here a
conversation is always evaluated message by message, so that a kept beginning holds the very numbers of a new one.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

import llama_cpp
import msgspec
import numpy as np
import psutil
import yaml
from llama_cpp.llama_grammar import json_schema_to_gbnf

from engine.backends.protocols import Completion, Message, TextJob, Tick, no_tick
from engine.backends.text.sampling import choose, penalise, surprise_of
from engine.backends.text.wordlist import WordList
from engine.catalog import ModelSpec
from engine.errors import BadCatalog, ModelCorrupt, ModelError, ModelMissing, OutOfMemory
from engine.types import Frozen

CHAT_FILE = Path(__file__).resolve().parents[2] / "prompts" / "chat.yaml"
DEFAULT_CONTEXT = 4096
ALLOCATION_FAILED = "llama_decode returned -2"
TICK_EVERY = 8
"""Tokens between two ticks: a few tenths of a second on a slow CPU, so a cancelled story stops at once."""


class Template(Frozen, frozen=True):
    """How a model's turns are marked; one entry of chat.yaml."""

    turn: str
    roles: dict[str, str]
    begin: str = ""
    answer: str = ""
    end: tuple[str, ...] = ()


class Params(Frozen, frozen=True):
    """What an entry of models.yaml may set. `method` is for the script stage, which reads it from the entry.

    `gpu_layers`: how many layers go to the GPU (-1: all). `threads` 0: all physical cores but one, because the threads
    of llama.cpp wait for each other busily: with another program on one of two cores, two are ten times slower than
    one.
    """

    template: str
    method: str = "small_steps"
    gpu_layers: int = 0
    threads: int = 0


def load(spec: ModelSpec, weights: Path | None) -> LlamaText:
    """Open a GGUF. Raises `BadCatalog` for wrong params, `ModelMissing` without a file, `ModelCorrupt` naming it."""
    unknown = set(spec.params) - set(Params.__struct_fields__)
    if unknown:
        valid = ", ".join(Params.__struct_fields__)
        raise BadCatalog(f"models.{spec.id}.params has an unknown key {sorted(unknown)[0]!r}; valid keys are {valid}")
    try:
        params = msgspec.convert(spec.params, Params)
    except msgspec.ValidationError as error:
        raise BadCatalog(f"models.{spec.id}.params: {error}") from error
    if params.template not in chat_templates():
        raise BadCatalog(
            f"models.{spec.id}.params.template is {params.template!r}; chat.yaml has {', '.join(chat_templates())}"
        )
    if weights is None or not weights.is_file():
        raise ModelMissing(f"The file {weights} of model {spec.id} is missing: put it there or correct models.yaml.")
    # llama.cpp writes its progress, and why it failed, straight to stderr.
    llama_cpp.llama_log_set(_SILENT, ctypes.c_void_p(0))
    threads = params.threads or max(1, (psutil.cpu_count(logical=False) or 1) - 1)
    try:
        llm = llama_cpp.Llama(
            str(weights),
            n_ctx=spec.limits.context or DEFAULT_CONTEXT,
            n_batch=512,
            n_threads=threads,
            n_threads_batch=threads,
            n_gpu_layers=params.gpu_layers,
            verbose=False,
        )
    except MemoryError as error:
        raise _out_of_memory(spec) from error
    except (ValueError, RuntimeError, AssertionError) as error:
        # llama.cpp says the same of a file that is none and of memory that is not there. Weights that are mapped need
        # little at once; what it makes itself, the cache of its context, is what does not fit.
        if "llama_context" in str(error) or params.gpu_layers:
            raise _out_of_memory(spec) from error
        raise ModelCorrupt(
            f"{weights} cannot be opened as a GGUF: it is truncated, altered or of a newer kind; install it again."
        ) from error
    return LlamaText(spec, llm, chat_templates()[params.template])


def _out_of_memory(spec: ModelSpec) -> OutOfMemory:
    return OutOfMemory(f"Model {spec.id} ran out of memory: choose a smaller profile, or lower its limits.context.")


@cache
def chat_templates() -> dict[str, Template]:
    return msgspec.convert(yaml.safe_load(CHAT_FILE.read_text(encoding="utf-8")), dict[str, Template])


@llama_cpp.llama_log_callback
def _SILENT(level: int, text: bytes, user_data: ctypes.c_void_p) -> None:
    """Outlives every model: llama.cpp keeps the pointer."""


class LlamaText:
    """An open GGUF. Not for several threads at once."""

    def __init__(self, spec: ModelSpec, llm: llama_cpp.Llama, template: Template) -> None:
        self.spec = spec
        self._llm: llama_cpp.Llama | None = llm
        self._template = template
        self._held: list[list[int]] = []
        self._after: np.ndarray | None = None
        self._word_list = lru_cache(maxsize=8)(self._new_word_list)

    def close(self) -> None:
        if self._llm is not None:
            self._word_list.cache_clear()
            self._llm.close()
            self._llm = None

    def complete(self, job: TextJob, *, tick: Tick = no_tick) -> Completion:
        """Raises `ModelError` if the messages and `max_tokens` do not fit into the model's context, or it is closed."""
        llm = self._llm
        if llm is None:
            raise ModelError(f"model {self.spec.id} was closed: open it again")
        chunks = self._chunks(job.messages)
        asked = sum(len(chunk) for chunk in chunks)
        if asked + job.max_tokens > llm.n_ctx():
            raise ModelError(
                f"model {self.spec.id} reads and writes {llm.n_ctx()} tokens and got {asked} to read, "
                f"{job.max_tokens} to write: shorten the prompt or raise limits.context"
            )
        tick(0, job.max_tokens)
        try:
            return self._write(llm, job, tick, self._evaluate(llm, chunks))
        except MemoryError as error:
            raise _out_of_memory(self.spec) from error
        except RuntimeError as error:
            if ALLOCATION_FAILED not in str(error):
                raise
            raise _out_of_memory(self.spec) from error

    # ---- reading ----------------------------------------------------------------------------------------------------

    def _chunks(self, messages: Sequence[Message]) -> list[list[int]]:
        """The conversation as tokens, one list per message. Marks are tokens of their own; text never becomes one."""
        assert self._llm is not None
        template = self._template
        folded = ""
        chunks: list[list[int]] = [self._marks(template.begin)] if template.begin else []
        for number, message in enumerate(messages):
            if message.role not in template.roles:  # a family without system turns reads it before the first question
                folded += message.content + "\n\n"
                continue
            role, continued = template.roles[message.role], number == len(messages) - 1
            content, folded = folded + message.content, ""
            if continued and message.role == "assistant":
                chunks.append([*self._marks(template.answer), *self._text(content)])
                break
            before, after = template.turn.replace("{role}", role).split("{content}")
            chunk = [*self._marks(before), *self._text(content), *self._marks(after)]
            chunks.append(chunk + (self._marks(template.answer) if continued else []))
        return [chunk for chunk in chunks if chunk] or [[self._llm.token_bos()]]

    def _marks(self, text: str) -> list[int]:
        return self._llm.tokenize(text.encode(), add_bos=False, special=True) if self._llm and text else []

    def _text(self, text: str) -> list[int]:
        return self._llm.tokenize(text.encode(), add_bos=False, special=False) if self._llm and text else []

    def _evaluate(self, llm: llama_cpp.Llama, chunks: list[list[int]]) -> np.ndarray:
        """Read `chunks`, skipping those that are read already; the logits after the last one, not to be written to.

        Drafts of one line are asked for with the same words and other seeds: those read nothing.
        """
        if chunks == self._held and self._after is not None:
            llm.n_tokens = sum(len(chunk) for chunk in chunks)
            return self._after
        same = 0
        while same < min(len(self._held), len(chunks) - 1) and self._held[same] == chunks[same]:
            same += 1
        self._held, self._after = self._held[:same], None
        # eval() forgets whatever lies behind n_tokens.
        llm.n_tokens = sum(len(chunk) for chunk in self._held)
        for chunk in chunks[same:]:
            llm.eval(chunk)
            self._held.append(chunk)
        self._after = _logits(llm)
        return self._after

    # ---- writing ----------------------------------------------------------------------------------------------------

    def _write(self, llm: llama_cpp.Llama, job: TextJob, tick: Tick, logits: np.ndarray) -> Completion:
        random = np.random.default_rng(job.seed)
        continued = job.messages[-1].content if job.messages[-1].role == "assistant" else ""
        grammar = _Grammar(llm, job.schema) if job.schema is not None else None
        allowed = self._word_list(job.words).cursor(continued) if job.words else None
        vocabulary = llama_cpp.llama_model_get_vocab(llm.model)
        assert vocabulary is not None
        recent, written, raw, surprise = self._text(continued), [], b"", 0.0
        ends = [stop.encode() for stop in (*job.stop, *self._template.end)]
        try:
            for count in range(1, job.max_tokens + 1):
                adjusted = penalise(logits, recent, job.repeat_penalty)
                if allowed is not None:
                    allowed.restrict(adjusted)
                token = choose(adjusted, job.temperature, random)
                if grammar is not None and not grammar.allows(token):
                    token = choose(grammar.restrict(adjusted), job.temperature, random)
                if llama_cpp.llama_vocab_is_eog(vocabulary, token):
                    return self._completion(raw, True, surprise, written)
                surprise += surprise_of(logits, token)
                if grammar is not None:
                    grammar.accept(token)
                if allowed is not None:
                    allowed.accept(token)
                recent.append(token)
                written.append(token)
                raw += llm.detokenize([token], special=True)
                found = [at for at in (raw.find(end) for end in ends) if at >= 0]
                if found:
                    return self._completion(raw[: min(found)], True, surprise, written)
                if count % TICK_EVERY == 0:
                    tick(count, job.max_tokens)
                llm.eval([token])
                logits = _logits(llm)
            return self._completion(raw, False, surprise, written)
        finally:
            if grammar is not None:
                grammar.close()

    def _completion(self, raw: bytes, whole: bool, surprise: float, written: list[int]) -> Completion:
        # A cut can fall inside a character; what is left of it is not text.
        return Completion(
            text=raw.decode("utf-8", errors="ignore"), whole=whole, surprise=surprise / max(1, len(written))
        )

    def _new_word_list(self, words: tuple[str, ...]) -> WordList:
        assert self._llm is not None
        llm = self._llm
        eog = [end[0] for end in map(self._marks, self._template.end) if len(end) == 1]
        return WordList(words, self._text, llm.n_vocab(), {llm.token_eos(), *eog})


def _logits(llm: llama_cpp.Llama) -> np.ndarray:
    """(vocabulary,) of what was read last, float64."""
    seen = llama_cpp.llama_get_logits_ith(llm.ctx, -1)
    return np.ctypeslib.as_array(seen, shape=(llm.n_vocab(),)).astype(np.float64)


class _Grammar:
    """A JSON schema as llama.cpp's grammar. Asking it about one token is cheap, about all 50,000 is not."""

    def __init__(self, llm: llama_cpp.Llama, schema: dict[str, Any]) -> None:
        text = json_schema_to_gbnf(json.dumps(schema))
        vocabulary = llama_cpp.llama_model_get_vocab(llm.model)
        assert vocabulary is not None
        self._sampler = llama_cpp.llama_sampler_init_grammar(vocabulary, text.encode(), b"root")
        if not self._sampler:
            raise ModelError(f"llama.cpp does not understand the schema {json.dumps(schema)[:200]}")

    def allows(self, token: int) -> bool:
        return bool(np.isfinite(next(self._applied([(token, 0.0)]))[1]))

    def restrict(self, logits: np.ndarray) -> np.ndarray:
        pairs = enumerate(logits.tolist())
        limited = np.full_like(logits, -np.inf)
        for token, logit in self._applied(list(pairs)):
            limited[token] = logit
        return limited

    def accept(self, token: int) -> None:
        llama_cpp.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        llama_cpp.llama_sampler_free(self._sampler)

    def _applied(self, pairs: list[tuple[int, float]]) -> Iterator[tuple[int, float]]:
        data = (llama_cpp.llama_token_data * len(pairs))(*((token, logit, 0.0) for token, logit in pairs))
        array = llama_cpp.llama_token_data_array(data=data, size=len(pairs), selected=-1, sorted=False)
        llama_cpp.llama_sampler_apply(self._sampler, cast(Any, ctypes.byref(array)))
        for index in range(array.size):
            yield data[index].id, data[index].logit
