"""Reads a receipt: which run it names, and how this machine differs from the recorded one."""

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

# A receipt has about 1 kB; a recording, which may be read too, has up to some hundred.
MAX_BYTES = 2**20
MAX_TEXT_LENGTH = 200


def _require_printable(text: str) -> str:
    # The text is printed to a terminal, which would interpret control characters.
    if not text.isprintable():
        raise ValueError("should be printable")
    return text


PrintableText = Annotated[
    str, Field(max_length=MAX_TEXT_LENGTH), AfterValidator(_require_printable)
]


class Receipt(BaseModel):
    """The receipt of a finished run, as `Run.receipt()` makes it. Unknown fields are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)

    # Only the first invalid field is reported; the order of fields follows from this.
    state: Literal["finished"]
    slug: PrintableText
    seed: int
    seeds: int
    parameters: dict[PrintableText, object]
    digest: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
    verdict: Annotated[str, Field(max_length=10_000)]
    versions: dict[PrintableText, PrintableText]
    device: PrintableText
    hardware: PrintableText
    instruction_set: PrintableText | None = None  # in receipts from 2026-11-29 on
    id: PrintableText
    created: PrintableText
    elapsed_s: Annotated[float, Field(ge=0)]

    def parse_request(self) -> tuple[Experiment, RunRequest]:
        """The experiment and request. Raises UnknownExperiment, or InvalidRequest by field."""
        experiment = find(self.slug)
        seeds = {"seed": self.seed, "seeds": self.seeds}
        return experiment, experiment.parse({**self.parameters, **seeds})

    @field_validator("parameters")
    @classmethod
    def _reject_seeds(cls, parameters: dict[str, object]) -> dict[str, object]:
        if not parameters.keys().isdisjoint(("seed", "seeds")):
            raise ValueError("should not have the seeds, which stand beside them")
        return parameters

    def differences(self, here: Provenance) -> Iterator["Difference"]:
        """Yields each item in which the recorded provenance differs from this machine's."""
        for name in sorted(self.versions.keys() | here.versions.keys()):
            yield from _compare(name, self.versions.get(name), here.versions.get(name))
        yield from _compare("device", self.device, here.device)
        yield from _compare("hardware", self.hardware, here.hardware)
        yield from _compare("instruction set", self.instruction_set, here.instruction_set or None)


@dataclass(frozen=True, slots=True)
class Difference:
    """An item that may change results: its value in the receipt (`there`) and `here`."""

    name: str
    there: str | None
    here: str | None


def read(path: Path) -> Receipt:
    """Reads a receipt, or the receipt in a recording.

    Raises InvalidReceipt, whose one line names the file and the field.
    """
    document = _load_json(path)
    if isinstance(document, dict) and isinstance(document.get("receipt"), dict):
        document = document["receipt"]
    if not isinstance(document, dict):
        raise InvalidReceipt(f"{path}: should be a JSON object, a run's receipt")
    try:
        receipt = Receipt.model_validate(document)
        receipt.parse_request()
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise InvalidReceipt(f"{path}: {ascii(field)[1:-1]}: {first['msg']}") from None
    except UnknownExperiment as error:
        raise InvalidReceipt(f"{path}: slug: {error}") from None
    except InvalidRequest as error:
        raise InvalidReceipt(f"{path}: {error}") from None
    return receipt


def _load_json(path: Path) -> object:
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


def _compare(name: str, there: str | None, here: str | None) -> Iterator[Difference]:
    if there != here:
        yield Difference(name, there, here)
