"""How long each shot plays: speech measured in seconds becomes whole frames that keep the requested length. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec

from engine.formats import Pacing
from engine.made import Pauses, Timing
from engine.silence import Silence, share, silence_of, steady_stretch
from engine.types import Frozen

LEAD_SHARE = 0.4
"""Of a shot's silence, what comes before its line: the picture is seen shortly before it is spoken of."""

TOLERANCE = 0.03
"""How far from the length that was asked for a film may end, as a share of it; in formats that last an exact time, not
at all."""

KEPT_ASKED, KEPT_UNASKED = TOLERANCE, 0.2
"""How far from its length, as a share of it, a film may end when the pauses that it had are kept though a line was
edited: where that length was asked for, and where it was the format's own and none is asked for any more."""

END_CARD_GIVES, END_CARD_TAKES, END_CARD_GIVES_AFTER_EDIT = 0.4, 0.8, 0.65
"""The end card gives or takes what the pauses, which come in steps, leave over, up to these shares of itself; it gives
more where a line was edited, so that all other shots stay as they were."""

SPEED_STEP = 0.03
"""A voice's speed comes in such steps: a line that is edited should not make all the others be spoken again."""


class RunningTime(Frozen, frozen=True):
    """What a film lasts at `fps`: its cards and, with them, `target_seconds`, None where no length is asked for.

    `max_shot_seconds`: the animator's longest clip, None if it has no limit. `before`: what the film had before a line
    of it was edited.
    """

    fps: int
    title_seconds: float
    end_seconds: float
    target_seconds: float | None
    max_shot_seconds: float | None = None
    before: Pauses | None = None


class Fit(Frozen, frozen=True):
    """`speed` the voice must have for `timings` to hold; `seconds` the film's length, cards included.

    `end_seconds` is how long the end card stays: it takes what the pauses, which come in steps, leave over;
    `title_seconds` how long the title card stays, None: as long as was planned. `off` is how many seconds the film is
    over (+) or under (−) the target, 0 without one; `notes` say in sentences what had to be done or could not be.
    `pauses` is what the next fit of the same film may keep, None if there is nothing to keep.
    """

    timings: tuple[Timing, ...]
    speed: float
    seconds: float
    end_seconds: float
    title_seconds: float | None = None
    off: float = 0.0
    notes: tuple[str, ...] = ()
    pauses: Pauses | None = None

    def keeps(self, target_seconds: float | None) -> bool:
        return target_seconds is None or abs(self.off) <= TOLERANCE * target_seconds


def fit(
    speech: Sequence[float],
    time: RunningTime,
    *,
    pacing: Pacing,
    speed: float | None = None,
    shown: Sequence[float] = (),
    linger: bool = False,
) -> Fit:
    """Choose speed and pauses so that title card + shots + end card last `time.target_seconds`.

    `speech`: per shot the measured seconds of its line, 0 for a silent shot; at the voice's own pace if `speed` is
    None (it is then chosen within `pacing.speed`), else at that very speed. The voice's own pace is kept as long as
    the format's pauses alone can do it. `shown`: per shot the seconds that it lasts at least, so that what is said in
    it can be read; `linger`: whether shots may be more silent than the format's most (`engine.silence.LINGER`).
    `time.before` is kept as long as the length then is about what was wanted (`KEPT_ASKED`, `KEPT_UNASKED`; exact in
    formats that last an exact time).

    Every cut lies on a whole frame, so nothing accumulates; a target that can be reached is met to the frame.
    """
    fps, target_seconds, before = time.fps, time.target_seconds, time.before
    title, end = round(time.title_seconds * fps), round(time.end_seconds * fps)
    longest = math.floor(time.max_shot_seconds * fps + 1e-6) if time.max_shot_seconds else None
    wanted = None if target_seconds is None else max(0, round(target_seconds * fps) - title - end)
    given = speed is not None

    def laid(pace: float) -> _Laid:
        seconds = tuple(speech) if given else tuple(line / pace for line in speech)
        frames = tuple(math.ceil(line * fps - 1e-6) for line in seconds)
        least = shown or [0.0] * len(frames)
        room = tuple(
            silence_of(line, pacing, fps, shown=seconds_shown, longest=longest, linger=linger)
            for line, seconds_shown in zip(frames, least, strict=True)
        )
        return _Laid(seconds=seconds, frames=frames, room=room)

    slowest, fastest = pacing.speed
    if before is not None and not slowest <= before.speed <= fastest:
        before = None
    if before is not None and (not given or speed == before.speed):
        lines = laid(before.speed)
        silence = [round(shot.at(before.stretch)) for shot in lines.room]
        kept = _end_as_before(before, title, lines.spoken + sum(silence), end, target_seconds, pacing, fps)
        if kept is not None:
            pauses = msgspec.structs.replace(before, end_seconds=kept / fps)
            return _fitted(lines, silence, before.speed, title, kept, fps, target_seconds, pauses)
    if speed is None:
        speed = 1.0 if wanted is None else _choose_speed(speech, wanted, pacing, fps, longest, laid)
    lines = laid(speed)
    if wanted is None or target_seconds is None:
        silence = [shot.points[2] for shot in lines.room]
        return _fitted(lines, silence, speed, title, end, fps, None, None)
    left = wanted - lines.spoken
    spare = end_card_gives(end)
    stretch = steady_stretch(lines.room, left, spare)
    if stretch is None:
        silence = share(lines.room, left)
        end += min(max(left - sum(silence), spare[0]), spare[-1])
        return _fitted(lines, silence, speed, title, end, fps, target_seconds, None)
    silence = [round(shot.at(stretch)) for shot in lines.room]
    end += left - sum(silence)
    pauses = Pauses(seconds=target_seconds, speed=speed, stretch=stretch, end_seconds=end / fps)
    return _fitted(lines, silence, speed, title, end, fps, target_seconds, pauses)


