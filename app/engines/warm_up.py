"""Monitors the start of a worker, which may take long as long as it makes progress."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

# A start without progress for this long has failed: the process hangs.
MAX_STALL_SECONDS = 120.0
# After this time, /readyz says that a worker is still starting, and at which stage.
SLOW_START_SECONDS = 30.0


def process_activity(pid: int) -> tuple[int, ...]:
    """Counters that grow while a process works: processor time, page faults, bytes read.

    Empty on systems without /proc, where only the worker's own messages show progress.
    """
    numbers: list[int] = []
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        minor, _, major, _, user, system = fields.rpartition(")")[2].split()[7:13]
        numbers += map(int, (minor, major, user, system))
    with suppress(OSError, ValueError):
        lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
        numbers += (int(line.partition(":")[2]) for line in lines)
    return tuple(numbers)


@dataclass(slots=True)
class StartupMonitor:
    """The start of one worker, polled regularly. Times are those of `time.monotonic`."""

    started_at: float
    max_seconds: float
    stage: str = "starting Python"
    _last_progress: float = field(init=False)
    _activity: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self._last_progress = self.started_at

    def stage_reached(self, stage: str, now: float) -> None:
        """Records the stage that the worker has reached."""
        self.stage = stage
        self._last_progress = now

    def failure(self, activity: tuple[int, ...], now: float) -> str | None:
        """Why this start has failed; None if it goes on. `activity` is of `process_activity`."""
        if activity != self._activity:
            self._activity = activity
            self._last_progress = now
        if now - self.started_at > self.max_seconds:
            return (
                f"a worker did not start within {self.max_seconds:g} s "
                f"(BATCHNORM_START_SECONDS); it was {self.stage}"
            )
        if now - self._last_progress > MAX_STALL_SECONDS:
            return f"a worker made no progress for {MAX_STALL_SECONDS:g} s; it was {self.stage}"
        return None

    def slow_notice(self, now: float) -> str | None:
        """One line about a start that is unusually slow; None before that."""
        if now - self.started_at < SLOW_START_SECONDS:
            return None
        return f"a worker is still starting; it is {self.stage}"
