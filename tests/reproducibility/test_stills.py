"""The pictures that stand still show what was recorded: numbers are read back out of the files."""

import math
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from statistics import fmean, pstdev
from xml.etree import ElementTree as ET

import pytest

from app.events import Row
from app.experiments import EXPERIMENTS
from app.experiments.definition import Arm, Experiment, Metric, Profile
from app.reproducibility import recordings, stills
from app.reproducibility.recordings import Recording
from app.reproducibility.stills import FOLDER, Still, Stills

SVG = "{http://www.w3.org/2000/svg}"
KEPT = stills.load()
# A curve may be drawn so many pixels beside its value.
PIXELS = 0.05
# How far a logarithmic axis may grow beyond what it shows at least.
ROOM = 10
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
WIDGETS = {"widget-batch": 3, "widget-bowl": 2, "widget-train-or-test": 3, "drawing-lipschitz": 2}

Points = list[tuple[float, float | None]]


def recording_of(experiment: Experiment) -> Recording:
    recording = recordings.load(experiment.slug)
    assert recording is not None
    return recording


def read(still: Still | None) -> ET.Element:
    assert still is not None
    return ET.parse(FOLDER / still.file).getroot()


def number(text: str) -> float:
    """What a tick or a readout says: 20%, 5,000, −0.5 or 2·10⁶."""
    text = text.replace("−", "-").replace(",", "")
    if text.endswith("%"):
        return float(text[:-1]) / 100
    power = re.fullmatch("(?:(.*)·)?10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", text)
    if power:
        return float(power[1] or 1) * 10.0 ** int(power[2].translate(SUPERSCRIPTS))
    return float(text)


class Axes:
    """Where values lie in a picture, by its ticks alone."""

    def __init__(self, svg: ET.Element, metric: Metric, profile: Profile | None) -> None:
        lines = [float(line.attrib["y1"]) for line in svg.findall(f"{SVG}line")][:-1]
        texts = svg.findall(f"{SVG}text")
        rows = [number(text.text or "") for text in texts if text.get("text-anchor") == "end"]
        named = {text: at for at, text in profile.ticks} if profile else {}
        columns = [
            (named[label] if label in named else number(label), float(text.attrib["x"]))
            for text in texts[:-1]
            if text.get("text-anchor") == "middle" and (label := text.text or "")
        ]
        self._log = metric.log
        self._y = self._line(*zip(map(self._scaled, rows), lines, strict=True))
        self._x = self._line(*columns)

    def _scaled(self, value: float) -> float:
        return math.log(value) if self._log else value

    @staticmethod
    def _line(*ticks: tuple[float, float]) -> tuple[float, float]:
        """Slope and intercept through the outermost ticks; all others lie on it."""
        (a, first), (b, last) = ticks[0], ticks[-1]
        slope = (last - first) / (b - a)
        for value, place in ticks:
            assert place == pytest.approx(first + slope * (value - a), abs=0.02)
        return slope, first - slope * a

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self._x[0] * x + self._x[1], self._y[0] * self._scaled(y) + self._y[1]


def drawn(svg: ET.Element, label: str) -> list[tuple[float, float]]:
    """The corners of a line, its parts one after the other."""
    return [
        (float(x), float(y))
        for line in svg.iter(f"{SVG}polyline")
        if line.attrib["data-line"] == label
        for x, y in (pair.split(",") for pair in line.attrib["points"].split())
    ]


def of_points(recording: Recording, arm: Arm, metric: str) -> Points:
    line: dict[float, float | None] = {}
    for part in recording.points:
        if part.arm == arm.id and metric in part.values:
            line |= dict(zip(part.step, part.values[metric], strict=True))
    return sorted(line.items())


def of_rows(recording: Recording, arm: Arm, metric: str) -> Points:
    rows = [row for row in recording.rows if row.arm == arm.id and row.metric == metric]
    return list(zip(rows[-1].positions(), rows[-1].values, strict=True)) if rows else []


def finite(line: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in line if y is not None and math.isfinite(y)]


def lone(line: Points) -> set[float]:
    """Places of values between two gaps: nothing is drawn of a line with a single point."""
    parts = [
        list(part) for known, part in groupby(line, key=lambda at: finite([at]) != []) if known
    ]
    return {part[0][0] for part in parts if len(part) == 1}


CHARTS = [
    (experiment, metric, None)
    for experiment in EXPERIMENTS.values()
    for metric in experiment.metrics
]
CHARTS += [(e, profile.metric, profile) for e in EXPERIMENTS.values() for profile in e.profiles]  # type: ignore[misc]
SHOWN = [chart for chart in CHARTS if KEPT.find(chart[0].slug, chart[1].id)]


@pytest.mark.parametrize(
    ("experiment", "metric", "profile"), SHOWN, ids=[f"{e.slug}-{m.id}" for e, m, _ in SHOWN]
)
def test_a_chart_has_every_recorded_value_where_its_axes_say(
    experiment: Experiment, metric: Metric, profile: Profile | None
) -> None:
    still = KEPT.find(experiment.slug, metric.id)
    assert still is not None
    svg, recording = read(still), recording_of(experiment)
    axes = Axes(svg, metric, profile)
    compared = 0
    for arm in experiment.arms:
        names = {metric.id: arm.label}
        if metric.upper:
            names[metric.upper] = f"{arm.label}, upper edge"
        for name, label in names.items():
            line = (of_rows if profile else of_points)(recording, arm, name)
            skipped = lone(line)
            places = drawn(svg, label)
            expected = [(x, y) for x, y in finite(line) if x not in skipped]
            assert len(places) == len(expected), label
            for place, (x, y) in zip(places, expected, strict=True):
                value = min(max(y, metric.low / ROOM), metric.high * ROOM) if metric.log else y
                assert place == pytest.approx(axes.at(x, value), abs=PIXELS), (label, x)
            compared += len(places)
            if expected and name == metric.id and not metric.upper:
                assert number(still.values[arm.id]) == pytest.approx(
                    finite(line)[-1][1], rel=0.006, abs=6e-4
                )
    assert compared > 1


