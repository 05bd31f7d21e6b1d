"""Stage `voices`: every line is spoken and measured, and the film's timing follows from that. Knows no picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from engine.artifacts import Store, content_key
from engine.backends.protocols import Handle, SpeechJob, VoiceModel
from engine.errors import BadRequest
from engine.formats import Format
from engine.progress import Control
from engine.speaking import spoken_text, written_words
from engine.speaking.casting import choose_voices
from engine.speaking.lexicon import Lexicon
from engine.speech import split_line
from engine.timing import Fit, fit, fit_to_beat
from engine.types import Character, Frozen, Pauses, Plan, Script, Shot, Stage, Timing, Voice, Word

NAME: Stage = "voices"
STAGE_VERSION = 2
SAME_SPEED = 0.02
"""A voice that would change its pace by less keeps its own, and the pauses do the rest."""

FEWEST_SHOTS = 3


class Spoken(Frozen, frozen=True):
    """`script` as it is filmed: lines split or shots left out; `voices` and `timings` go with its shots. `end_seconds`
    is how long the end card stays; `pauses` what an edit of this film may keep."""

    script: Script
    voices: tuple[Voice, ...]
    timings: tuple[Timing, ...]
    end_seconds: float
    pauses: Pauses | None = None


class Take(Frozen, frozen=True):
    """A spoken line, and whether it was kept from before."""

    voice: Voice
    reused: bool


def speak_voices(
    plan: Plan,
    script: Script,
    fmt: Format,
    *,
    narrator: Handle[VoiceModel],
    store: Store,
    control: Control,
    voice: str | None = None,
    own: bool = False,
    before: Pauses | None = None,
    lexicon: Lexicon | None = None,
    kept: Mapping[str, str] | None = None,
) -> Spoken:
    """Speak the script and fit it to `plan.target_seconds` by pauses, then by the voice's speed.

    `voice`: the narrator's, else the model's first. `own`: the script is somebody's own, of which no shot is ever left
    out; `before`: how the film was fitted that it was edited from; `lexicon`: how names are said;
    `kept`: the voices that characters have had so far. A line longer than
    `plan.max_clip_seconds` becomes several shots. Raises `BadRequest` for an unknown voice or a line that the narrator
    cannot speak, and what the model raises.
    """
    control.emit("stage", NAME, total=len(script.shots))
    if not fmt.narration:
        return _shown_on_the_beat(plan, script, fmt, control, before)
    cast = choose_voices(script, fmt, narrator.spec.limits, voice, kept=kept, locale=plan.locale)
    control.emit("decision", NAME, message=_cast_in_words(cast))

    _tell_unread(script, plan.locale, lexicon, control)

    def speak(shots: Sequence[Shot], speed: float) -> list[Take]:
        return [
            _speak_line(shot, i, plan, cast.get(shot.speaker, cast[None]), speed, lexicon, narrator, store, control)
            for i, shot in enumerate(shots)
        ]

    def fitted(takes: Sequence[Take], speed: float | None) -> Fit:
        return fit(
            [take.voice.seconds for take in takes],
            pacing=fmt.pacing,
            fps=plan.fps,
            title_seconds=plan.title_seconds,
            end_seconds=plan.end_seconds,
            target_seconds=plan.target_seconds,
            speed=speed,
            max_shot_seconds=plan.max_clip_seconds,
            before=before,
        )

    shots, takes = list(script.shots), speak(script.shots, 1.0)
    if plan.max_clip_seconds is not None:
        limit = plan.max_clip_seconds * 0.96 - 2 * fmt.pacing.pause[0]
        shots, takes = _split_long_lines(shots, takes, limit, speak, control)
    if not own:
        shots, takes = _leave_out(shots, takes, plan, lambda some: fitted(some, None), control)
    found = fitted(takes, None)
    if abs(found.speed - 1) > SAME_SPEED:
        takes = speak(shots, found.speed)
        if not own:
            shots, takes = _leave_out(shots, takes, plan, lambda some: fitted(some, found.speed), control)
        found = fitted(takes, found.speed)
    else:
        found = fitted(takes, 1.0)
    _tell(found, plan, control)
    for i, take in enumerate(takes):
        control.emit("shot", NAME, shot=i, done=i + 1, total=len(takes), reused=take.reused, made=take.voice)
    return Spoken(
        script=msgspec.structs.replace(script, shots=tuple(shots), characters=_with_voices(script, cast)),
        voices=tuple(take.voice for take in takes),
        timings=found.timings,
        end_seconds=found.end_seconds,
        pauses=found.pauses,
    )


def _with_voices(script: Script, cast: Mapping[str | None, str]) -> tuple[Character, ...]:
    """The characters as they are cast: who does not speak keeps what was wished for."""
    return tuple(
        msgspec.structs.replace(character, voice=cast.get(character.name) or character.voice)
        for character in script.characters
    )


def _cast_in_words(cast: dict[str | None, str]) -> str:
    said = [f"{name or 'The narrator'} speaks with voice {voice}" for name, voice in cast.items() if voice]
    return "; ".join(said) + "." if said else "Everybody speaks with the model's one voice."


def _speak_line(
    shot: Shot,
    index: int,
    plan: Plan,
    voice: str,
    speed: float,
    lexicon: Lexicon | None,
    narrator: Handle[VoiceModel],
    store: Store,
    control: Control,
) -> Take:
    control.check()
    reading = spoken_text(shot.narration, plan.locale, lexicon)
    if not any(char.isalnum() for char in reading.text):  # a pause, a dash, a picture: nothing to say
        return Take(voice=Voice(audio=None, seconds=0), reused=False)
    if reading.sounds and not narrator.spec.limits.phonemes:
        ipa = next(iter(reading.sounds.values()))
        raise BadRequest(
            "lexicon", f"/{ipa}/ is IPA, which narrator {narrator.spec.id} does not take: respell the word"
        )
    job = SpeechJob(
        text=reading.text, sounds=reading.sounds, voice=voice, locale=plan.locale, speed=speed, seed=plan.seed
    )
    spec = narrator.spec
    key = content_key(
        stage=NAME,
        version=STAGE_VERSION,
        model=spec.id,
        revision=spec.revision,
        params=spec.params,
        job=job,
        written=[word.written for word in reading.words],
    )
    kept = store.find(NAME, key, Voice)
    if kept is not None:
        return Take(voice=kept, reused=True)

    def record(folder: Path) -> Voice:
        out = folder / "voice.wav"
        speech = narrator.open().speak(job, out, tick=lambda done, total: control.step(NAME, index, done, total))
        return Voice(audio=out, seconds=speech.seconds, words=written_words(reading, speech.words), voice=voice)

    return Take(voice=store.keep(NAME, key, Voice, record), reused=False)


def _tell_unread(script: Script, locale: str, lexicon: Lexicon | None, control: Control) -> None:
    """What neither the lexicon nor the locale's rules have words for is left to the narrator, and that is said."""
    readings = [spoken_text(shot.narration, locale, lexicon) for shot in script.shots]
    unread = list(dict.fromkeys(word for reading in readings for word in reading.unread))
    if unread:
        some = ", ".join(unread[:5]) + ("…" if len(unread) > 5 else "")
        control.emit(
            "decision", NAME, message=f"Left to the narrator, as there are no words for it in {locale}: {some}."
        )


