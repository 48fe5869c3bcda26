"""What the machine can do: where tensors live, and whether it multiplies in bfloat16."""

from __future__ import annotations

from typing import Any

import torch


def device() -> torch.device:
    """The first GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_half() -> bool:
    """Whether bfloat16 is multiplied by the hardware; emulated it would be slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def autocast(half: bool) -> Any:
    """Bfloat16 where it is safe, for the length of a `with`."""
    return torch.autocast(device().type, dtype=torch.bfloat16, enabled=half)
