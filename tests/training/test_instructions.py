import pytest
import torch

from app.training import instructions
from app.training.instructions import instruction_set, onednn_set

AVX2 = dict.fromkeys(("sse4_1", "avx", "avx2", "fma3"), True)
AVX512 = AVX2 | dict.fromkeys(("avx512_f", "avx512_bw", "avx512_vl", "avx512_dq"), True)


def test_the_words_name_system_and_what_torch_uses() -> None:
    words = instruction_set("cpu")
    assert f"torch {torch.backends.cpu.get_cpu_capability()}" in words
    assert words.isprintable()
    assert len(words) <= 200


@pytest.mark.parametrize(
    ("processor", "environment", "named"),
    [
        (AVX2, {}, "AVX2"),
        (AVX512, {}, "AVX512_CORE"),
        (AVX512 | {"avx512_vnni": True, "avx512_bf16": True}, {}, "AVX512_CORE_BF16"),
        (AVX512, {"ONEDNN_MAX_CPU_ISA": "avx2"}, "AVX2"),
        (AVX512, {"DNNL_MAX_CPU_ISA": "SSE41"}, "SSE41"),
        (AVX512, {"ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "SSE41"}, "AVX2"),
        (AVX2, {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}, "AVX2"),
        (AVX2, {"ONEDNN_MAX_CPU_ISA": "ALL"}, "AVX2"),
        ({}, {}, "default"),
        ({}, {"ONEDNN_MAX_CPU_ISA": "SVE_256"}, "SVE_256"),
    ],
)
def test_onednn_takes_the_widest_set_that_processor_and_environment_allow(
    processor: dict[str, bool], environment: dict[str, str], named: str
) -> None:
    assert onednn_set(processor, environment) == named


def test_a_choice_of_other_arithmetic_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE\n" + "x" * 1000)
    assert "MKL_CBWR=COMPATIBLE?xxxxxxxxx" in instruction_set("cpu")
    for name in instructions.CHOICES:
        monkeypatch.setenv(name, "x" * 1000)
    assert len(instruction_set("cpu")) == 200