def _split_long_lines(
    shots: list[Shot],
    takes: list[Take],
    limit: float,
    speak: Callable[[Sequence[Shot], float], list[Take]],
    control: Control,
) -> tuple[list[Shot], list[Take]]:
    """Lines that last longer than `limit` seconds, cut at clauses until each part is short enough or a single word."""
    out_shots: list[Shot] = []
    out_takes: list[Take] = []
    for shot, take in zip(shots, takes, strict=True):
        parts = split_line(take.voice.words, math.ceil(take.voice.seconds / max(limit, 0.5)))
        if take.voice.seconds <= limit or len(parts) < 2:
            out_shots.append(shot)
            out_takes.append(take)
            continue
        pieces = [msgspec.structs.replace(shot, narration=part) for part in parts]
        pieces, spoken = _split_long_lines(pieces, speak(pieces, 1.0), limit, speak, control)
        out_shots += pieces
        out_takes += spoken
    if len(out_shots) > len(shots):
        message = f"{len(shots)} lines became {len(out_shots)} shots, so that none is longer than the animator's clips."
        control.emit("decision", NAME, message=message)
    return out_shots, out_takes


def _leave_out(
    shots: list[Shot],
    takes: list[Take],
    plan: Plan,
    fitted: Callable[[Sequence[Take]], Fit],
    control: Control,
) -> tuple[list[Shot], list[Take]]:
    """The script without as many of its middle shots as it takes to keep the length; opening and ending stay."""
    left_out = 0
    while plan.target_seconds is not None and len(shots) > FEWEST_SHOTS:
        found = fitted(takes)
        if found.keeps(plan.target_seconds) or found.off < 0:
            break
        # The shortest line that is enough by itself, else the longest: as few shots as can be.
        middle = range(1, len(shots) - 1)
        enough = [i for i in middle if takes[i].voice.seconds / found.speed >= found.off]
        chosen = (
            min(enough, key=lambda i: takes[i].voice.seconds)
            if enough
            else max(middle, key=lambda i: takes[i].voice.seconds)
        )
        shots, takes = shots[:chosen] + shots[chosen + 1 :], takes[:chosen] + takes[chosen + 1 :]
        left_out += 1
    if left_out:
        counted = "1 shot was" if left_out == 1 else f"{left_out} shots were"
        message = f"{counted} left out, because the script was too long for {plan.target_seconds:g} s."
        control.emit("warning", NAME, message=message)
    return shots, takes


