"""`make lighthouse`: what Lighthouse says of the page, for a phone and a desktop. Needs npm.

Each figure is the median of its runs, with the least and the greatest where they differ.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from app.reproducibility.claims_table import replace_block
from bench.clicks import warm_server
from bench.figures import machine
from bench.rows import line
from tests.browser.chromium import whole_browser

# The newest that runs on Node 20; 13 wants Node 22.
VERSION = "12.8.2"
MARK = "lighthouse"
CATEGORIES = {
    "performance": "performance",
    "accessibility": "accessibility",
    "best-practices": "best practices",
    "seo": "SEO",
}
DEVICES: Mapping[str, Sequence[str]] = {"mobile": (), "desktop": ("--preset=desktop",)}
PATIENCE_S = 300

Report: TypeAlias = dict[str, Any]  # Lighthouse's own


def main() -> None:
    """Prints the table, and what lost points; `--into FILE` puts it between its marks there."""
    parser = argparse.ArgumentParser(prog="python -m bench.lighthouse", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=3, metavar="N")
    parser.add_argument("--into", type=Path, metavar="FILE")
    options = parser.parse_args()
    if shutil.which("npx") is None:
        sys.exit("Lighthouse comes by npm, and there is no npx here.")
    with warm_server() as server:
        reports = {
            device: [report(server.url, flags) for _ in range(options.runs)]
            for device, flags in DEVICES.items()
        }
    text = "\n".join(table(reports))
    print(text)
    for device, of_device in reports.items():
        for complaint in complaints(of_device[-1]):
            print(f"{device}: {complaint}", file=sys.stderr)
    if options.into:
        replace_block(options.into, text, MARK)


def report(url: str, flags: Sequence[str]) -> Report:
    """One run of Lighthouse, as it tells it."""
    chrome = "--chrome-flags=--headless=new --no-sandbox --disable-background-networking"
    command = ["npx", "--yes", f"lighthouse@{VERSION}", url, "--quiet", "--output=json", chrome]
    found = whole_browser()
    environment = {**os.environ, **({"CHROME_PATH": found} if found else {})}
    done = subprocess.run(
        [*command, *flags],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"Lighthouse failed: {done.stderr.strip()[-300:]}")
    said: Report = json.loads(done.stdout)
    return said


def table(reports: Mapping[str, Sequence[Report]]) -> Iterator[str]:
    """In Markdown, a line for each device."""
    runs = len(next(iter(reports.values())))
    yield f"Lighthouse {VERSION}, median of {runs} runs [least–greatest]; {machine()}."
    yield ""
    yield line(["", *CATEGORIES.values()])
    yield line(["---", *("---:" for _ in CATEGORIES)])
    for device, of_device in reports.items():
        yield line([device, *(figure(of_device, name) for name in CATEGORIES)])


def figure(reports: Sequence[Report], category: str) -> str:
    """The category's score out of 100 over the runs."""
    scores = [round(100 * each["categories"][category]["score"]) for each in reports]
    low, high = min(scores), max(scores)
    return f"{median(scores):g}" + (f" [{low}–{high}]" if low < high else "")


def complaints(report: Report) -> Iterator[str]:
    """What lost points, worst first."""
    audits = report["audits"]
    for category in report["categories"].values():
        for asked in category["auditRefs"]:
            audit = audits[asked["id"]]
            if asked["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                shown = audit.get("displayValue", "")
                yield f"{category['title']}: {audit['title']} {shown}".strip()


if __name__ == "__main__":
    main()
