"""Randomness from one seed: generators of our own, so that no call disturbs another's draws."""

from __future__ import annotations

import hashlib

import torch


def generator(seed: int, *salt: object, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator for one purpose; the salt tells purposes with one seed apart."""
    digest = hashlib.sha256(repr((seed, *salt)).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:7], "big"))
