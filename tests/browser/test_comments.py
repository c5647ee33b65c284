"""The comments as a reader meets them; each test has a store of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from app.comments import Comments, parse
from app.store import Store
from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.support.processes import Server, serving
from tests.support.toy_server import running_fake_server
from tests.test_store import make_read_only

pytestmark = pytest.mark.browser


@dataclass
class Section:
    """The section under the article."""

    page: Page

    @property
    def element(self) -> Locator:
        return self.page.locator("[data-comments]")

    @property
    def texts(self) -> Locator:
        return self.element.locator(".comment-text")

    def approach(self) -> None:
        """Scrolls there, as a reader who came to the end."""
        self.element.scroll_into_view_if_needed()
        self.element.get_by_role("button").wait_for()

    def fill(self, text: str, name: str = "Ann") -> None:
        self.element.get_by_label("Name").fill(name)
        self.element.get_by_label("Comment").fill(text)

    def post(self, text: str, name: str = "Ann") -> None:
        """Fills the form in and sends it."""
        self.fill(text, name)
        self.element.get_by_role("button").click()


@pytest.fixture(scope="module")
def commented(
    server_defaults: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Path]]:
    """One server for all tests here, and its store, which it opens anew for each request."""
    folder = tmp_path_factory.mktemp("comments")
    path = folder / "store.db"
    with serving(folder / "log", {**server_defaults, "store": path, "workers": 1}) as running:
        yield running, path


@pytest.fixture
def path(commented: tuple[Server, Path]) -> Path:
    """The path of its store, which has no comment yet."""
    for file in commented[1].parent.glob("store.db*"):
        file.unlink()
    return commented[1]


@pytest.fixture
def url(commented: tuple[Server, Path], path: Path) -> str:
    return commented[0].url


@pytest.fixture
def reader(new_reader: NewReader, url: str) -> Reader:
    return new_reader(url)


@pytest.fixture
def section(reader: Reader) -> Section:
    return Section(reader.page)


def test_the_comments_are_loaded_when_the_reader_comes_near_and_once(section: Section) -> None:
    asked: list[str] = []
    section.page.on("request", lambda request: asked.append(request.url))
    section.page.reload()
    section.page.locator("[data-figure][data-state]").first.wait_for(state="attached")
    comments = [url for url in asked if url.endswith("/comments")]
    assert comments == []
    section.approach()
    section.page.get_by_role("heading", level=1).scroll_into_view_if_needed()
    section.approach()
    assert len([url for url in asked if url.endswith("/comments")]) == 1
    expect(section.element).to_contain_text("No comments yet")


def test_a_comment_is_posted_with_the_keyboard_alone(section: Section) -> None:
    section.approach()
    keyboard = section.page.keyboard
    section.element.get_by_label("Name").focus()
    keyboard.type("Ann")
    keyboard.press("Tab")
    keyboard.type("First line")
    keyboard.press("Enter")
    keyboard.type("second line")
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(section.texts).to_have_text(["First line\nsecond line"], use_inner_text=True)
    new = section.element.locator("#comment-1")
    expect(new).to_be_focused()
    expect(section.element).to_contain_text("Your comment is below.")
    expect(section.element.get_by_label("Name")).to_have_value("Ann")
    expect(section.element.get_by_label("Comment")).to_have_value("")


def test_markup_and_scripts_are_shown_as_text_and_do_nothing(
    section: Section, new_reader: NewReader
) -> None:
    hostile = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
    again = "<b hx-get='/comments' hx-trigger='load'>b</b> {{ 7 * 7 }} \\(x\\)"
    section.approach()
    section.post(hostile, name="<i>Ann</i>")
    section.texts.wait_for()  # with it comes a fresh form
    section.post(again)
    expect(section.texts).to_have_text([again, hostile])
    expect(section.element.locator("bdi").last).to_have_text("<i>Ann</i>")
    other = Section(new_reader(section.page.url).page)
    for shown in (section, other):
        shown.approach()
        expect(shown.texts).to_have_count(2)
        expect(shown.element.locator("script, img, i, [hx-get]")).to_have_count(0)
        assert shown.page.evaluate("window.hit") is None


def test_ten_thousand_characters_are_refused_with_the_bound_and_can_be_shortened(
    reader: Reader, section: Section
) -> None:
    section.approach()
    section.fill("t" * 10_000)
    expect(section.element.locator("[data-count]")).to_have_text("So far 10,000.")
    expect(section.element.locator("[data-count]")).to_have_attribute("data-over", "")
    section.element.get_by_role("button").click()
    expect(section.element.get_by_role("alert")).to_have_text(
        "Comment: should have 1 to 2,000 characters."
    )
    field = section.element.get_by_label("Comment")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("t" * 10_000)
    assert [error for error in reader.errors if "422" not in error] == []
    reader.errors.clear()
    section.post("🙂" * 2_000)
    expect(section.texts).to_have_text(["🙂" * 2_000])


def test_a_double_click_posts_once(section: Section) -> None:
    section.approach()
    section.fill("Once.")
    section.element.get_by_role("button").dblclick()
    expect(section.texts).to_have_text(["Once."])
    section.page.reload()
    section.approach()
    expect(section.texts).to_have_text(["Once."])


def test_a_reader_who_wrote_enough_reads_when_to_come_back(
    reader: Reader, section: Section
) -> None:
    section.approach()
    for number in range(3):
        section.post(str(number))
        expect(section.texts).to_have_count(number + 1)
    section.post("One more.")
    expect(section.element.get_by_role("alert")).to_have_text(
        "You have written 3 comments within 10 minutes, which is the limit. "
        "Try again in 10 minutes."
    )
    expect(section.element.get_by_label("Comment")).to_have_value("One more.")
    assert [error for error in reader.errors if "429" not in error] == []
    reader.errors.clear()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_long_word_and_a_tower_of_accents_stay_in_their_place(
    new_reader: NewReader, url: str, path: Path, width: int
) -> None:
    comments = Comments(Store(path))
    for text in ("w" * 2_000, "a" + "\u0316\u0300" * 900, "line\n\n" * 300):
        comments.add(parse({"name": "n" * 60, "text": text}), text)
    section = Section(new_reader(url, width=width).page)
    section.approach()
    expect(section.texts).to_have_count(3)
    assert section.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.fixture
def without_comments(tmp_path: Path) -> Iterator[str]:
    """The address of a server that has none."""
    with running_fake_server(tmp_path, comments=False) as server:
        yield server.url


# A server is named before its readers: it outlives them.
def test_switched_off_there_is_no_such_section(
    without_comments: str, new_reader: NewReader
) -> None:
    page = new_reader(without_comments).page
    expect(page.locator("section#references")).to_have_count(1)
    expect(page.locator("section#comments")).to_have_count(0)


def test_a_corrupt_store_is_said_and_the_article_is_there(
    new_reader: NewReader, url: str, path: Path
) -> None:
    path.write_bytes(b"no database at all " * 300)
    reader = new_reader(url)
    reader.wait_for_points(51)
    section = Section(reader.page)
    section.element.scroll_into_view_if_needed()
    expect(section.element.get_by_role("alert")).to_have_text(
        "Comments can't be read or kept just now. The rest of the page works."
    )
    assert [error for error in reader.errors if "503" not in error] == []
    reader.errors.clear()


def test_in_a_read_only_store_comments_are_read_and_a_new_one_is_not_lost(
    reader: Reader, section: Section, path: Path
) -> None:
    section.approach()
    section.post("Before.")
    expect(section.texts).to_have_text(["Before."])
    make_read_only(path)
    section.page.reload()
    section.approach()
    expect(section.texts).to_have_text(["Before."])
    section.post("After.")
    expect(section.element.get_by_role("alert")).to_contain_text("can't be read or kept just now")
    expect(section.element.get_by_label("Comment")).to_have_value("After.")
    assert [error for error in reader.errors if "503" not in error] == []
    reader.errors.clear()


def test_without_scripts_a_link_leads_to_the_comments_and_their_form(
    new_reader: NewReader, url: str
) -> None:
    page = new_reader(url, java_script_enabled=False).page
    page.get_by_role("link", name="Read the comments").click()
    section = Section(page)
    section.post("No scripts.")
    expect(section.texts).to_have_text(["No scripts."])
    assert page.url == f"{url}/comments#comment-1"
    page.get_by_role("link", name="Why Does Batch Normalization Work?").click()
    assert page.url == f"{url}/"


def test_the_page_of_the_comments_works_with_scripts_too(section: Section) -> None:
    section.page.goto(f"{section.page.url}comments")
    section.post("Here.")
    expect(section.element.locator("#comment-1")).to_be_focused()
    expect(section.page.locator("h1")).to_have_count(1)


def test_a_field_that_the_reader_made_taller_does_not_offend_the_content_policy(
    section: Section,
) -> None:
    """The browser writes the new height into `style`, and extensions write there, too: htmx must
    not copy that to the next form. The page is watched for what the policy refuses.
    """
    section.approach()
    field = section.element.get_by_label("Comment")
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    assert box
    mouse = section.page.mouse
    mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] - 4)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] + 60)
    mouse.up()
    assert "height" in str(field.get_attribute("style"))
    section.element.get_by_label("Name").evaluate("(name) => (name.style.color = 'red')")
    section.post("Taller.")
    expect(section.texts).to_have_text(["Taller."])
    expect(section.element.locator("[style]")).to_have_count(0)
