"""How long a worker's start is waited for: as long as it makes progress, within a bound."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

# A start without any progress is given up after this long: the process hangs.
STILL_SECONDS = 120.0
# After this long, /readyz says that a worker is still starting, and at what it is.
LONG_SECONDS = 30.0


def work_done(pid: int) -> tuple[int, ...]:
    """Numbers that grow while a process works: processor time, page faults, bytes read.

    Empty where there is no /proc: there, what the worker itself says is all the progress.
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
class WarmUp:
    """One start of one worker, looked at now and then. Times are those of `time.monotonic`."""

    began: float
    most_seconds: float
    stage: str = "starting Python"
    _last_progress: float = field(init=False)
    _work_done: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self._last_progress = self.began

    def progress(self, stage: str, now: float) -> None:
        """The worker said what it has come to."""
        self.stage = stage
        self._last_progress = now

    def given_up(self, work: tuple[int, ...], now: float) -> str | None:
        """Why this start is not waited for any longer; None if it is. `work`: see `work_done`."""
        if work != self._work_done:
            self._work_done = work
            self._last_progress = now
        if now - self.began > self.most_seconds:
            return (
                f"a worker did not start within {self.most_seconds:g} s "
                f"(BATCHNORM_START_SECONDS); it was {self.stage}"
            )
        if now - self._last_progress > STILL_SECONDS:
            return f"a worker made no progress for {STILL_SECONDS:g} s; it was {self.stage}"
        return None

    def takes_long(self, now: float) -> str | None:
        """Returns one line about a start that has taken unusually long; None before that."""
        if now - self.began < LONG_SECONDS:
            return None
        return f"a worker is still starting; it is {self.stage}"