def _shown_on_the_beat(plan: Plan, script: Script, fmt: Format, control: Control, before: Pauses | None) -> Spoken:
    """No speech: the track is the clock, and the words of a line light up on its beats."""
    lines = [shot.narration.split() for shot in script.shots]
    found = fit_to_beat(
        [len(line) for line in lines],
        pacing=fmt.pacing,
        tempo=fmt.music.tempo,
        fps=plan.fps,
        title_seconds=plan.title_seconds,
        end_seconds=plan.end_seconds,
        target_seconds=plan.target_seconds,
        max_shot_seconds=plan.max_clip_seconds,
        before=before,
    )
    _tell(found, plan, control)
    voices = []
    for i, (line, timing) in enumerate(zip(lines, found.timings, strict=True)):
        words = words_on_beats(line, timing.speech, 60 / fmt.music.tempo)
        voices.append(Voice(audio=None, seconds=timing.speech if words else 0.0, words=words))
        control.emit("shot", NAME, shot=i, done=i + 1, total=len(lines), made=voices[i])
    return Spoken(
        script=script,
        voices=tuple(voices),
        timings=found.timings,
        end_seconds=found.end_seconds,
        pauses=found.pauses,
    )


def words_on_beats(line: Sequence[str], seconds: float, beat: float) -> tuple[Word, ...]:
    """One word every two, one, half or quarter beats, whichever is the slowest that fits; the last one stays."""
    if not line:
        return ()
    steps = [beat * part for part in (2, 1, 0.5, 0.25) if beat * part * len(line) <= seconds]
    step = steps[0] if steps else seconds / len(line)
    starts = [i * step for i in range(len(line))]
    return tuple(
        Word(text=text, start=start, end=end)
        for text, start, end in zip(line, starts, [*starts[1:], seconds], strict=True)
    )


def _tell(found: Fit, plan: Plan, control: Control) -> None:
    kind = "decision" if found.keeps(plan.target_seconds) else "warning"
    for note in found.notes:
        control.emit(kind, NAME, message=note)
