"""Random numbers: one stream for each purpose of each seed."""

import hashlib

import torch


def stream(seed: int, *names: object) -> torch.Generator:
    """A stream of random numbers for one purpose of one seed; another purpose, another stream.

    Through a hash, because torch's generator on the CPU looks at 32 bits of its seed only.
    """
    text = "/".join(map(str, (seed, *names)))
    digest = hashlib.sha256(text.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:4], "big"))
