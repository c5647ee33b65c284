"""`make crosscheck`: our numbers beside definitions and papers, printed and kept in a file.

The definitions take a minute. The trainings of the papers take long, and are kept in the cache.
"""

import argparse
import warnings
from collections.abc import Iterable, Iterator
from datetime import date
from os import cpu_count
from pathlib import Path

import torch

from app.settings import Settings
from app.training.trainer import prepare
from bench.checks import SEEDS
from bench.definitions import CHECKS
from bench.papers import findings

PAGE = Path(__file__).parents[1] / "docs" / "crosscheck.md"
TITLES = ("what is compared", "with", "value there", "ours", "n", "spread", "agrees")
INTRODUCTION = """\
# Cross-check

Each measure of the project beside its definition, written out a second time with other means, and
each replication beside what its paper says. Made by `make crosscheck` (`python -m
bench.crosscheck`) on {date}: {hardware}, {processors} processors; {versions}.

Definitions: in double precision, on small random networks, seeds {first} to {last}. *Spread* is the
largest difference, as a share of the greater value, with its bound in brackets; the values are
those of the pair that is furthest apart (nearest, for the formula that has to fail). n counts
pairs. For tensors the value is the largest, and the difference the largest of any two elements.

Papers: *ours* is a median over n seeds, *spread* from the least to the greatest; where there are
two values, the first is with BatchNorm. What a paper says in words is marked as such.

"""

NOTES = """
On the deep linear network: with BatchNorm, effective β lies at 2/rate, 2·10⁶ and 2·10⁷ here,
because that is where its sharpness is (see *At the edge of stability* in the article). So the
agreement with the paper's 10⁶ to 10⁷ is arithmetic. Without BatchNorm, the first weights decide: a
tenth longer, and β leaps to anything between 10⁷ and the paper's 10¹⁵ or beyond before the
training diverges; as short as PyTorch's own, 0.58 times, and it stays at some thousands
(`python -m app train deep-linear --seed 0 --seeds 10 --set scale=0.5774`). Which
scale the paper took we don't know.
"""


def main() -> None:
    """Prints the table; without --quick, also trains as the papers do and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.crosscheck", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="the definitions alone, no file")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    # torch.func's own.
    warnings.filterwarnings("ignore", category=FutureWarning)
    lines = [_line(TITLES), _line("---" for _ in TITLES)]
    print(*lines, sep="\n")
    for cells in _definitions() if quick else _everything():
        lines.append(_line(cells))
        print(lines[-1], flush=True)
    if not quick:
        PAGE.write_text(_introduction() + "\n".join(lines) + "\n" + NOTES, encoding="utf-8")


def _everything() -> Iterator[Iterable[str]]:
    yield from _definitions()
    for each in findings():
        yield each.what, each.paper, each.there, each.ours, str(each.n), each.spread, each.agrees


def _definitions() -> Iterator[Iterable[str]]:
    for check in CHECKS:
        (theirs, ours), share, count = check.worst()
        spread = f"{share:.1e} ({'above' if check.apart else 'at most'} {check.bound:.2g})"
        agrees = "yes" if check.agrees(share) else "no"
        yield (
            *(check.what, check.against, f"{theirs:.8g}", f"{ours:.8g}", str(count), spread),
            agrees,
        )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _introduction() -> str:
    settings = Settings()
    provenance = prepare(settings.data_dir, settings.cache_dir, "cpu").provenance
    return INTRODUCTION.format(
        date=date.today().isoformat(),
        hardware=provenance.hardware,
        processors=cpu_count(),
        versions=", ".join(f"{name} {number}" for name, number in provenance.versions.items()),
        first=SEEDS[0],
        last=SEEDS[-1],
    )


if __name__ == "__main__":
    main()
