"""A worker process: `python -m app.engines.worker DATA_DIR CACHE_DIR DEVICE`, socket on stdin.

It trains what it is told to, one training at a time, and ends itself when the socket closes,
so that a server that was killed leaves no orphan.
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
from app.engines.memory import be_first_to_go
from app.engines.messages import Begun, Ended, Ready, Refused, Starting, Train, pack, read
from app.errors import TrainingError, TrainingFailed, Unusable
from app.experiments.definition import TrainingSpec

if TYPE_CHECKING:
    from app.training.trainer import Trainer

log = logging.getLogger(__name__)


def main(data_dir: Path, cache_dir: Path, device: str) -> None:
    """Warms up, says so, and trains until the socket closes."""
    be_first_to_go()
    server = socket.socket(fileno=os.dup(0))
    orders: SimpleQueue[TrainingSpec] = SimpleQueue()
    stop = threading.Event()
    if problem := machine.why_no_threads():
        server.sendall(pack(Refused(Unusable(problem))))
        return
    threading.Thread(target=_listen, args=(server, orders, stop), daemon=True).start()
    with suppress(BrokenPipeError, ConnectionResetError):  # the server is gone
        _work(server, orders, stop, lambda: _prepare(server, data_dir, cache_dir, device))


def _prepare(server: socket.socket, data_dir: Path, cache_dir: Path, device: str) -> "Trainer":
    # torch reads this when it is imported.
    os.environ["OMP_NUM_THREADS"] = "1"
    server.sendall(pack(Starting("importing PyTorch")))
    from app.training.trainer import prepare

    server.sendall(pack(Starting("loading the data and trying out a step")))
    return prepare(data_dir, cache_dir, device)


def _work(
    server: socket.socket,
    orders: SimpleQueue[TrainingSpec],
    stop: threading.Event,
    prepare: Callable[[], "Trainer"],
) -> None:
    try:
        trainer = prepare()
    except Unusable as error:
        server.sendall(pack(Refused(error)))
        return
    except Exception:
        log.exception("could not start", extra={"worker": os.getpid()})
        why = machine.with_memory_bounds("a worker could not start")
        server.sendall(pack(Refused(Unusable(f"{why}; the log says why"))))
        return
    server.sendall(pack(Ready(trainer.provenance)))
    while True:
        spec = orders.get()
        server.sendall(pack(Begun()))
        ended = Ended()
        try:
            for event in trainer.train(spec):
                server.sendall(pack(event))
                if stop.is_set():
                    break
        except TrainingError as error:
            ended = Ended(error.with_traceback(None))
        except Exception:
            ended = Ended(TrainingFailed(traceback.format_exc()))
        server.sendall(pack(ended))


def _listen(
    server: socket.socket, orders: SimpleQueue[TrainingSpec], stop: threading.Event
) -> None:
    with suppress(ConnectionResetError), server.makefile("rb") as stream:
        while message := read(stream):
            if isinstance(message, Train):
                stop.clear()
                orders.put(message.spec)
            else:
                stop.set()
    os._exit(0)


if __name__ == "__main__":
    standard_streams.make_safe()
    logging_config.start(settings.load().log_format)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
