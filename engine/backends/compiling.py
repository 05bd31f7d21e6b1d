"""Whether to compile a model's repeated blocks: only where it pays back within the clips that are still to come.

The arithmetic is a function of figures: what compiling takes, what it gains a step, how many steps are to come. The
figures are measured at the first clips and remembered; before that they are guesses, and the decision says so. Knows
no pipeline.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from engine.backends.findings import Findings
from engine.types import Frozen

T = TypeVar("T")
Choice = Literal["auto", "never", "always"]
Shape = tuple[int, int, int]
"""Width, height, frames (1 for a still)."""


class Figures(Frozen, frozen=True):
    """`compile_seconds`: what the steps of the first compiled clip take more than later ones, as last measured;
    a quarter or less once the compiler's own cache holds it. `plain` and `compiled`: seconds a step and megapixel of
    the clip (width × height × frames ÷ 10⁶), so that one length tells of another. None before they are measured."""

    compile_seconds: float | None = None
    plain: float | None = None
    compiled: float | None = None


GUESSED_SECONDS = 60.0
GUESSED_SHARE = 0.15
"""Of a step, that compiling saves; what regional compilation of large transformers is said to bring is 10 to 30 %."""


class Payback(Frozen, frozen=True):
    """`cost` and `saved` in seconds over the work that was asked about."""

    worth: bool
    cost: float
    saved: float
    sentence: str


def payback(figures: Figures, *, steps: int, clips: int, shapes: int, megapixels: float) -> Payback:
    """Whether compiling now pays back within `clips` clips of `steps` steps, of `megapixels` in the mean, in `shapes`
    sizes.

    cost = compile seconds × compilations, of which there are one for one shape and two for any more: torch compiles
    again for sizes that vary, and then no more. saved = (plain − compiled) × megapixels × steps × clips. As attention
    grows faster than its clip, that is a little too little for longer ones than were measured. Raises `ValueError`
    where the plain step was never measured: nothing follows from no figure.
    """
    if figures.plain is None:
        raise ValueError("a step was not measured yet")
    guessed = [
        name
        for name, value in (("the time to compile", figures.compile_seconds), ("the gain", figures.compiled))
        if value is None
    ]
    each = GUESSED_SECONDS if figures.compile_seconds is None else figures.compile_seconds
    gain = figures.plain * GUESSED_SHARE if figures.compiled is None else figures.plain - figures.compiled
    gain *= megapixels
    cost, saved = each * min(2, max(1, shapes)), gain * steps * clips
    worth = saved > cost
    note = f" ({' and '.join(guessed)} guessed)" if guessed else ""
    said = f"compiling takes {cost:.0f} s and saves {gain:.3f} s × {steps} steps × {clips} clips = {saved:.0f} s{note}"
    verdict = "the model's blocks are compiled" if worth else "the model runs uncompiled"
    return Payback(worth=worth, cost=cost, saved=saved, sentence=f"{verdict}, because {said}")


def figures_after(
    known: Figures,
    seconds: Sequence[float],
    megapixels: float,
    *,
    compiled: bool,
    fresh: bool = False,
    around: float = 0.0,
) -> Figures:
    """`known` with what a clip's steps took. The shortest step is what steps take; what the others took more is, in the
    first compiled clip of a process (`fresh`), compiling, but for `around`: what they took more in a plain clip, where
    encoders and warming up are in the first step too. From one step nothing can be told apart."""
    if len(seconds) < 2:
        return known
    steady = min(seconds)
    if not compiled:
        return msgspec.structs.replace(known, plain=steady / megapixels)
    spent = max(0.0, sum(taken - steady for taken in seconds) - around)
    each = spent if fresh else known.compile_seconds
    return msgspec.structs.replace(known, compile_seconds=each, compiled=steady / megapixels)


def megapixels_of(shape: Shape) -> float:
    width, height, frames = shape
    return width * height * frames / 1e6


def obstacle(device: str, resident: bool) -> str:
    """Why nothing is compiled whatever it would save; empty if nothing stands in the way."""
    if not device.startswith("cuda"):
        return f"on the {device} nothing is compiled"
    if not resident:
        return "weights that come and go are not compiled for"
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    if not (os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")):
        return "there is no C compiler, which triton needs"
    return ""


class Compiling:
    """Compiles `modules` (diffusers models with repeated blocks) when that pays back, and measures whether it did.

    `steps` are those of one clip. What is found is kept in `findings` under `name`, which says GPU, versions, model.
    """

    def __init__(self, choice: Choice, modules: Sequence[Any], steps: int) -> None:
        self._choice, self._modules, self._steps = choice, modules, steps
        self._coming: Counter[Shape] = Counter()
        self._around = 0.0
        self._findings, self._name = Findings(), ""
        self.compiled = self._fresh = False
        self._over, self._weighed = choice == "never", False

    def insist(self) -> None:
        """Compile at the first clip, whatever it takes, unless that was ruled out."""
        self._choice = "always"

    def remember_in(self, findings: Findings, name: str) -> None:
        self._findings, self._name = findings, name

    def expect(self, shapes: Sequence[Shape]) -> None:
        """What is still to be made, as far as anybody knows."""
        self._coming, self._weighed = Counter(shapes), False

    def before(self, device: str, *, resident: bool) -> str:
        """Compile if it is time to; what was decided and why, empty if nothing was."""
        if self._over or self._weighed or self.compiled:
            return ""
        if reason := obstacle(device, resident):
            self._over = not device.startswith("cuda")  # else the next job may come with its weights resident
            return "" if self._choice == "auto" else f"the model runs uncompiled, because {reason}"
        if self._choice == "always":
            self._compile()
            return "the model's blocks are compiled, because its entry says always"
        figures, clips = self._figures(), self._coming.total()
        if figures.plain is None or clips == 0:
            return ""
        mean = sum(megapixels_of(shape) * many for shape, many in self._coming.items()) / clips
        decided = payback(figures, steps=self._steps, clips=clips, shapes=len(self._coming), megapixels=mean)
        if decided.worth:
            self._compile()
        self._weighed = not decided.worth  # what is left of a wave only shrinks
        return decided.sentence

    def after(self, shape: Shape, seconds: Sequence[float]) -> None:
        """A clip was made whose steps took so long. Raises `StorageFull`, `StorageUnwritable`."""
        self._coming[shape] -= 1
        self._coming = +self._coming
        known = self._figures()
        if not self.compiled and len(seconds) > 1:
            self._around = sum(taken - min(seconds) for taken in seconds)
        size = megapixels_of(shape)
        found = figures_after(known, seconds, size, compiled=self.compiled, fresh=self._fresh, around=self._around)
        self._fresh = False
        if found != known:
            self._findings.keep(self._name, msgspec.to_builtins(found))

    def run(self, call: Callable[[], T]) -> tuple[T, str]:
        """What `call` returns. Where the compiler gave up the blocks go back to what they were, and the call is made
        once more: that costs a clip its beginning, and is told."""
        if not self.compiled:
            return call(), ""
        from torch._dynamo.exc import TorchDynamoException
        from torch._inductor.exc import InductorError

        try:
            return call(), ""
        except (TorchDynamoException, InductorError) as error:
            reason = " ".join(str(error).split())[:160]
        self._undo()
        return call(), f"the model runs uncompiled, because the compiler gave up ({reason})"

    def _figures(self) -> Figures:
        return msgspec.convert(self._findings.of(self._name) or {}, Figures)

    def _compile(self) -> None:
        for module in self._modules:
            module.compile_repeated_blocks()
        self.compiled = self._fresh = True

    def _undo(self) -> None:
        for module in self._modules:
            for block in module.modules():
                block._compiled_call_impl = None
        self.compiled, self._over = False, True
