"""On a phone, whatever can be pressed is large enough for a finger (WCAG 2.2, 2.5.8)."""

import pytest

from tests.browser.conftest import NewReader
from tests.browser.staged import ENDS

pytestmark = pytest.mark.browser

LEAST, COMFORTABLE = 24, 40
# Pressed again and again: the buttons and disclosures of a figure, its links and sliders.
MAIN = (
    "[data-main], [data-play], [data-scrub], [data-save], [data-lead], .panel summary, "
    ".chart-data > summary, .more-charts > summary, .take-away a, .take-away button, "
    ".slider input, .console button"
)
# What is seen and enabled: its name, the lesser of its width and its height, whether it is a main
# one. A label is pressed for its box; of a point of the cloud its wide border counts, too. A link
# or a name within a sentence is as high as its line may be, which the criterion excepts.
TARGETS = """(main) => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  const pressed = "a[href], button, input, select, textarea, summary, [role=button]";
  const besides = (element) => [...element.parentElement.childNodes]
    .some((node) => node !== element && node.nodeType === Node.TEXT_NODE && node.data.trim());
  const inline = (element) => getComputedStyle(element).display === "inline" &&
    (besides(element) || besides(element.parentElement));
  return [...document.querySelectorAll(pressed)]
    .filter((one) => !one.disabled && one.checkVisibility({visibilityProperty: true}))
    .filter((one) => !inline(one))
    .map((one) => {
      const label = /checkbox|radio/.test(one.type) ? one.labels[0] : one;
      const {width, height} = label.getBoundingClientRect();
      const border = one instanceof SVGElement ? parseFloat(getComputedStyle(one).strokeWidth) : 0;
      const name = `${one.outerHTML.slice(0, 100)} in ${one.parentElement.className}`;
      return [name, Math.min(width, height) + border, one.matches(main)];
    });
}"""


def test_on_a_phone_every_target_is_large_enough_before_and_after_a_run(
    new_reader: NewReader, staged: str
) -> None:
    reader = new_reader(staged, width=390)
    reader.wait_for_points(2)
    _expect_large_targets(reader.page.evaluate(TARGETS, MAIN))
    reader.train(seed=ENDS)
    reader.expect_state("finished")
    after = reader.page.evaluate(TARGETS, MAIN)
    assert [name for name, *_ in after if "Permalink" in name or "/runs/" in name]
    _expect_large_targets(after)


def _expect_large_targets(found: list[tuple[str, float, bool]]) -> None:
    assert len(found) > 300
    small = [(name, size) for name, size, main in found if size < (COMFORTABLE if main else LEAST)]
    assert not small, sorted(set(small), key=lambda each: each[1])[:12]
