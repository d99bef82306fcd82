"""The ten named colours, each a chosen tone, and how one tone becomes another. RGB in [0, 1]."""

from __future__ import annotations

import colorsys

Tone = tuple[float, float, float]

COLOURS: dict[str, Tone] = {
    "red": (0.87, 0.22, 0.22),
    "orange": (0.96, 0.52, 0.15),
    "yellow": (0.98, 0.80, 0.25),
    "green": (0.30, 0.63, 0.33),
    "blue": (0.20, 0.45, 0.80),
    "purple": (0.50, 0.31, 0.70),
    "pink": (0.97, 0.55, 0.70),
    "brown": (0.50, 0.31, 0.20),
    "white": (0.97, 0.96, 0.92),
    "black": (0.16, 0.17, 0.21),
}


def mix(one: Tone, other: Tone, share: float) -> Tone:
    """A tone between two: `share` 0 gives the first, 1 the second."""
    return tuple(a + (b - a) * share for a, b in zip(one, other, strict=True))  # type: ignore[return-value]  # three stay three


def jitter(tone: Tone, hue: float, light: float) -> Tone:
    """A tone shifted a little in hue (turns) and lightness, still of the same name."""
    h, lightness, s = colorsys.rgb_to_hls(*tone)
    red, green, blue = colorsys.hls_to_rgb((h + hue) % 1.0, min(max(lightness + light, 0.06), 0.98), s)
    return round(red, 4), round(green, 4), round(blue, 4)


def companion(tone: Tone) -> Tone:
    """The second tone of a pattern: darker on light tones, lighter on dark ones."""
    luminance = 0.30 * tone[0] + 0.59 * tone[1] + 0.11 * tone[2]
    return mix(tone, (0.10, 0.08, 0.16), 0.38) if luminance > 0.55 else mix(tone, (1.0, 0.97, 0.90), 0.50)
