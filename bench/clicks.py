"""`python -m bench.clicks`: a class clicks Train at once, on a server with its default settings.

Every reader is a session of its own, posts once and watches what it was given to the end. Once
with the seed left open, as the page sends it at a first click, and once with a seed of their own.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import uvloop

from app.events import Done, Started
from bench.figures import QUANTILES, machine, quantile, row
from bench.streams import FIRST_FIGURE, RESERVE, allow_descriptors
from bench.wire import Answer, Visitor
from tests.support.processes import Server, serving

REFUSED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
FIRST_SEED = 1_000
# Streams that end early are taken up again, as a browser does; not for ever.
MAX_STREAMS = 5


@dataclass(frozen=True)
class Click:
    """What one reader met: seconds since the click to the first training, and to the end."""

    answer: Answer
    started: float = 0.0
    done: float = 0.0
    end: str = ""
    lost: int = 0
    doubled: int = 0

    @property
    def accepted(self) -> bool:
        return self.answer.status == HTTPStatus.CREATED


def main() -> None:
    """Prints two tables; the exit code is 1 if a reader met what none should."""
    parser = argparse.ArgumentParser(prog="python -m bench.clicks", description=main.__doc__)
    parser.add_argument("--readers", type=int, default=300, metavar="N")
    parser.add_argument("--steps", type=int, default=100, metavar="N", help="10 for a quick look")
    options = parser.parse_args()
    allow_descriptors(2 * options.readers + RESERVE)
    print(machine())
    wrong: list[str] = []
    for title, own_seeds in (("seed left open", False), ("a seed of their own", True)):
        with warm_server() as server:
            clicks = uvloop.run(click_all(server, options.readers, options.steps, own_seeds))
        print(f"\n{options.readers} readers click at once, {options.steps} steps, {title}")
        for line in table(clicks):
            print(line)
        wrong += [f"{title}: {what}" for what in problems(clicks)]
    for what in wrong:
        print(what)
    sys.exit(1 if wrong else 0)


@contextmanager
def warm_server(**changed: object) -> Iterator[Server]:
    """`python -m app` with a store of its own and all workers warm; default settings but these."""
    with TemporaryDirectory() as folder:
        settings = {"store": Path(folder) / "store.db", **changed}
        with serving(Path(folder) / "log", settings) as server:
            server.wait_until_ready()
            yield server


async def click_all(server: Server, readers: int, steps: int, own_seeds: bool) -> list[Click]:
    """Returns when all have seen the end of what they were given."""
    return await asyncio.gather(
        *(
            _click(
                Visitor(server.url),
                {"steps": steps, **({"seed": FIRST_SEED + index} if own_seeds else {})},
            )
            for index in range(readers)
        )
    )


async def _click(visitor: Visitor, sent: dict[str, int]) -> Click:
    clicked = monotonic()
    answer = await visitor.ask("POST", FIRST_FIGURE, sent)
    if answer.status != HTTPStatus.CREATED:
        return Click(answer)
    told: dict[str, float] = {}
    end = b""

    def hear(name: str, data: bytes) -> None:
        nonlocal end
        told.setdefault(name, monotonic() - clicked)
        if name == Done.name:
            end = data

    lost = doubled = last_id = 0
    for _ in range(MAX_STREAMS):
        stream = await visitor.watch(str(answer.value("events")), hear, last_id)
        await stream.ended
        lost, doubled, last_id = lost + stream.lost, doubled + stream.doubled, stream.last_id
        if end:
            break
    started, done = (told.get(event.name, float("nan")) for event in (Started, Done))
    return Click(answer, started, done, end.decode(), lost, doubled)


def table(clicks: Sequence[Click]) -> list[str]:
    """Counts, and a line for each thing that readers waited for."""
    accepted = [click for click in clicks if click.accepted]
    refused = [click for click in clicks if click.answer.status in REFUSED]
    statuses = Counter(click.answer.status for click in clicks)
    runs = {click.answer.value("id") for click in accepted}
    shared = sum(click.answer.value("shared") is True for click in accepted)
    waits = {
        "answer (s)": [click.answer.seconds for click in clicks],
        "promised start (s)": [_number(click.answer.value("eta_s")) for click in accepted],
        "start (s)": [click.started for click in accepted],
        "end (s)": [click.done for click in accepted],
        "refused: Retry-After (s)": [
            _number(click.answer.headers["retry-after"]) for click in refused
        ],
    }
    widths = (26, 6, *(9 for _ in QUANTILES))
    return [
        f"answers: {', '.join(f'{count} × {status}' for status, count in sorted(statuses.items()))}"
        f"; {len(runs)} runs, {shared} readers were given one that others had asked for",
        row(["", "n", *(name for name, _ in QUANTILES)], widths),
        *(
            row(
                [name, str(len(s)), *(f"{quantile(s, share):.3g}" for _, share in QUANTILES)],
                widths,
            )
            for name, s in waits.items()
            if s
        ),
    ]


def problems(clicks: Sequence[Click]) -> list[str]:
    """What no reader should have met."""
    return [
        what
        for click in clicks
        for what, met in (
            (
                f"answered {click.answer.status}",
                not click.accepted and click.answer.status not in REFUSED,
            ),
            (
                "refused without Retry-After",
                click.answer.status in REFUSED and "retry-after" not in click.answer.headers,
            ),
            (
                f"accepted, and ended with {click.end!r}",
                click.accepted and '"finished"' not in click.end,
            ),
            (f"{click.lost} events lost, {click.doubled} twice", click.lost + click.doubled > 0),
        )
        if met
    ]


def _number(value: object) -> float:
    return float(str(value))


if __name__ == "__main__":
    main()
