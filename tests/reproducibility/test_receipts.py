import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch

from app.__main__ import main
from app.errors import InvalidReceipt
from app.experiments import EXPERIMENTS
from app.measurements import Provenance
from app.reproducibility import receipts, recordings
from tests.support.processes import TIMEOUT, read_until, running_command
from tests.support.sse import strict_json

Write: TypeAlias = Callable[..., str]


@pytest.fixture(scope="module")
def receipt(cache_dir: Path) -> dict[str, Any]:
    """What another process says of two seeds that it trained on two workers."""
    arguments = ["--seed", "7", "--seeds", "2", "--set", "steps=10", "--set", "gain=0.5"]
    settings = {"cache_dir": cache_dir, "device": "cpu", "workers": 2}
    with running_command("train", "sigmoid", *arguments, "--json", **settings) as process:
        shown, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, said
    return dict(strict_json(shown))


@pytest.fixture
def write(tmp_path: Path, receipt: dict[str, Any]) -> Write:
    """Writes the receipt with some of its fields altered and returns its path."""

    def written(**altered: object) -> str:
        path = tmp_path / "receipt.json"
        path.write_text(json.dumps({**receipt, **altered}))
        return str(path)

    return written


def test_a_receipt_passes_on_another_engine(
    in_terminal: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    receipt: dict[str, Any],
    write: Write,
) -> None:
    assert main(["verify", write()]) == 0
    assert capsys.readouterr().out == (f"The same numbers, digit for digit: {receipt['digest']}\n")


def test_a_receipt_passes_on_another_number_of_workers(
    cache_dir: Path, receipt: dict[str, Any], write: Write
) -> None:
    settings = {"cache_dir": cache_dir, "device": "cpu", "workers": 1}
    with running_command("verify", write(), **settings) as process:
        shown, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, said
    assert receipt["digest"] in shown
    assert "4 trainings" in said


@pytest.mark.parametrize(
    "altered",
    [
        {"digest": "sha256:" + 64 * "0"},
        {"seed": 8},
        {"seeds": 1},
        {"parameters": {"steps": 10, "gain": 0.5001}},
    ],
    ids=lambda altered: next(iter(altered)),
)
def test_other_numbers_where_nothing_known_differs_accuse_nobody(
    in_terminal: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    receipt: dict[str, Any],
    write: Write,
    altered: dict[str, Any],
) -> None:
    assert main(["verify", write(**altered)]) == 1
    shown = capsys.readouterr().out
    there, here = re.findall(r"sha256:[0-9a-f]{64}", shown)
    assert there == {**receipt, **altered}["digest"]
    assert (here == receipt["digest"]) == ("digest" in altered)
    assert "altered" not in shown
    assert "Versions, device, hardware and instruction set are the same here" in shown


def test_other_numbers_come_with_what_is_not_the_same_here(
    in_terminal: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    receipt: dict[str, Any],
    write: Write,
) -> None:
    versions = {**receipt["versions"], "torch": "1.0"}
    altered = {"seed": 9, "versions": versions, "device": "cuda", "hardware": "An abacus"}
    assert main(["verify", write(**altered)]) == 1
    *_, torch, device, hardware = capsys.readouterr().out.splitlines()
    assert torch == f"  torch: 1.0 there, {receipt['versions']['torch']} here"
    assert device == "  device: cuda there, cpu here"
    assert hardware == f"  hardware: An abacus there, {receipt['hardware']} here"


def test_a_receipt_without_an_instruction_set_says_that_it_is_not_known_there(
    in_terminal: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    receipt: dict[str, Any],
    write: Write,
) -> None:
    assert main(["verify", write(seed=9, instruction_set=None)]) == 1
    *_, last = capsys.readouterr().out.splitlines()
    assert last == f"  instruction set: unknown there, {receipt['instruction_set']} here"


@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() != "AVX512", reason="needs wider vectors than AVX2"
)
def test_narrower_instructions_are_named_as_the_reason_for_other_numbers(
    cache_dir: Path, receipt: dict[str, Any], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    settings = {"cache_dir": cache_dir, "device": "cpu", "workers": 2}
    with running_command("verify", write(), **settings) as process:
        shown, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1, said
    *_, reason, difference = shown.splitlines()
    assert reason.startswith("The likely reason is one of these differences")
    there = receipt["instruction_set"]
    assert difference.startswith(f"  instruction set: {there} there, ")
    assert difference.endswith("torch AVX2, oneDNN AVX2 here")


def test_the_same_numbers_with_another_verdict_say_so(
    in_terminal: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    receipt: dict[str, Any],
    write: Write,
) -> None:
    assert main(["verify", write(verdict="All is proved.")]) == 0
    assert f"a different verdict. Here it is: {receipt['verdict']}" in capsys.readouterr().out


def test_a_repetition_that_fails_says_why(
    in_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], write: Write
) -> None:
    in_terminal.setenv("BATCHNORM_DEADLINE_SECONDS", "0.000001")
    assert main(["verify", write()]) == 1
    shown = capsys.readouterr()
    assert "Not verified" in shown.err
    assert "(deadline)" in shown.err
    assert shown.out == ""


