"""Which lines are filmed is decided by what they are worth to the story and how well they fill the time."""

from engine.choosing import Form, Line, choose_lines, lengths_of
from engine.formats import Pacing
from engine.made import Voice
from engine.types import Item, Scene, Script, Shot
from engine.writing.fitting import Recorded, Take, script_of
from engine.writing.tails import without_tail

CALM = Pacing(shot_seconds=5.0, pause=(0.25, 1.1))


def line(seconds: float, beat: str = "middle", *shorter: float, spare: bool = False, kept: bool = False) -> Line:
    forms = [Form(lengths=lengths_of([(s, 0.0)], CALM, 24), cut=i > 0) for i, s in enumerate((seconds, *shorter))]
    return Line(forms=tuple(forms), beat=beat, spare=spare, kept=kept)


def natural(*lines: Line) -> int:
    return sum(one.forms[0].lengths[3] for one in lines)


OPEN, CLOSE = line(4, "open", kept=True), line(4, "close", kept=True)


def test_spare_lines_are_left_out_where_the_others_fill_the_time() -> None:
    lines = [OPEN, line(4), line(3, spare=True), line(4), CLOSE]
    assert choose_lines(lines, natural(OPEN, lines[1], lines[3], CLOSE)) == (0, 0, None, 0, 0)


def test_a_spare_line_is_filmed_where_there_is_time_for_it() -> None:
    lines = [OPEN, line(4), line(3, spare=True), line(4), CLOSE]
    assert choose_lines(lines, natural(*lines)) == (0, 0, 0, 0, 0)


def test_of_two_spare_lines_the_one_that_fits_is_taken() -> None:
    lines = [OPEN, line(1.2, spare=True), line(4), line(3.5, spare=True), CLOSE]
    assert choose_lines(lines, natural(OPEN, lines[2], lines[3], CLOSE)) == (0, None, 0, 0, 0)


def test_a_line_goes_of_whose_beat_another_stays() -> None:
    lines = [OPEN, line(4, "wish"), line(4, "trial"), line(4, "trial"), CLOSE]
    chosen = choose_lines(lines, natural(OPEN, *lines[1:3], CLOSE) - 20)
    assert chosen[1] == 0
    assert [chosen[2], chosen[3]].count(None) == 1


def test_a_tail_goes_before_a_line_does() -> None:
    lines = [OPEN, line(5, "wish"), line(6, "trial", 3.2), CLOSE]
    assert choose_lines(lines, natural(*lines) - 90) == (0, 0, 1, 0)


def test_the_voice_hurries_before_a_line_is_dropped() -> None:
    lines = [OPEN, line(4), line(4), CLOSE]
    shortest = sum(one.forms[0].lengths[1] for one in lines)
    assert choose_lines(lines, shortest + 2) == (0, 0, 0, 0)


def test_opening_and_ending_stay_even_where_they_alone_are_too_long() -> None:
    assert choose_lines([OPEN, line(4), CLOSE], 50) == (0, None, 0)


def test_spare_lines_that_are_filmed_are_spread_over_a_long_film() -> None:
    lines = [OPEN, *(line(4, f"beat {i // 12}", spare=i % 3 == 2) for i in range(72)), CLOSE]
    core = natural(*(one for one in lines if not one.spare))
    chosen = choose_lines(lines, core + 8 * lines[3].forms[0].lengths[3])
    filmed = [i for i, one in enumerate(lines) if one.spare and chosen[i] is not None]
    assert 4 <= len(filmed) <= 12
    assert sum(i < 37 for i in filmed) in range(len(filmed) // 4, len(filmed))


def test_all_lines_of_a_script_that_is_far_too_short_are_filmed() -> None:
    lines = [OPEN, *(line(2, spare=i % 5 == 4) for i in range(100)), CLOSE]
    assert None not in choose_lines(lines, 3 * natural(*lines))


def test_a_line_without_its_tail_is_still_a_sentence() -> None:
    assert without_tail("The fox ran home, because it was dark. It slept.", "en") == (
        "The fox ran home, because it was dark.",
        "The fox ran home.",
    )
    assert without_tail("The small green dragon who lived in a cave flew away.", "en") == ()
    assert without_tail("Mr. Fox ran home.", "en") == ()
    assert without_tail("When it rains, the frog sings.", "en") == ()
    assert without_tail("Have you ever wondered when it rains?", "en") == ()


def test_what_is_denied_keeps_its_condition() -> None:
    assert without_tail("The museum does not open before the first of May.", "en") == ()


def test_of_other_languages_only_whole_sentences_go() -> None:
    assert without_tail("Der Fuchs lief, because er fror. Dann schlief er.", "de") == (
        "Der Fuchs lief, because er fror.",
    )
    assert without_tail("狐狸跑了。它睡着了。", "zh") == ("狐狸跑了。",)


def test_a_script_of_fewer_lines_counts_its_shots_anew_and_loses_what_only_the_others_had() -> None:
    lines = ("A fox ran.", "It saw a lamp.", "A bell rang.", "It took the lamp.")
    shots = tuple(Shot(scene=i % 3, narration=line, camera="push_in") for i, line in enumerate(lines))
    items = (
        Item(name="Lamp", significance="It runs through the film, from shot 2 to shot 4: “It saw a lamp.”"),
        Item(name="Bell", significance="It is what shot 3 (trial) turns on: “A bell rang.”"),
    )
    scenes = tuple(Scene(description=place) for place in ("a hill", "a house", "a tower"))
    script = Script(title="T", scenes=scenes, items=items, shots=shots)
    take = Take(voice=Voice(audio=None, seconds=1.0), reused=False)
    filmed = [Recorded(shots=(shots[i],), takes=(take,)) for i in (0, 1, 3)]
    told = script_of(script, filmed)
    assert [shot.narration for shot in told.shots] == [lines[i] for i in (0, 1, 3)]
    assert [scene.description for scene in told.scenes] == ["a hill", "a house"]
    assert [shot.scene for shot in told.shots] == [0, 1, 0]
    assert [shot.camera for shot in told.shots] == ["push_in", "pull_out", "push_in"]
    assert [item.name for item in told.items] == ["Lamp"]
    assert "from shot 2 to shot 3" in told.items[0].significance
