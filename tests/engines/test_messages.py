import io
from dataclasses import replace

import pytest

from app.engines.messages import (
    StartTraining,
    StopTraining,
    WorkerCommand,
    encode_message,
    read_command,
)
from app.experiments.definition import TrainingSpec


def test_messages_come_out_of_a_stream_as_they_went_in(small: TrainingSpec) -> None:
    sent: list[WorkerCommand] = [
        StartTraining(small),
        StopTraining(),
        StartTraining(replace(small, seed=9)),
    ]
    stream = io.BytesIO(b"".join(encode_message(message) for message in sent))
    assert [read_command(stream) for _ in sent] == sent
    assert read_command(stream) is None


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_stream_that_was_cut_in_a_header_is_at_its_end(kept: int) -> None:
    assert read_command(io.BytesIO(encode_message(StopTraining())[:kept])) is None