class _Laid(Frozen, frozen=True):
    """The lines at one speed: seconds, whole frames, and what silence their shots may have."""

    seconds: tuple[float, ...]
    frames: tuple[int, ...]
    room: tuple[Silence, ...]

    @property
    def spoken(self) -> int:
        return sum(self.frames)


def end_card_gives(end: int, gives: float = END_CARD_GIVES) -> range:
    """The frames by which an end card of `end` frames may be shorter (−) or longer (+)."""
    return range(-round(gives * end), round(END_CARD_TAKES * end) + 1)


def _end_as_before(
    before: Pauses, title: int, shots: int, end: int, target: float | None, pacing: Pacing, fps: int
) -> int | None:
    """Frames of the end card with which a film whose shots last `shots` frames keeps its pauses; None if it cannot."""
    if target is None:
        end = round(before.end_seconds * fps)
        off, allowed = (title + shots + end) / fps - before.seconds, KEPT_UNASKED * before.seconds
        return end if abs(off) <= allowed else None
    if target != before.seconds:
        return None
    spare = end_card_gives(end, END_CARD_GIVES_AFTER_EDIT)
    left = round(target * fps) - title - shots - end
    taken = min(max(left, spare[0]), spare[-1])
    allowed = 0 if pacing.allowed_seconds else KEPT_ASKED * target * fps
    return end + taken if abs(left - taken) <= allowed else None


def _fitted(
    lines: _Laid,
    silence: Sequence[int],
    speed: float,
    title: int,
    end: int,
    fps: int,
    target_seconds: float | None,
    pauses: Pauses | None,
) -> Fit:
    """The film of these lines and silences, frame by frame."""
    timings, start = [], title
    for seconds, spoken, quiet in zip(lines.seconds, lines.frames, silence, strict=True):
        length = max(1, spoken + quiet)
        lead = round(quiet * LEAD_SHARE) if spoken else 0
        tail = (length - lead) / fps - seconds
        timings.append(Timing(start=start / fps, lead=lead / fps, speech=seconds, tail=tail, frames=length))
        start += length
    total = (start + end) / fps
    off = 0.0 if target_seconds is None else total - target_seconds
    off = 0.0 if abs(off) <= 0.5 / fps + 1e-9 else off
    notes = _notes(lines.room, silence, lines.frames, fps, speed, target_seconds, off)
    if off and pauses is not None:
        over = "over" if off > 0 else "under"
        why = "because the pauses were kept: shots whose line was not edited stay as they were"
        notes = (*notes, f"The film is {abs(off):.1f} s {over} the {target_seconds:g} s that were asked for, {why}.")
    return Fit(
        timings=tuple(timings),
        speed=speed,
        seconds=total,
        end_seconds=end / fps,
        off=off,
        notes=notes,
        pauses=pauses,
    )


def _choose_speed(
    speech: Sequence[float],
    wanted: int,
    pacing: Pacing,
    fps: int,
    longest: int | None,
    laid: Callable[[float], _Laid],
) -> float:
    """The speed nearest to 1 at which the format's own pauses fill what the lines leave."""

    def span(speed: float) -> tuple[int, int]:
        lines = laid(speed)
        least, most = (lines.spoken + sum(shot.points[i] for shot in lines.room) for i in (1, 3))
        return least, most

    slowest, fastest = pacing.speed
    if longest is not None and speech:  # a line must stay shorter than the longest clip when it is slowed down
        slowest = max(slowest, min(1.0, max(speech) * fps / max(1, longest - round(2 * pacing.pause[0] * fps))))
    speed, (least, most) = 1.0, span(1.0)
    while not least <= wanted <= most:
        new = round(min(speed + SPEED_STEP, fastest) if wanted < least else max(speed - SPEED_STEP, slowest), 3)
        reach = span(new)
        if new == speed or reach == (least, most):
            break  # the limit; or lines that have to be read for longer than they are spoken
        speed, (least, most) = new, reach
    return speed


def _notes(
    room: Sequence[Silence],
    silence: Sequence[int],
    frames: Sequence[int],
    fps: int,
    speed: float,
    target: float | None,
    off: float,
) -> tuple[str, ...]:
    if target is None:
        return ()
    if abs(off) > TOLERANCE * target:
        why = "the script has too few words for it" if off < 0 else "the script has too many words for it"
        return (missed(target, off, why),)
    notes = []
    if abs(speed - 1) > 0.02:
        notes.append(f"The voice speaks at {speed:.2f} of its own pace so that the film lasts {target:g} s.")
    spoken = [i for i, line in enumerate(frames) if line]
    longest = max((silence[i] for i in spoken), default=0)
    if any(silence[i] > room[i].points[3] for i in spoken):
        notes.append(f"The script is short for {target:g} s: pauses are up to {longest / fps:.1f} s a shot.")
    if any(silence[i] < room[i].points[1] for i in spoken):
        notes.append(f"The script is long for {target:g} s: pauses are shorter than the format's own.")
    return tuple(notes)


def missed(target: float, off: float, why: str) -> str:
    """The sentence for a film of another length than was asked for."""
    over = "over" if off > 0 else "under"
    remedy = "cut lines or ask for more seconds" if off > 0 else "add lines or ask for fewer seconds"
    return f"The film is {abs(off):.1f} s {over} the {target:g} s that were asked for, because {why}: {remedy}."
