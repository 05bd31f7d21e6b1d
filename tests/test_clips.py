"""Stage clips: exact lengths whatever the animator makes, what is kept, and the way down when memory runs out."""

from pathlib import Path

import msgspec
import pytest
from PIL import Image

from engine.artifacts import Store
from engine.backends.video import camera
from engine.catalog import Limits, load_catalog
from engine.errors import Cancelled, MediaFailed, OutOfMemory
from engine.formats import load_format
from engine.ladder import Ladder
from engine.machine import Machine
from engine.made import Clip, Still, Timing
from engine.media import probe
from engine.progress import Control, Event
from engine.stages.clips import animate_clips
from engine.stages.plan import make_plan
from engine.types import Scene, Script, Shot, StoryRequest
from tests.fake_models.pictures import FakeAnimator, FakeHandle

FMT = load_format("cinematic_story")
SCRIPT = Script(
    title="Waves",
    scenes=(Scene(description="the sea"),),
    shots=tuple(
        Shot(narration=f"Line {n}.", visual=f"wave number {n}", beat=beat, camera=move)
        for n, (beat, move) in enumerate([("opening", None), ("trial", "pan_left"), ("ending", None)])
    ),
)
WAN = Limits(size_step=16, frames_step=4, frames_plus=1, max_frames=81, fps=12)


class Studio:
    """Animates one script into one work folder and hears what is said. Sizes are 224×128 at 16 frames a second."""

    def __init__(self, folder: Path, animator=None, ladder: Ladder | None = None, fits: bool = True) -> None:
        self.handle = FakeHandle(animator or FakeAnimator(), fits=fits)
        self.fallback = FakeHandle(camera.load(load_catalog().model("camera"), None))
        self.folder, self.store, self.ladder = folder, Store(folder / "work"), ladder
        self.events: list[Event] = []
        self.control = Control(self.events.append)

    def stills(self, script: Script) -> tuple[Still, ...]:
        paths = [self.folder / f"{shot.visual}.png" for shot in script.shots]
        for n, path in enumerate(paths):
            Image.linear_gradient("L").resize((224, 128)).convert("RGB").rotate(90 * n).save(path)
        return tuple(Still(image=path) for path in paths)

    def animate(self, frames: tuple[int, ...] = (17, 20, 9), script: Script = SCRIPT, **fields):
        asked, plan = make_plan(
            StoryRequest(**{"prompt": "Waves", "profile": "tiny", "script": script, **fields}),
            load_catalog(),
            Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0),
        )
        plan = msgspec.structs.replace(plan, width=224, height=128, fps=16)
        timings = tuple(Timing(start=0, lead=0, speech=1, tail=0, frames=count) for count in frames)
        return animate_clips(
            asked,
            plan,
            script,
            FMT,
            self.stills(script),
            timings,
            animator=self.handle,
            fallback=self.fallback,
            store=self.store,
            control=self.control,
            ladder=self.ladder,
        )

    @property
    def jobs(self):
        return self.handle.model.jobs

    def said(self, kind: str) -> list[str]:
        return [event.message for event in self.events if event.kind == kind]


def check(clips: list[Clip], frames: tuple[int, ...]) -> None:
    for clip, count in zip(clips, frames, strict=True):
        facts = probe(clip.video)
        assert (facts.frames, facts.width, facts.height, facts.fps) == (count, 224, 128, 16)
        assert (clip.frames, clip.fps) == (count, 16)


def test_every_clip_has_exactly_the_frames_of_its_shot(tmp_path: Path) -> None:
    check(list(Studio(tmp_path).animate()), (17, 20, 9))


def test_an_animator_with_its_own_rate_and_frame_steps_is_retimed_and_trimmed(tmp_path: Path) -> None:
    studio = Studio(tmp_path, FakeAnimator(limits=WAN))
    check(
        list(
            studio.animate(
                (
                    17,
                    20,
                    9,
                )[:3]
            )
        ),
        (17, 20, 9),
    )
    # 17, 20 and 9 frames at 16 a second are 12.75, 15 and 6.75 at 12: the next 4k+1 are 13, 17 and 9.
    assert [(job.frames, job.fps) for job in studio.jobs] == [(13, 12), (17, 12), (9, 12)]


@pytest.mark.parametrize("frames", range(1, 30, 4))
def test_every_length_comes_out_exact_from_coarse_frame_steps(tmp_path: Path, frames: int) -> None:
    limits = Limits(size_step=16, frames_step=8, frames_plus=1, fps=10)
    script = msgspec.structs.replace(SCRIPT, shots=SCRIPT.shots[:1])
    check(list(Studio(tmp_path, FakeAnimator(limits=limits)).animate((frames,), script)), (frames,))


