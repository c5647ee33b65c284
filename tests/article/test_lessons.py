import pytest

from app.article.lessons import LESSONS, Lesson, markdown
from app.errors import UnknownExperiment
from app.experiments import EXPERIMENTS
from tests.support.processes import ROOT

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.title)


def test_the_file_in_docs_is_up_to_date() -> None:
    assert (ROOT / "docs" / "teaching.md").read_text() == markdown(), (
        "python -m app.article.lessons > docs/teaching.md"
    )


@each_lesson
def test_a_lesson_can_be_trained_and_was_over_several_seeds(lesson: Lesson) -> None:
    asked = lesson.experiment.parse(lesson.settings)
    checked = lesson.verified_request
    assert {name: getattr(asked, name) for name in lesson.settings} == lesson.settings
    assert checked.parameters() == asked.parameters()
    assert checked.seeds >= 10
    if "seed" in lesson.settings:  # what the class sees is one of the runs that were checked
        assert checked.seed <= asked.seed < checked.seed + checked.seeds
    assert f"n = {checked.seeds}: `python -m app train {lesson.slug} --seed" in lesson.evidence


def test_lessons_are_several_of_several_figures() -> None:
    assert 8 <= len(LESSONS) <= 12
    assert len({lesson.slug for lesson in LESSONS}) >= 6
    assert {lesson.slug for lesson in LESSONS} <= set(EXPERIMENTS)
    assert len({lesson.title for lesson in LESSONS}) == len({it.figure_link for it in LESSONS})


def test_a_lesson_of_no_figure_is_found_out() -> None:
    lesson = Lesson("no-such-figure", "", 1, "", "", "")
    with pytest.raises(UnknownExperiment):
        _ = lesson.experiment
