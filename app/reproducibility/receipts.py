"""Receipts, read back: which run a file names, and how this place differs from where it ran."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from app.errors import InvalidReceipt, InvalidRequest, UnknownExperiment
from app.experiments import find
from app.experiments.definition import Experiment, RunRequest
from app.measurements import Provenance

# A receipt has one kilobyte; the largest of the recordings, which may be read too, some hundred.
MAX_BYTES = 2**20
MAX_WORDS = 200


def _printable(text: str) -> str:
    # It is shown in a terminal, which obeys some characters.
    if not text.isprintable():
        raise ValueError("should be printable")
    return text


Words = Annotated[str, Field(max_length=MAX_WORDS), AfterValidator(_printable)]


class Receipt(BaseModel):
    """What `Run.receipt()` says of a finished run. Fields that are new since are passed over."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)

    # The first field that is wrong is the one that is told: the others follow from this.
    state: Literal["finished"]
    slug: Words
    seed: int
    seeds: int
    parameters: dict[Words, object]
    digest: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
    verdict: Annotated[str, Field(max_length=10_000)]
    versions: dict[Words, Words]
    device: Words
    hardware: Words
    instruction_set: Words | None = None  # in receipts from 2026-11-29 on
    id: Words
    created: Words
    elapsed_s: Annotated[float, Field(ge=0)]

    def run(self) -> tuple[Experiment, RunRequest]:
        """What to train. Raises UnknownExperiment, or InvalidRequest naming each bad field."""
        experiment = find(self.slug)
        seeds = {"seed": self.seed, "seeds": self.seeds}
        return experiment, experiment.parse({**self.parameters, **seeds})

    @field_validator("parameters")
    @classmethod
    def _without_seeds(cls, parameters: dict[str, object]) -> dict[str, object]:
        if not parameters.keys().isdisjoint(("seed", "seeds")):
            raise ValueError("should not have the seeds, which stand beside them")
        return parameters

    def differences(self, here: Provenance) -> Iterator["Difference"]:
        """What was not the same there as it is here; nothing where all is."""
        for name in sorted(self.versions.keys() | here.versions.keys()):
            yield from _unless_equal(name, self.versions.get(name), here.versions.get(name))
        yield from _unless_equal("device", self.device, here.device)
        yield from _unless_equal("hardware", self.hardware, here.hardware)
        yield from _unless_equal(
            "instruction set", self.instruction_set, here.instruction_set or None
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which numbers may depend, where the receipt was made and here."""

    name: str
    there: str | None
    here: str | None


def read(path: Path) -> Receipt:
    """The receipt in a file, or in a recording. Raises InvalidReceipt, whose one line names the
    file and the field.
    """
    document = _json(path)
    if isinstance(document, dict) and isinstance(document.get("receipt"), dict):
        document = document["receipt"]
    if not isinstance(document, dict):
        raise InvalidReceipt(f"{path}: should be a JSON object, a run's receipt")
    try:
        receipt = Receipt.model_validate(document)
        receipt.run()
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise InvalidReceipt(f"{path}: {ascii(field)[1:-1]}: {first['msg']}") from None
    except UnknownExperiment as error:
        raise InvalidReceipt(f"{path}: slug: {error}") from None
    except InvalidRequest as error:
        raise InvalidReceipt(f"{path}: {error}") from None
    return receipt


def _json(path: Path) -> object:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidReceipt(f"can't read {path}: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise InvalidReceipt(f"{path}: should have at most {MAX_BYTES} bytes")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidReceipt(f"{path}: is not JSON") from None


def _unless_equal(name: str, there: str | None, here: str | None) -> Iterator[Difference]:
    if there != here:
        yield Difference(name, there, here)
