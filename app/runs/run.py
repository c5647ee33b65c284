"""One run: a set of trainings that a reader requested, with its events and measurements."""

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
from app.runs.event_log import EventLog
from app.runs.race import Race


class Run:
    """A run and its event log. The state is derived from the events that are appended."""

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
        # The id begins with the server's name, by which a proxy before several servers routes.
        self.id = f"{node}-{secrets.token_urlsafe(12)}" if node else secrets.token_urlsafe(12)
        self.experiment = experiment
        self.request = request
        # Owners requested the run and may stop it, in the order of their requests. Former owners
        # have stopped it for themselves.
        self.owners = [reader] if reader else []
        self.former_owners: set[str] = set()
        self.address = address
        self.created = datetime.now(UTC)
        self.log = EventLog()
        self.measured = Measurements([arm.id for arm in experiment.arms])
        self.specs = list(experiment.trainings(request, side_by_side=side_by_side, slots=slots))
        self.tasks: set[asyncio.Task[None]] = set()
        self.watchers = 0
        self.last_viewed_at = monotonic()
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
        """Restores a new run's state from the entries of a log."""
        for entry in entries:
            self.append(decode(entry))

    @property
    def training_count(self) -> int:
        """The number of networks that the run trains, whether they share a worker or not."""
        return sum(len(spec.members) for spec in self.specs)

    @property
    def log_fields(self) -> dict[str, object]:
        """The fields that identify this run in a log line."""
        return {"run": self.id, "slug": self.experiment.slug, "seed": self.request.seed}

    @property
    def state(self) -> str:
        """`queued`, `running`, `finished`, `stopped` or `failed`."""
        if self.done:
            return self.done.state
        return "running" if self.started_at is not None else "queued"

    def state_for(self, reader: str) -> str:
        """The run's state as this reader sees it: `stopped` for a former owner of a live run."""
        return "stopped" if reader in self.former_owners and not self.done else self.state

    @property
    def steps_left(self) -> int:
        """The number of training steps that remain, over all trainings."""
        return sum(self._steps_left.values())

    @property
    def work_left(self) -> float:
        """The remaining work, in steps of the article's first figure."""
        return self.steps_left * self.request.work / self.request.steps

    @property
    def elapsed_s(self) -> float:
        """Seconds from the first event of a training to now, or to the run's end."""
        if self.done:
            return self.done.elapsed_s
        return 0.0 if self.started_at is None else monotonic() - self.started_at

    def training_assigned(self, spec: TrainingSpec) -> None:
        """Registers that a training, with all trainings batched with it, has a worker."""
        for member in spec.members:
            self._races[member.seed].add_arm(member, monotonic())

    def receive(self, event: TrainingEvent) -> None:
        """Accepts an event of a training, and appends all events that may be released now."""
        for ready in self._races[event.seed].receive(event, monotonic()):
            self.append(ready)

    def release_held(self, *, everything: bool = False) -> None:
        """Appends events that were held back for slower arms, if they may be released.

        With `everything` all of them are appended.
        """
        for race in self._races.values():
            for ready in race.flush() if everything else race.release_ready(monotonic()):
                self.append(ready)

    def append(self, event: Event) -> None:
        """Updates the run's state by an event and appends the event to the log."""
        match event:
            case Points() | Row() | ArmEnded():
                self._store_measurement(event)
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

    def _store_measurement(self, event: TrainingEvent) -> None:
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
        """Whether all trainings have ended."""
        return not self._steps_left

    @contextmanager
    def watch(self) -> Iterator[EventLog]:
        """Gives the log to a watcher, who is counted while the context is open."""
        self.watchers += 1
        try:
            yield self.log
        finally:
            self.watchers -= 1
            self.last_viewed_at = monotonic()

    def unwatched_s(self) -> float:
        """Seconds since the run was last watched or opened; 0 while somebody watches it."""
        return 0.0 if self.watchers else monotonic() - self.last_viewed_at

    @property
    def file_name(self) -> str:
        """The name of files about this run, without the extension."""
        return f"{self.experiment.slug}-seed-{self.request.seed}"

    def receipt(self) -> dict[str, object]:
        """The receipt: what was run, where, and with which result, in order to repeat it."""
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
