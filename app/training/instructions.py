"""Which of the processor's vector instructions torch and its libraries use.

Wider vectors add up in another order, so that the last digits of numbers depend on it.
"""

import os
import platform
from collections.abc import Mapping

import torch

# oneDNN's names for sets of instructions, each wider than the one before, and what a processor
# needs for it (oneDNN documentation, "CPU Dispatcher Control"). Which it took is not told.
ONEDNN_SETS: Mapping[str, tuple[str, ...]] = {
    "SSE41": ("sse4_1",),
    "AVX": ("avx",),
    "AVX2": ("avx2", "fma3"),
    "AVX512_CORE": ("avx512_f", "avx512_bw", "avx512_vl", "avx512_dq"),
    "AVX512_CORE_VNNI": ("avx512_vnni",),
    "AVX512_CORE_BF16": ("avx512_bf16",),
    "AVX512_CORE_FP16": ("avx512_fp16",),
    "AVX512_CORE_AMX": ("amx_int8", "amx_bf16"),
}
# Variables by which somebody chooses other arithmetic; named in a receipt where they are set.
CHOICES = (
    *("MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "MKL_DEBUG_CPU_TYPE"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"),
    *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),
)
# A receipt's fields have at most 200 characters; what is longer comes from no library.
MAX_CHOICE = 20


def instruction_set(device: str) -> str:
    """In words: "Linux x86_64, torch AVX2, oneDNN AVX2"; a GPU's architecture comes first."""
    parts = [f"{platform.system()} {platform.machine()}"]
    if device == "cuda":
        major, minor = torch.cuda.get_device_capability()
        parts.insert(0, f"sm_{major}{minor}")
    parts.append(f"torch {torch.backends.cpu.get_cpu_capability()}")
    if torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        parts.append(f"oneDNN {onednn_set(torch.cpu.get_capabilities(), os.environ)}")
    parts += [f"{name}={os.environ[name][:MAX_CHOICE]}" for name in CHOICES if name in os.environ]
    return "".join(each if each.isprintable() else "?" for each in ", ".join(parts))[:200]


def onednn_set(processor: Mapping[str, object], environment: Mapping[str, str]) -> str:
    """The widest of ONEDNN_SETS that the processor has and that the environment allows.

    On processors of other families, what the environment says.
    """
    asked = environment.get("ONEDNN_MAX_CPU_ISA", environment.get("DNNL_MAX_CPU_ISA", "")).upper()
    widest = "default"
    for name, needed in ONEDNN_SETS.items():
        if not all(processor.get(each) for each in needed):
            break
        widest = name
        if name == asked:
            break
    return asked[:MAX_CHOICE] if widest == "default" and asked else widest
