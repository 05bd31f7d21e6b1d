"""Stage `voices`: every line is spoken and measured, and the film's timing follows from that. Knows no picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.artifacts import Store, content_key
from engine.backends.protocols import Handle, SpeechJob, VoiceModel
from engine.errors import BadRequest
from engine.formats import Format
from engine.made import Pauses, Timing, Voice
from engine.on_the_beat import filled, fit_to_beat, steady_beats, words_on_beats
from engine.progress import Control
from engine.reading import reading_seconds
from engine.speaking import spoken_text, written_words
from engine.speaking.casting import choose_voices
from engine.speaking.lexicon import Lexicon
from engine.speech import split_line
from engine.timing import Fit, RunningTime, fit
from engine.types import Character, Frozen, Plan, Script, Shot, Stage
from engine.writing.fitting import Recorded, Take, fill_time, script_of

NAME: Stage = "voices"
STAGE_VERSION = 3


class Spoken(Frozen, frozen=True):
    """`script` as it is filmed: lines chosen, cut or split; `voices` and `timings` go with its shots. `end_seconds` is
    how long the end card stays, `title_seconds` the title card, None: as was planned; `pauses` what an edit of this
    film may keep."""

    script: Script
    voices: tuple[Voice, ...]
    timings: tuple[Timing, ...]
    end_seconds: float
    pauses: Pauses | None = None
    title_seconds: float | None = None


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
    beats: Sequence[float] | None = None,
) -> Spoken:
    """Speak the script and fit it to `plan.target_seconds`: of a writer's lines those are filmed that fill the time
    (see `engine.choosing`), then come pauses, then the voice's speed.

    `voice`: the narrator's, else the model's first. `own`: the script is somebody's own, of which no word is ever left
    out; `before`: how the film was fitted that it was edited from; `lexicon`: how names are said;
    `kept`: the voices that characters have had so far. A line longer than
    `plan.max_clip_seconds` becomes several shots. Raises `BadRequest` for an unknown voice or a line that the narrator
    cannot speak, and what the model raises.
    """
    control.emit("stage", NAME, total=len(script.shots))
    if not fmt.narration:
        return _shown_on_the_beat(plan, script, fmt, control, before, beats)
    cast = choose_voices(script, fmt, narrator.spec.limits, voice, kept=kept, locale=plan.locale)
    control.emit("decision", NAME, message=_cast_in_words(cast))

    _tell_unread(script, plan.locale, lexicon, control)
    booth = _Booth(plan, fmt.pacing.pauses, lexicon, narrator, store, control)

    def speak(shots: Sequence[Shot], speed: float) -> list[Take]:
        return [booth.speak(i, shot, cast.get(shot.speaker, cast[None]), speed) for i, shot in enumerate(shots)]

    spoken = zip(script.shots, speak(script.shots, 1.0), strict=True)
    lines = [Recorded(shots=(shot,), takes=(take,)) for shot, take in spoken]
    if plan.max_clip_seconds is not None:
        lines = _split_long_lines(lines, plan.max_clip_seconds, fmt, speak, control)
    if not own:
        lines, said = fill_time(lines, plan, fmt, lambda shot: speak([shot], 1.0)[0])
        if said:
            control.emit("decision", NAME, message=said)
        script = script_of(script, lines)
    else:
        script = msgspec.structs.replace(script, shots=tuple(shot for line in lines for shot in line.shots))
    shots, takes = script.shots, [take for line in lines for take in line.takes]

    def fitted(speed: float | None) -> Fit:
        return fit(
            [take.voice.seconds for take in takes],
            _running_time(plan, before),
            pacing=fmt.pacing,
            speed=speed,
            shown=[reading_seconds(shot.narration) for shot in shots],
            linger=own,
        )

    found = fitted(None)
    if found.speed != 1:
        takes = speak(shots, found.speed)
        found = fitted(found.speed)
    _tell(found, plan, control)
    for i, take in enumerate(takes):
        control.emit("shot", NAME, shot=i, done=i + 1, total=len(takes), reused=take.reused, made=take.voice)
    return Spoken(
        script=msgspec.structs.replace(script, characters=_with_voices(script, cast)),
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


def _running_time(plan: Plan, before: Pauses | None) -> RunningTime:
    return RunningTime(
        fps=plan.fps,
        title_seconds=plan.title_seconds,
        end_seconds=plan.end_seconds,
        target_seconds=plan.target_seconds,
        max_shot_seconds=plan.max_clip_seconds,
        before=before,
    )


@dataclass(frozen=True)
class _Booth:
    """The narrator and the places that every line of a story needs; `pauses` scales those at stops."""

    plan: Plan
    pauses: float
    lexicon: Lexicon | None
    narrator: Handle[VoiceModel]
    store: Store
    control: Control

    def speak(self, index: int, shot: Shot, voice: str, speed: float) -> Take:
        """The shot's line, kept or spoken now; nothing where there is nothing to say."""
        self.control.check()
        reading = spoken_text(shot.narration, self.plan.locale, self.lexicon)
        if not any(char.isalnum() for char in reading.text):  # a pause, a dash, a picture: nothing to say
            return Take(voice=Voice(audio=None, seconds=0), reused=False)
        if reading.sounds and not self.narrator.spec.limits.phonemes:
            ipa = next(iter(reading.sounds.values()))
            raise BadRequest(
                "lexicon", f"/{ipa}/ is IPA, which narrator {self.narrator.spec.id} does not take: respell the word"
            )
        job = SpeechJob(
            text=reading.text,
            sounds=reading.sounds,
            pauses=self.pauses,
            voice=voice,
            locale=self.plan.locale,
            speed=speed,
            seed=self.plan.seed,
        )
        spec = self.narrator.spec
        key = content_key(
            stage=NAME,
            version=STAGE_VERSION,
            model=spec.id,
            revision=spec.revision,
            params=spec.params,
            job=job,
            written=[word.written for word in reading.words],
        )
        kept = self.store.find(NAME, key, Voice)
        if kept is not None:
            return Take(voice=kept, reused=True)

        def record(folder: Path) -> Voice:
            out = folder / "voice.wav"
            speech = self.narrator.open().speak(
                job, out, tick=lambda done, total: self.control.step(NAME, index, done, total)
            )
            return Voice(audio=out, seconds=speech.seconds, words=written_words(reading, speech.words), voice=voice)

        return Take(voice=self.store.keep(NAME, key, Voice, record), reused=False)


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
    lines: Sequence[Recorded],
    longest: float,
    fmt: Format,
    speak: Callable[[Sequence[Shot], float], list[Take]],
    control: Control,
) -> list[Recorded]:
    """`lines`, those cut into several shots at clauses that take longer to speak or to read than a shot of `longest`
    seconds lasts, until each part is short enough or a single word."""
    limit = max(0.5, longest * 0.96 - 2 * fmt.pacing.pause[0])

    def parts_of(shot: Shot, take: Take) -> list[tuple[Shot, Take]]:
        over = max(take.voice.seconds / limit, reading_seconds(shot.narration) / longest)
        texts = split_line(take.voice.words, math.ceil(over))
        if over <= 1 or len(texts) < 2:
            return [(shot, take)]
        pieces = [msgspec.structs.replace(shot, narration=text) for text in texts]
        return [part for piece, said in zip(pieces, speak(pieces, 1.0), strict=True) for part in parts_of(piece, said)]

    split = []
    for line in lines:
        parts = [part for shot, take in zip(line.shots, line.takes, strict=True) for part in parts_of(shot, take)]
        split.append(Recorded(shots=tuple(shot for shot, _ in parts), takes=tuple(take for _, take in parts)))
    count = sum(len(line.shots) for line in split)
    if count > len(lines):
        message = f"{len(lines)} lines became {count} shots, so that none is longer than the animator's clips."
        control.emit("decision", NAME, message=message)
    return split


