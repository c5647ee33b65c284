import httpx
import pytest

from app.article.figure_links import MAX_QUERY_LENGTH, parse_figure_link
from app.experiments import EXPERIMENTS
from tests.support.markup import Elements


def filled_in(page: str, slug: str) -> dict[str, str | None]:
    """The settings of a figure's form: name → value; of a choice, what is selected."""
    values, choice = {}, ""
    for name, attributes in Elements(page).found:
        identity = str(attributes.get("id", ""))
        if "name" in attributes:
            choice = str(attributes["name"]) if identity.startswith(f"{slug}-") else ""
            if choice:
                values[choice] = attributes.get("value")
        elif name == "option" and "selected" in attributes and choice:
            values[choice] = attributes["value"]
    return values


def test_a_link_fills_a_figure_in_says_so_and_trains_nothing(reader: httpx.Client) -> None:
    page = reader.get("/?figure=learning-rates&gamma0=1&seed=7&placement=before_relu").text
    (panel,) = Elements(page).with_attribute("data-asked")
    assert panel["data-run-state"] == "recorded"
    assert "data-run" not in panel
    values = filled_in(page, "learning-rates")
    assert (values["seed"], values["gamma0"], values["placement"]) == ("7", "1.0", "before_relu")
    assert (
        "The link you followed has set seed to 7, gamma0 to 1 and placement to before relu. "
        "Train makes this run."
    ) in page
    assert "learning-rates --seed 7 --set gamma0=1.0 --set placement=before_relu</code>" in page
    settings = [
        a for n, a in Elements(page).found if n == "details" and a.get("class") == "settings"
    ]
    assert [slug for slug, each in zip(EXPERIMENTS, settings, strict=True) if "open" in each] == [
        "learning-rates"
    ]


@pytest.mark.parametrize("slug", list(EXPERIMENTS))
def test_every_setting_of_every_figure_can_be_set_by_a_link(
    slug: str, reader: httpx.Client
) -> None:
    experiment = EXPERIMENTS[slug]
    ends: dict[str, str | float | None] = {
        p.name: p.choices[-1] if p.choices else p.min for p in experiment.parameters
    }
    query = {"figure": slug, "seed": 0, "seeds": 1, **ends}
    assert len(str(httpx.QueryParams(query))) < MAX_QUERY_LENGTH / 2
    values = filled_in(reader.get("/", params=query).text, slug)
    request = experiment.parse({"seed": 0, **ends}, text=True)
    assert values == {name: str(value) for name, value in request.model_dump().items()}


def test_without_a_seed_the_field_stays_empty(reader: httpx.Client) -> None:
    page = reader.get("/?figure=smoothness&depth=2").text
    values = filled_in(page, "smoothness")
    assert (values["seed"], values["depth"]) == (None, "2")
    assert "has set depth to 2. Train makes such a run, each time with a new seed." in page


def test_a_bad_value_is_named_with_its_bound_and_the_good_ones_stay(reader: httpx.Client) -> None:
    page = reader.get("/?figure=learning-rates&gamma0=9&seed=7&colour=%3Cb%3E&steps=").text
    values = filled_in(page, "learning-rates")
    assert (values["seed"], values["gamma0"], values["steps"]) == ("7", "0.1", "100")
    assert "In the link you followed, gamma0 should be a number from 0.01 to 2" in page
    assert "colour is not a parameter of this experiment" in page
    assert "has set seed to 7. Train makes this run." in page
    assert "<b>" not in page


def test_more_work_than_a_run_may_be_is_named_behind_the_rest() -> None:
    link = parse_figure_link(
        {"figure": "covariate-shift", "steps": "400", "seeds": "10", "gamma0": "x"}
    )
    assert link is not None
    assert [problem.field for problem in link.problems] == ["gamma0", "seeds"]
    assert link.settings() == {"steps": 400}


@pytest.mark.parametrize(
    "query", ["figure=none&seed=7", "seed=7", "figure=", f"figure=sigmoid&seed=7&{'x' * 1000}"]
)
def test_a_link_to_no_figure_opens_the_article_as_it_is(reader: httpx.Client, query: str) -> None:
    answer = reader.get(f"/?{query}")
    assert answer.status_code == 200
    assert not Elements(answer.text).with_attribute("data-asked")
    assert "The link you followed" not in answer.text


def test_a_link_to_a_figure_alone_fills_nothing_in(reader: httpx.Client) -> None:
    page = reader.get("/?figure=sigmoid").text
    assert len(Elements(page).with_attribute("data-asked")) == 1
    assert "The link you followed" not in page
    assert filled_in(page, "sigmoid")["seed"] is None
