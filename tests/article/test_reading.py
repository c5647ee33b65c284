"""How the prose speaks of figures: what to see, which curve is meant, what a run came to."""

import html
import re
import shutil
from pathlib import Path

import httpx
import jinja2
import pytest

from app.article import renderer
from app.article.reading import find_curve
from app.article.renderer import PageRenderer
from app.errors import UnknownExperiment
from app.events import Done, Event, Started, Verdict
from app.experiments import EXPERIMENTS
from app.measurements import Provenance
from app.reproducibility.recordings import load
from app.resources import TEMPLATES
from app.runs.run import Run
from tests.conftest import Site

SHOWN = "sigmoid"
MOST_WORDS = 60
FAILED = Done("failed", 1.0, code="internal", message="It broke.", reference="r1")


@pytest.fixture(scope="module")
def served() -> PageRenderer:
    return PageRenderer("/static", comments=False)


@pytest.fixture(scope="module")
def article(served: PageRenderer) -> str:
    """With every figure's recorded run."""
    return served.article("me")


def in_words(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


def figure_of(page: str, slug: str) -> str:
    (found,) = re.findall(
        rf'<figure class="figure" id="figure-{slug}".*?</figure>', page, re.DOTALL
    )
    return str(found)


def look_of(page: str, slug: str) -> str:
    """What a figure says between its legend and its charts."""
    head = figure_of(page, slug).partition('<div class="charts">')[0]
    (found,) = re.findall(r'<p class="look-for">(.*?)</p>', head, re.DOTALL)
    return str(found)


def named_in(markup: str) -> list[tuple[str, str]]:
    """The curves that are meant, as (slug, arm)."""
    names = re.findall(r'data-names="([^" ]+) ([^"]+)"', markup)
    return [(slug, html.unescape(arm)) for slug, arm in names]


def saws_in(page: str) -> dict[str, str]:
    """Which run a figure shows and what it came to, in words, by the figure's slug."""
    paragraphs = re.findall(r'<p class="saw">(.*?)</p>', page, re.DOTALL)
    slugs = [re.findall(r'data-(?:shown|verdict)-of="([^"]+)"', each) for each in paragraphs]
    assert all(shown == told for shown, told in slugs)
    return {shown: in_words(each) for (shown, _), each in zip(slugs, paragraphs, strict=True)}


def run_after(*events: Event) -> Run:
    """Of the figure SHOWN, with seed 7."""
    experiment = EXPERIMENTS[SHOWN]
    run = Run(experiment, experiment.parse({"seed": 7}), "me")
    run.provenance = Provenance("cpu", "a processor", {})
    for event in events:
        run.append(event)
    return run


@pytest.mark.parametrize("slug", EXPERIMENTS)
def test_a_figure_says_what_to_see_before_anyone_trains(article: str, slug: str) -> None:
    look = look_of(article, slug)
    assert in_words(look).startswith("What you should see. ")
    assert len(in_words(look).removeprefix("What you should see. ").split()) <= MOST_WORDS
    assert named_in(look)
    assert {of for of, _ in named_in(look)} == {slug}


def test_a_curve_is_named_in_the_section_of_its_figure_with_the_look_of_its_line(
    article: str,
) -> None:
    sections = re.findall(r"<section id=.*?</section>", article, re.DOTALL)
    marks = 0
    for section in sections:
        for slug, arm in named_in(section):
            named = find_curve(slug, arm)
            dashed = " names-dashed" if named.dashed else ""
            look = f'class="names fill-{named.ink}{dashed}" data-names="{slug} {arm}"'
            assert look in section
            assert f'id="figure-{slug}"' in section
            marks += 1
    assert marks > len(EXPERIMENTS)


def test_a_curve_that_no_figure_has_is_refused() -> None:
    with pytest.raises(UnknownExperiment, match="no experiment 'sigmoids'"):
        find_curve("sigmoids", "bn")
    with pytest.raises(ValueError, match="no curve 'cnn' in the figure sigmoid; there are: plain"):
        find_curve("sigmoid", "cnn")


@pytest.mark.parametrize(
    ("call", "error", "named"),
    [
        ('curve("sigmoids", "bn", "it")', UnknownExperiment, "sigmoids"),
        ('curve("sigmoid", "cnn", "it")', ValueError, "cnn"),
        ('saw("sigmoids")', jinja2.UndefinedError, "sigmoids"),
    ],
)
def test_a_wrong_name_in_the_prose_stops_the_start_and_no_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: type[Exception], named: str
) -> None:
    templates = shutil.copytree(TEMPLATES, tmp_path / "templates")
    section = templates / "sections" / "introduction.html"
    section.write_text(section.read_text() + "{{ " + call + " }}")
    monkeypatch.setattr(renderer, "TEMPLATES", templates)
    with pytest.raises(error, match=named):
        PageRenderer("/static", comments=False)