def test_every_figure_and_widget_has_its_pictures_and_no_file_is_left_over() -> None:
    files = {still.file for pictures in KEPT.pictures.values() for still in pictures.values()}
    assert files == {path.name for path in FOLDER.glob("*.svg")}
    assert {slug: len(list(KEPT.for_widget(slug))) for slug in WIDGETS} == WIDGETS
    assert set(KEPT.pictures) == set(EXPERIMENTS) | set(WIDGETS)
    for pictures in KEPT.pictures.values():
        for still in pictures.values():
            assert len(still.alt) > 30
            assert read(still).attrib["aria-label"] == still.alt


def test_no_picture_needs_the_page_it_was_drawn_on() -> None:
    for path in FOLDER.glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"var\(|style=|href=|rgb\(|oklab|NaN|undefined|Infinity", text), path
        assert "#dark:target" in text, path


def histograms() -> Iterator[tuple[Experiment, Arm, list[Row]]]:
    for experiment in EXPERIMENTS.values():
        rows = recording_of(experiment).rows
        for arm in experiment.arms:
            own = [row for row in rows if row.metric == "inputs" and row.arm == arm.id]
            if own:
                yield experiment, arm, own


def test_a_histogram_has_the_shares_that_were_recorded() -> None:
    compared = 0
    for experiment, arm, rows in histograms():
        svg = read(KEPT.find(experiment.slug, f"inputs {arm.id}"))
        paths = [path.attrib["d"] for path in svg.iter(f"{SVG}path") if "M0 0V" in path.attrib["d"]]
        for path, row in zip(paths, (rows[-1], rows[0]), strict=True):
            heights = [float(height) for height in re.findall(r"V([\d.]+)H", path)]
            shares = [min(100 * count / sum(row.values), 40) for count in row.values]
            assert heights == pytest.approx(shares, rel=0.006), (experiment.slug, arm.id)
            compared += 1
    assert compared >= 8


def test_the_scale_of_the_surfaces_spans_the_losses_that_were_recorded() -> None:
    recording = recording_of(EXPERIMENTS["loss-surface"])
    losses = [value for row in recording.rows if row.metric == "surface" for value in row.values]
    texts = [
        number(text.text or "")
        for text in read(KEPT.find("loss-surface", "surface scale")).iter(f"{SVG}text")
    ]
    assert texts == sorted(texts)
    assert texts[0] <= min(losses) < texts[1]
    assert texts[-2] < max(losses) <= texts[-1]
    for arm in EXPERIMENTS["loss-surface"].arms:
        contours = [
            path
            for path in read(KEPT.find("loss-surface", f"surface {arm.id}")).iter(f"{SVG}path")
            if path.attrib["d"].count("L") > 4
        ]
        assert len(contours) > 4


def test_the_stages_of_the_batch_end_at_mean_zero_and_variance_one() -> None:
    stages = []
    for still in KEPT.for_widget("widget-batch"):
        circles = [
            (float(circle.attrib["cx"]), float(circle.attrib["cy"]))
            for circle in read(still).iter(f"{SVG}circle")
            if circle.attrib["fill"] != "none"
        ]
        stages.append([list(values) for values in zip(*circles, strict=True)])
    for before, middle, after in zip(*stages, strict=True):
        assert len(before) == 100
        assert fmean(before) > 3 * pstdev(before) or fmean(before) > 2
        assert fmean(middle) == pytest.approx(0, abs=0.001)
        assert pstdev(middle) == pytest.approx(pstdev(before), abs=0.001)
        assert fmean(after) == pytest.approx(0, abs=0.001)
        assert pstdev(after) == pytest.approx(1, abs=0.001)


def picture(file: str, **more: object) -> Still:
    return Still(file=file, width=1, height=1, alt="a", **more)  # type: ignore[arg-type]


def test_newer_pictures_take_the_place_of_all_of_their_figure(tmp_path: Path) -> None:
    stills.save(
        Stills({"a": {"x": picture("a-x.svg"), "y": picture("a-y.svg")}}),
        {"a-x.svg": "1", "a-y.svg": "2"},
        tmp_path,
    )
    stills.save(
        Stills({"b": {"x": picture("b-x.svg", values={"cnn": "3"})}}), {"b-x.svg": "3"}, tmp_path
    )
    stills.save(Stills({"a": {"x": picture("a-x.svg")}}), {"a-x.svg": "4"}, tmp_path)
    kept = stills.load(tmp_path)
    assert kept.find("a", "y") is None
    assert kept.find("b", "x") == picture("b-x.svg", values={"cnn": "3"})
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == ["a-x.svg", "b-x.svg"]
    assert (tmp_path / "a-x.svg").read_text() == "4"


def test_a_folder_without_an_index_has_no_pictures(tmp_path: Path) -> None:
    assert stills.load(tmp_path / "none").find("learning-rates", "test_loss") is None
    assert list(stills.load(tmp_path).for_widget("widget-batch")) == []