def _shown_on_the_beat(
    plan: Plan, script: Script, fmt: Format, control: Control, before: Pauses | None, beats: Sequence[float] | None
) -> Spoken:
    """No speech: the track is the clock, and the words of a line light up on its beats."""
    lines = [shot.narration.split() for shot in script.shots]
    if beats is None:
        beats = steady_beats(fmt.music.tempo, plan.target_seconds or len(lines) * 2 * fmt.pacing.shot_seconds)
    words = [len(line) for line in lines]
    found = fit_to_beat(words, _running_time(plan, before), pacing=fmt.pacing, beats=beats)
    _tell(found, plan, control)
    beats = filled(beats, found.seconds)
    voices = []
    for i, (line, timing) in enumerate(zip(lines, found.timings, strict=True)):
        lit = words_on_beats(line, timing, beats)
        voices.append(Voice(audio=None, seconds=timing.speech if lit else 0.0, words=lit))
        control.emit("shot", NAME, shot=i, done=i + 1, total=len(lines), made=voices[i])
    return Spoken(
        script=script,
        voices=tuple(voices),
        timings=found.timings,
        end_seconds=found.end_seconds,
        pauses=found.pauses,
        title_seconds=found.title_seconds,
    )


def _tell(found: Fit, plan: Plan, control: Control) -> None:
    kind = "decision" if found.keeps(plan.target_seconds) else "warning"
    for note in found.notes:
        control.emit(kind, NAME, message=note)