def test_the_prose_quotes_the_recorded_runs(reader: httpx.Client) -> None:
    saws = saws_in(reader.get("/").text)
    assert len(saws) >= len(EXPERIMENTS) / 2
    for slug, words in saws.items():
        recorded = load(slug)
        assert recorded is not None
        assert words.endswith(f"{recorded.receipt['seed']}. {recorded.receipt['verdict']}")
        assert "the recorded run of seed" in words


STARTED = Started("r", SHOWN, 7, 1, ["plain", "bn"], 2_000, "cpu")
FINISHED = (STARTED, Verdict(True, "It was so.", {}), Done("finished", 1.0))


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((), "It is still going on; its verdict will stand here."),
        ((STARTED,), "It is still going on; its verdict will stand here."),
        (FINISHED, "It was so."),
        ((Done("stopped", 1.0),), "It was stopped before its end, so there is no verdict."),
        ((FAILED,), "It failed before its end, so there is no verdict."),
    ],
    ids=["queued", "running", "finished", "stopped", "failed"],
)
def test_the_prose_quotes_the_run_that_the_page_is_opened_at(
    served: PageRenderer, article: str, events: tuple[Event, ...], words: str
) -> None:
    saws = saws_in(served.article("me", opened_run=run_after(*events)))
    assert saws[SHOWN].endswith(f", the run of seed 7. {words}")
    assert saws == saws_in(article) | {SHOWN: saws[SHOWN]}  # the others stay


def test_a_run_that_one_reader_left_goes_on_for_the_others_alone(served: PageRenderer) -> None:
    run = run_after(STARTED)
    run.owners, run.former_owners = ["you"], {"me"}
    assert "was stopped" in saws_in(served.article("me", opened_run=run))[SHOWN]
    assert "still going on" in saws_in(served.article("you", opened_run=run))[SHOWN]


def test_a_verdict_is_led_in_and_stands_by_itself(served: PageRenderer, article: str) -> None:
    recorded = load(SHOWN)
    assert recorded is not None
    lead_ins = {
        f"What it showed. {recorded.receipt['verdict']}": article,
        "What you saw. It was so.": served.article("me", opened_run=run_after(*FINISHED)),
    }
    for words, page in lead_ins.items():
        figure = figure_of(page, SHOWN)
        (outcome,) = re.findall(r'<p class="outcome">(.*?)</p>', figure, re.DOTALL)
        (verdict,) = re.findall(r'class="verdict"[^>]*>(.*?)</span>', outcome, re.DOTALL)
        assert in_words(outcome) == words
        assert words.endswith(f". {in_words(verdict)}")


def test_plain_files_say_the_same_of_their_figures(site: Site, article: str) -> None:
    plain = (site.folder / "index.html").read_text()
    assert saws_in(plain) == saws_in(article)
    assert named_in(plain) == named_in(article)
    for slug in EXPERIMENTS:
        assert look_of(plain, slug) == look_of(article, slug)
