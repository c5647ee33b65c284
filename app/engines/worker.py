"""A worker process: `python -m app.engines.worker DATA_DIR CACHE_DIR DEVICE`, socket on stdin.

It runs one training at a time, as the server commands. It exits when the socket closes, so that a
server that was killed leaves no orphan.
"""

import logging
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from app import logging_config, machine, settings, standard_streams
from app.engines.memory import prefer_for_oom_kill
from app.engines.messages import (
    StartTraining,
    StartupFailed,
    StartupStage,
    TrainingBegan,
    TrainingEnded,
    WorkerReady,
    encode_message,
    read_command,
)
from app.errors import CannotTrain, TrainingError, TrainingFailed
from app.experiments.definition import TrainingSpec

if TYPE_CHECKING:
    from app.training.trainer import Trainer

log = logging.getLogger(__name__)


def main(data_dir: Path, cache_dir: Path, device: str) -> None:
    """Warms up, reports that, and trains until the socket closes."""
    prefer_for_oom_kill()
    server = socket.socket(fileno=os.dup(0))
    specs: SimpleQueue[TrainingSpec] = SimpleQueue()
    stop = threading.Event()
    if problem := machine.thread_problem():
        server.sendall(encode_message(StartupFailed(CannotTrain(problem))))
        return
    threading.Thread(target=_read_commands, args=(server, specs, stop), daemon=True).start()
    with suppress(BrokenPipeError, ConnectionResetError):  # the server is gone
        _training_loop(
            server, specs, stop, lambda: _prepare_trainer(server, data_dir, cache_dir, device)
        )


def _prepare_trainer(
    server: socket.socket, data_dir: Path, cache_dir: Path, device: str
) -> "Trainer":
    # torch reads this when it is imported.
    os.environ["OMP_NUM_THREADS"] = "1"
    server.sendall(encode_message(StartupStage("importing PyTorch")))
    from app.training.trainer import prepare

    server.sendall(encode_message(StartupStage("loading the data and trying out a step")))
    return prepare(data_dir, cache_dir, device)


def _training_loop(
    server: socket.socket,
    specs: SimpleQueue[TrainingSpec],
    stop: threading.Event,
    prepare: Callable[[], "Trainer"],
) -> None:
    try:
        trainer = prepare()
    except CannotTrain as error:
        server.sendall(encode_message(StartupFailed(error)))
        return
    except Exception:
        log.exception("the worker could not start", extra={"worker": os.getpid()})
        why = machine.add_memory_limits("a worker could not start")
        server.sendall(encode_message(StartupFailed(CannotTrain(f"{why}; the log says why"))))
        return
    server.sendall(encode_message(WorkerReady(trainer.provenance)))
    while True:
        spec = specs.get()
        server.sendall(encode_message(TrainingBegan()))
        ended = TrainingEnded()
        try:
            for event in trainer.train(spec):
                server.sendall(encode_message(event))
                if stop.is_set():
                    break
        except TrainingError as error:
            ended = TrainingEnded(error.with_traceback(None))
        except Exception:
            ended = TrainingEnded(TrainingFailed(traceback.format_exc()))
        server.sendall(encode_message(ended))


def _read_commands(
    server: socket.socket, specs: SimpleQueue[TrainingSpec], stop: threading.Event
) -> None:
    with suppress(ConnectionResetError), server.makefile("rb") as stream:
        while message := read_command(stream):
            if isinstance(message, StartTraining):
                stop.clear()
                specs.put(message.spec)
            else:
                stop.set()
    os._exit(0)


if __name__ == "__main__":
    standard_streams.make_encoding_safe()
    logging_config.configure(settings.load().log_format)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
