"""One run: a set of trainings that readers asked for, and all that came of them."""

import asyncio
import math
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic

from app.events import (
    ArmEnded,
    Done,
    Event,
    Points,
    Queued,
    Row,
    Started,
    TrainingEvent,
    Verdict,
    decode,
)
from app.experiments.definition import Experiment, RunRequest, SideBySide, TrainingSpec
from app.measurements import Measurements, Provenance
from app.runs.event_log import Log
from app.runs.race import Race


class Run:
    """Its log is what a stream carries; everything else here can be told from the log."""

    def __init__(
        self,
        experiment: Experiment,
        request: RunRequest,
        reader: str = "",
        *,
        address: str = "",
        node: str = "",
        side_by_side: SideBySide = "alone",
        slots: int = 1,
    ) -> None:
        # A proxy before several servers knows by the id which one holds the run.
        self.id = f"{node}-{secrets.token_urlsafe(12)}" if node else secrets.token_urlsafe(12)
        self.experiment = experiment
        self.request = request
        # Who asked for it and still wants it, the first one first; and who did no longer.
        self.askers = [reader] if reader else []
        self.left: set[str] = set()
        self.address = address
        self.created = datetime.now(UTC)
        self.log = Log()
        self.measured = Measurements([arm.id for arm in experiment.arms])
        self.specs = list(experiment.trainings(request, side_by_side=side_by_side, slots=slots))
        self.tasks: set[asyncio.Task[None]] = set()
        self.watchers = 0
        self.last_seen = monotonic()
        self.queued: Queued | None = None
        self.started_at: float | None = None
        self.provenance: Provenance | None = None
        self.verdict: Verdict | None = None
        self.done: Done | None = None
        self.ended_at = math.inf
        self._races: defaultdict[int, Race] = defaultdict(Race)  # by seed
        self._steps_left = {
            (each.arm, each.seed): each.steps for spec in self.specs for each in spec.members
        }

    def replay(self, entries: Iterable[bytes]) -> None:
        """Makes a run that has no history of its own what these entries of a log say."""
        for entry in entries:
            self.append(decode(entry))

    @property
    def trainings(self) -> int:
        """The number of networks it trains; those that share a worker count one by one."""
        return sum(len(spec.members) for spec in self.specs)

    @property
    def about(self) -> dict[str, object]:
        """For the log."""
        return {"run": self.id, "slug": self.experiment.slug, "seed": self.request.seed}

    @property
    def state(self) -> str:
        """queued, running, finished, stopped or failed."""
        if self.done:
            return self.done.state
        return "running" if self.started_at is not None else "queued"

    def state_for(self, reader: str) -> str:
        """The same; stopped for a reader who wants it no longer, while it goes on for others."""
        return "stopped" if reader in self.left and not self.done else self.state

    @property
    def steps_left(self) -> int:
        """Training steps that are still owed, over all its trainings."""
        return sum(self._steps_left.values())

    @property
    def work_left(self) -> float:
        """The same in steps of the article's first figure, which are a measure of time."""
        return self.steps_left * self.request.work / self.request.steps

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first event of a training, up to now or to the end."""
        if self.done:
            return self.done.elapsed_s
        return 0.0 if self.started_at is None else monotonic() - self.started_at

    def enter(self, spec: TrainingSpec) -> None:
        """Counts a training, and those beside it, as given to a worker."""
        for member in spec.members:
            self._races[member.seed].enter(member, monotonic())

    def hear(self, event: TrainingEvent) -> None:
        """Appends what a training says, in time: the arms of a seed are shown as a race."""
        for ready in self._races[event.seed].hear(event, monotonic()):
            self.append(ready)

    def release(self, *, everything: bool = False) -> None:
        """Appends what waited for slower arms: what need not wait any longer, or everything."""
        for race in self._races.values():
            for ready in race.flush() if everything else race.release(monotonic()):
                self.append(ready)

    def append(self, event: Event) -> None:
        """Passes an event on to whoever watches, and keeps what it says."""
        match event:
            case Points() | Row() | ArmEnded():
                self._measure(event)
            case Queued():
                self.queued = event
            case Started():
                self.started_at = monotonic()
            case Verdict():
                self.verdict = event
            case Done():
                self.done = event
                self.ended_at = monotonic()
        self.log.append(event)

    def _measure(self, event: TrainingEvent) -> None:
        self.measured.add(event)
        training = (event.arm, event.seed)
        match event:
            case Points():
                self._steps_left[training] = self.request.steps - event.step[-1]
            case ArmEnded():
                del self._steps_left[training]
            case Row():
                pass

    @property
    def complete(self) -> bool:
        """All trainings have ended."""
        return not self._steps_left

    @contextmanager
    def watched(self) -> Iterator[Log]:
        """Its log, for somebody who stays and watches."""
        self.watchers += 1
        try:
            yield self.log
        finally:
            self.watchers -= 1
            self.last_seen = monotonic()

    def unseen_s(self) -> float:
        """Seconds since anybody watched or looked at it."""
        return 0.0 if self.watchers else monotonic() - self.last_seen

    @property
    def file_name(self) -> str:
        """What a file about this run is called, without its ending."""
        return f"{self.experiment.slug}-seed-{self.request.seed}"

    def receipt(self) -> dict[str, object]:
        """All that is needed to know what was run, and to run it again."""
        return {
            "id": self.id,
            "slug": self.experiment.slug,
            "seed": self.request.seed,
            "seeds": self.request.seeds,
            "parameters": self.request.parameters(),
            "state": self.state,
            "verdict": self.verdict.text if self.verdict else None,
            "created": self.created.isoformat(timespec="seconds"),
            "elapsed_s": round(self.elapsed_s, 3),
            "versions": dict(self.provenance.versions) if self.provenance else {},
            "device": self.provenance.device if self.provenance else None,
            "hardware": self.provenance.hardware if self.provenance else None,
            "instruction_set": (self.provenance and self.provenance.instruction_set) or None,
            "digest": self.measured.digest(),
        }
