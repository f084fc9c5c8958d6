"""The colours of series and of changes: one list for drawings and pages, each on light and on dark ground.

The hues follow Okabe and Ito's palette, moved until all eight stand out from the ground and every two of them differ,
also to people who are blind to red, green or blue: tests simulate it. Markers and lines differ as well.
"""

SERIES = ("#4969ff", "#df5044", "#479c86", "#6c0a8d", "#c38300", "#1a4d67", "#a96cad", "#844546")
SERIES_ON_DARK = ("#17a0f2", "#f32309", "#21faa5", "#7e58ff", "#e4e030", "#b9f2fd", "#e12e97", "#ba7257")
LOSS, GAIN = "#d55e00", "#0072b2"
"""Of changes: Okabe and Ito's vermilion and blue."""
PAPER, PAPER_ON_DARK = "#fcfbf7", "#161513"
"""The ground of a page."""


def css_variables(dark: bool = False) -> str:
    """Writes the colours as the variables of a page's style sheet; those of changes as numbers, to be made paler.

    Examples:
        >>> css_variables().split("; ")[:2]
        ['--paper: #fcfbf7', '--series-1: #4969ff']
    """
    series = {f"series-{number}": colour for number, colour in enumerate(SERIES_ON_DARK if dark else SERIES, start=1)}
    shades = {name: " ".join(map(str, bytes.fromhex(c[1:]))) for name, c in (("loss", LOSS), ("gain", GAIN))}
    named = {"paper": PAPER_ON_DARK if dark else PAPER, **series, **shades}
    return "; ".join(f"--{name}: {colour}" for name, colour in named.items())
