"""Published grids of conditions."""

PRESETS: dict[str, tuple[str, ...]] = {
    "rigid": (
        *(f"jpeg:{quality}" for quality in (90, 80, 70, 60, 50)),
        *(f"blur:{sigma}" for sigma in (1, 2, 3, 4, 5)),
        *(f"noise:{std}" for std in (0.05, 0.1, 0.15, 0.2, 0.25)),
    ),
    "aeroblade": (
        *(f"jpeg:{quality}" for quality in (90, 80, 70, 60, 50)),
        *(f"crop:{factor}" for factor in (0.9, 0.8, 0.7, 0.6, 0.5)),
        *(f"blur:{sigma},kernel=9" for sigma in (1, 2, 3, 4, 5)),
        *(f"noise:{std}" for std in (0.05, 0.1, 0.15, 0.2, 0.25)),
    ),
    "genimage": ("resize:112px", "resize:64px", "jpeg:65", "jpeg:30", "blur:3", "blur:5"),
}
"""RIGID, arXiv 2405.20112, section 4.3; AEROBLADE, arXiv 2401.17879, and its public code (c6d575d, transforms.py:
kernel 9; its noise rounds down, ours to nearest); GenImage, arXiv 2306.08571."""
