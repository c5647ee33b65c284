"""Every figure in three engines: pressed on its button, it finishes and draws its own run."""

from collections.abc import Iterable, Sequence

import pytest

from app.experiments import EXPERIMENTS
from tests.browsers.article import Article
from tests.browsers.browser import wait_for

pytestmark = pytest.mark.browsers


def test_the_page_comes_to_life_each_time_that_it_is_opened(article: Article) -> None:
    for _ in range(5):
        article.open()
        wait_for(
            article.browser,
            "() => document.readyState === 'complete' && 'started' in "
            "document.documentElement.dataset",
            what="the scripts have started",
        )
        assert article.do("() => document.querySelector('.scrubber').checkVisibility()")
        assert not article.do(
            "() => document.querySelector('.plot[data-live] > svg')?.checkVisibility()"
        )


@pytest.mark.parametrize("slug", EXPERIMENTS)
def test_a_figure_is_pressed_finishes_and_draws_that_run_in_all_its_charts(
    article: Article, slug: str
) -> None:
    experiment = EXPERIMENTS[slug]
    article.see_all(slug)
    recorded, recorded_drawings = article.curves(slug), article.drawings(slug)
    article.train(slug, steps=10, seed=1)  # of which no training diverges so early
    article.expect_state(slug, "finished")
    article.see_all(slug)
    measured, drawn = article.measured(slug), article.curves(slug)
    assert drawn.keys() >= recorded.keys()
    labels = {arm.label: arm.id for arm in experiment.arms}
    profiles = {profile.metric.id for profile in experiment.profiles}
    for metric, lines in drawn.items():
        ours = {labels[label]: line for label, line in lines.items() if label in labels}
        assert ours, f"{metric} draws no arm"
        for arm, line in ours.items():
            places: Iterable[Sequence[float | None]] = line  # null where nothing finite was found
            points = [list(place) for place in places if place[1] is not None]
            if metric in profiles:
                assert points
                assert line != recorded.get(metric, {}).get(arm)
            else:
                assert points == [pytest.approx(p) for p in measured[metric, arm]], metric
    for metric, share in article.ink(slug).items():
        assert share > 0.002, f"{metric} is blank"
    drawings = article.drawings(slug)
    assert len(drawings) == len(recorded_drawings)
    for (arm, now), (_, before) in zip(drawings, recorded_drawings, strict=True):
        assert now != before, f"{arm} is still the recorded run's"
    for width in (390, 1280):
        article.browser.resize(width, 900)
        article.do(
            "(slug) => document.querySelector(`[data-figure='${slug}'] .charts`)"
            ".scrollIntoView({behavior: 'instant'})",
            slug,
        )
        article.curves(slug)  # drawn in that width
        article.keep_picture(f"{slug}-{width}")


def test_a_run_outlives_a_reload_and_is_stopped_by_its_button(article: Article) -> None:
    article.train("learning-rates", steps=400, seed=2)
    article.expect_state("learning-rates", "running")
    article.browser.reload()
    article.expect_state("learning-rates", "running")
    points = """(least) => Math.max(0, ...(window.Chart && Chart.getChart(
      document.querySelector("[data-figure=learning-rates] canvas"))?.data.datasets
      .map(({data}) => data.length) || [])) >= least"""
    article.see_all("learning-rates")
    wait_for(article.browser, points, 3, what="the run goes on after the reload")
    article.do(
        """() => [...document.querySelectorAll("[data-figure=learning-rates] button")]
          .find((button) => button.textContent.trim().startsWith("Stop"))
          .setAttribute("data-test-stop", "")"""
    )
    article.click("[data-test-stop]")
    article.expect_state("learning-rates", "stopped")


def test_back_and_forward_lead_to_the_run_as_it_was_drawn(article: Article) -> None:
    article.train("learning-rates", steps=20, seed=3)
    article.expect_state("learning-rates", "finished")
    article.see_all("learning-rates")
    drawn = article.curves("learning-rates")
    article.browser.goto(f"{article.url}/comments")
    article.browser.back()
    for _ in range(2):
        article.expect_state("learning-rates", "finished")
        article.see_all("learning-rates")
        wait_for(
            article.browser,
            "(label) => Chart.getChart(document.querySelector("
            "'[data-figure=learning-rates] canvas')).data.datasets.every("
            "({data}) => data.length === 11)",
            what="the run is drawn again",
        )
        assert article.curves("learning-rates") == drawn
        article.browser.forward()
        wait_for(
            article.browser,
            "() => location.pathname === '/comments'",
            what="the next page is shown",
        )
        article.browser.back()