def test_control_c_ends_with_130(cache_dir: Path, receipt: dict[str, Any], write: Write) -> None:
    path = write(parameters={**receipt["parameters"], "steps": 5_000})
    settings = {"cache_dir": cache_dir, "device": "cpu", "workers": 1}
    with running_command("verify", path, **settings) as process:
        read_until(process, r"step [1-9]\d* of")
        process.send_signal(signal.SIGINT)
        shown, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert shown == ""
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("altered", "named"),
    [
        ({"state": "stopped", "verdict": None}, "state: Input should be 'finished'"),
        ({"slug": "no-such"}, "slug: no experiment 'no-such'; there are: learning-rates"),
        ({"slug": 7}, "slug: "),
        ({"seed": True}, "seed: "),
        ({"seed": 7.0}, "seed: "),
        ({"seed": -1}, "seed: should be a whole number from 0 to 4294967295"),
        ({"seeds": 11}, "seeds: should be a whole number from 1 to 10"),
        (
            {"slug": "learning-rates", "seeds": 10, "parameters": {"steps": 400}},
            "seeds: should be at most 5",
        ),
        ({"parameters": {"steps": 9}}, "steps: should be a whole number from 10 to 5000"),
        ({"parameters": {"steps": "10"}}, "steps: should be a whole number from 10 to 5000"),
        ({"parameters": {"momentum": 0.9}}, "momentum: is not a parameter"),
        ({"parameters": {"a\nb": 1}}, "should be printable"),
        ({"parameters": []}, "parameters: "),
        ({"digest": "sha256:abc"}, "digest: "),
        ({"digest": "sha256:" + 64 * "0" + "\n"}, "digest: "),
        ({"hardware": "\x1b[2J"}, "hardware: "),
        ({"versions": {"torch": 2.15}}, "versions.torch: "),
        ({"elapsed_s": float("nan")}, "elapsed_s: "),
    ],
)
def test_a_bad_field_is_one_line_that_names_it_and_exit_code_2(
    in_terminal: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    write: Write,
    altered: dict[str, Any],
    named: str,
) -> None:
    assert main(["verify", path := write(**altered)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith(f"{path}: ")
    assert named in line


@pytest.mark.parametrize(
    "field", [name for name in receipts.Receipt.model_fields if name != "instruction_set"]
)
def test_a_field_that_is_missing_is_named(
    tmp_path: Path, receipt: dict[str, Any], field: str
) -> None:
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps({name: receipt[name] for name in receipt if name != field}))
    with pytest.raises(InvalidReceipt, match=rf": {field}: Field required$"):
        receipts.read(path)


def test_a_receipt_has_the_fields_that_are_read(receipt: dict[str, Any]) -> None:
    assert set(receipt) == set(receipts.Receipt.model_fields)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"1" * 5000, "is not JSON"),
        (b"[1]", "should be a JSON object"),
        (b"null", "should be a JSON object"),
        (b'{"receipt": 7}', "state: Field required"),
        (b" " * (receipts.MAX_BYTES + 1), "should have at most 1048576 bytes"),
    ],
)
def test_what_is_no_receipt_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "receipt.json"
    path.write_bytes(content)
    with pytest.raises(InvalidReceipt, match=problem):
        receipts.read(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_receipt_is_read_in_the_encoding_that_a_shell_wrote(
    tmp_path: Path, receipt: dict[str, Any], encoding: str, line_end: str
) -> None:
    """PowerShell's > writes UTF-16, and other programs of Windows begin UTF-8 with a mark."""
    path = tmp_path / "receipt.json"
    text = json.dumps({**receipt, "hardware": "Prozessor™"}, indent=1, ensure_ascii=False)
    path.write_bytes(f"{text}\n".replace("\n", line_end).encode(encoding))
    assert receipts.read(path).hardware == "Prozessor™"


def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no-such.json"):
        with pytest.raises(InvalidReceipt, match=f"can't read {path}: "):
            receipts.read(path)


def test_a_parameter_can_not_stand_for_a_seed(write: Write, receipt: dict[str, Any]) -> None:
    parameters = {**receipt["parameters"], "seed": 9}
    with pytest.raises(InvalidReceipt, match="parameters: "):
        receipts.read(Path(write(parameters=parameters)))


@pytest.mark.parametrize("slug", EXPERIMENTS)
def test_a_recording_is_read_as_its_receipt(slug: str) -> None:
    experiment, request = receipts.read(recordings.FOLDER / f"{slug}.json").parse_request()
    assert (experiment.slug, request.seed) == (slug, 1)


def test_a_version_that_only_one_side_has_is_a_difference(
    write: Write, receipt: dict[str, Any]
) -> None:
    versions = {**receipt["versions"], "mkl": "1"}
    here = Provenance(receipt["device"], receipt["hardware"], versions, receipt["instruction_set"])
    (found,) = receipts.read(Path(write())).differences(here)
    assert found == receipts.Difference("mkl", None, "1")
