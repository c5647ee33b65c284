"""`make bench`: one table, on stdout and in bench/results.md. Ratios, because absolute times differ
between machines; the two sides of each are measured in turn.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench import browser, growth, serving, training
from bench.figures import machine
from bench.rows import HEAD, Row, cells, line

RESULTS = Path(__file__).with_name("results.md")
MEASUREMENTS: Mapping[str, Callable[[int], Iterator[Row]]] = {
    "training": training.rows,
    "serving": serving.rows,
    "browser": browser.rows,
    "growth": growth.rows,
}


def main() -> None:
    """Prints each row as it is known; the file is written when all are."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("--pairs", type=int, default=5, metavar="N")
    parser.add_argument("--only", choices=MEASUREMENTS, help="print these, write no file")
    options = parser.parse_args()
    chosen = [options.only] if options.only else list(MEASUREMENTS)
    lines = [f"*{machine()}. `python -m bench --pairs {options.pairs}`.*", ""]
    lines += [line(HEAD), line(["---", *("---:" for _ in HEAD[1:-1]), "---"])]
    print(*lines, sep="\n")
    for name in chosen:
        for row in MEASUREMENTS[name](options.pairs):
            lines.append(line(cells(row)))
            print(lines[-1], flush=True)
    if not options.only:
        RESULTS.write_text("\n".join(["# Measured", "", *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