def test_the_camera_follows_the_shot_then_its_beat(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    list(studio.animate())
    assert [job.camera for job in studio.jobs] == ["push_in", "pan_left", "pull_out"]
    assert "slow pan to the left" in studio.jobs[1].prompt and "wave number 1" in studio.jobs[1].prompt


def test_clips_come_one_by_one_in_shot_order(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    making = studio.animate()
    assert studio.jobs == []
    next(making)
    assert len(studio.jobs) == 1
    next(making)
    assert len(studio.jobs) == 2


def test_a_second_run_yields_the_kept_clips_and_opens_no_model(tmp_path: Path) -> None:
    first, again = Studio(tmp_path), Studio(tmp_path)
    assert list(first.animate()) == list(again.animate())
    assert again.handle.opened == again.fallback.opened == 0
    assert [event.reused for event in again.events if event.kind == "shot"] == [True] * 3


def test_another_length_makes_only_its_own_clip_again(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    list(studio.animate())
    list(studio.animate((17, 24, 9)))
    assert [job.frames for job in studio.jobs] == [17, 20, 9, 24]


def test_another_picture_makes_only_its_own_clip_again(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    list(studio.animate())
    shots = list(SCRIPT.shots)
    shots[2] = msgspec.structs.replace(shots[2], visual="a calm sea")
    list(studio.animate(script=msgspec.structs.replace(SCRIPT, shots=tuple(shots))))
    assert len(studio.jobs) == 4


def test_a_clip_that_lost_a_byte_is_made_again(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    clip = list(studio.animate())[1]
    clip.video.write_bytes(clip.video.read_bytes()[:-1])
    check(list(studio.animate()), (17, 20, 9))
    assert len(studio.jobs) == 4


def test_out_of_memory_walks_the_ladder_and_ends_in_a_camera_move_that_is_told(tmp_path: Path) -> None:
    studio = Studio(tmp_path, FakeAnimator(limits=WAN, fits=lambda job: False), Ladder())
    check(list(studio.animate()), (17, 20, 9))
    assert [(job.memory, job.width, job.fps) for job in studio.jobs[:6]] == [
        (0, 224, 12),
        (1, 224, 12),
        (2, 224, 12),
        (2, 224, 6),
        (2, 160, 6),
        (2, 112, 6),
    ]
    warnings = studio.said("warning")
    assert len(warnings) == 3 and all("camera moves" in message for message in warnings)
    assert studio.fallback.opened == 3


@pytest.mark.parametrize(
    ("fits", "jobs"),
    [
        (lambda job: job.fps < 12, 4),
        (lambda job: job.width < 224, 5),
    ],
)
def test_fewer_frames_and_smaller_clips_still_fill_the_films_size_and_length(tmp_path: Path, fits, jobs: int) -> None:
    studio = Studio(tmp_path, FakeAnimator(limits=WAN, fits=fits))
    check([next(studio.animate())], (17,))
    assert len(studio.jobs) == jobs and len(studio.said("warning")) == 1


def test_offloading_is_a_decision_not_a_degradation(tmp_path: Path) -> None:
    studio = Studio(tmp_path, FakeAnimator(fits=lambda job: job.memory >= 1))
    next(studio.animate())
    assert studio.said("warning") == [] and any("offload" in message for message in studio.said("decision"))


def test_what_fitted_is_remembered_across_processes(tmp_path: Path) -> None:
    file = tmp_path / "home" / "ladder.json"
    one = Studio(tmp_path, FakeAnimator(limits=WAN, fits=lambda job: job.memory == 2), Ladder(file, "RTX"))
    list(one.animate())
    assert [job.memory for job in one.jobs] == [0, 1, 2, 2, 0, 1, 2]  # the third is shorter: it might have fitted
    other = Studio(tmp_path / "elsewhere", FakeAnimator(limits=WAN), Ladder(file, "RTX"))
    other.folder.mkdir()
    list(other.animate())
    assert [job.memory for job in other.jobs] == [2, 2, 2]


def test_a_resumed_film_keeps_its_degraded_clips_and_says_so_again(tmp_path: Path) -> None:
    ladder = Ladder(tmp_path / "ladder.json")
    made = list(Studio(tmp_path, FakeAnimator(fits=lambda job: False), ladder).animate())
    again = Studio(tmp_path, FakeAnimator(), ladder)
    assert list(again.animate()) == made
    assert again.jobs == [] and len(again.said("warning")) == 3


def test_an_animator_that_cannot_even_be_loaded_gives_way_to_the_camera_at_once(tmp_path: Path) -> None:
    studio = Studio(tmp_path, ladder=Ladder(), fits=False)
    check(list(studio.animate()), (17, 20, 9))
    assert studio.handle.opened == 1 and studio.jobs == []
    assert len(studio.said("warning")) == 3


def test_a_shot_longer_than_the_longest_clip_becomes_a_camera_move_with_a_warning(tmp_path: Path) -> None:
    limits = Limits(size_step=2, max_frames=18)
    studio = Studio(tmp_path, FakeAnimator(limits=limits))
    check(list(studio.animate()), (17, 20, 9))
    assert len(studio.jobs) == 2
    assert len(studio.said("warning")) == 1 and "18 frames" in studio.said("warning")[0]


def test_a_camera_that_runs_out_of_memory_has_nothing_below_it(tmp_path: Path) -> None:
    class Starved(camera.Camera):
        def animate(self, job, out, *, tick=None) -> None:
            raise OutOfMemory("Out of memory: choose a smaller size.")

    studio = Studio(tmp_path, Starved(load_catalog().model("camera")))
    with pytest.raises(OutOfMemory):
        next(studio.animate())


def test_other_errors_are_not_taken_for_memory(tmp_path: Path) -> None:
    studio = Studio(tmp_path, FakeAnimator(fault=MediaFailed("ffmpeg gave up: try again.")))
    with pytest.raises(MediaFailed):
        next(studio.animate())
    assert len(studio.jobs) == 1


def test_a_model_that_makes_another_number_of_frames_is_found_out(tmp_path: Path) -> None:
    class Short(FakeAnimator):
        def animate(self, job, out, **how) -> None:
            super().animate(msgspec.structs.replace(job, frames=job.frames - 3), out, **how)

    with pytest.raises(MediaFailed, match="14 frames"):
        next(Studio(tmp_path, Short()).animate())


def test_cancelling_leaves_the_finished_clips_and_nothing_half_made(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    making = studio.animate()
    next(making)
    studio.control.cancel()
    with pytest.raises(Cancelled):
        next(making)
    kept = [path.name for path in (tmp_path / "work" / "clips").iterdir()]
    assert len(kept) == 1 and not kept[0].startswith(".")


def test_the_real_camera_moves_every_shot(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.handle = studio.fallback
    check(list(studio.animate()), (17, 20, 9))
    assert studio.said("warning") == []


def test_a_clip_that_stands_still_is_made_once_more_with_another_seed(tmp_path: Path) -> None:
    spoiled: list[int] = []

    def the_first(job) -> bool:
        spoiled.append(job.seed)
        return len(spoiled) == 1

    studio = Studio(tmp_path, FakeAnimator(spoils=the_first))
    clips = list(studio.animate())
    check(clips, (17, 20, 9))
    assert len(studio.jobs) == 4 and studio.jobs[0].seed != studio.jobs[1].seed
    assert "shot 1 stands still: it was made again with another seed" in studio.said("decision")
    again = Studio(tmp_path)
    assert list(again.animate()) == clips and again.handle.opened == 0


def test_a_clip_that_stays_as_it_is_is_made_twice_and_delivered(tmp_path: Path) -> None:
    studio = Studio(tmp_path, FakeAnimator(spoils=lambda job: True))
    check(list(studio.animate()), (17, 20, 9))
    assert len(studio.jobs) == 6


def test_a_held_camera_may_stand_still(tmp_path: Path) -> None:
    shots = tuple(msgspec.structs.replace(shot, camera="hold") for shot in SCRIPT.shots)
    studio = Studio(tmp_path, FakeAnimator(spoils=lambda job: True))
    list(studio.animate(script=msgspec.structs.replace(SCRIPT, shots=shots)))
    assert len(studio.jobs) == 3


class Clumsy(FakeAnimator):
    """Cuts the file of its first job short."""

    def animate(self, job, out: Path, **rest) -> None:
        super().animate(job, out, **rest)
        if len(self.jobs) == 1:
            out.write_bytes(out.read_bytes()[: out.stat().st_size // 2])


def test_a_clip_that_cannot_be_read_is_made_once_more(tmp_path: Path) -> None:
    studio = Studio(tmp_path, Clumsy())
    check(list(studio.animate()), (17, 20, 9))
    assert len(studio.jobs) == 4
