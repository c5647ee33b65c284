import httpx
import pytest

from app.article.lessons import ADVICE, LESSONS, Lesson
from tests.support.markup import Elements


def test_the_teaching_page_has_every_lesson_without_any_script(reader: httpx.Client) -> None:
    answer = reader.get("/teaching")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for lesson in LESSONS:
        assert lesson.title in answer.text
    for advice in ADVICE:
        assert f"<h2>{advice.heading}</h2>" in answer.text
    assert "<code>python -m app verify receipt.json</code>" in answer.text
    assert "`" not in answer.text
    links = [link["href"] for link in Elements(answer.text).with_attribute("href")]
    assert [link for link in links if str(link).startswith("./?")] == [
        f".{it.figure_link}" for it in LESSONS
    ]
    assert Elements(reader.get("/").text).with_attribute("href").count({"href": "./teaching"}) == 1


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.title)
def test_a_lessons_link_opens_its_figure_with_its_settings(
    reader: httpx.Client, lesson: Lesson
) -> None:
    page = reader.get(lesson.figure_link).text
    figure, _, rest = page.partition("data-asked")
    assert figure.rpartition('data-figure="')[2].startswith(f'{lesson.slug}"')
    said = rest.partition('<p class="verdict">')[2].partition("</p>")[0]
    assert said.startswith("The link you followed has set ")
    for name in lesson.settings:
        assert f"{name} to " in said
