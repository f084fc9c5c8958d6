"""When generators were released: a registry of published ones, overridden by what the data say.

A generator of a paper was released, at the latest, in the month of the paper's first version on arXiv, which is the
beginning of its number: StyleGAN is 1812.04948 and so of December 2018. Of a product it is the month that its public
release was reported in. Names that stand for several versions, such as Midjourney, have no date here: data can say it.
"""

import calendar
import re
from collections.abc import Mapping
from datetime import date

from datamodules.generator_names import canonical_name

ARXIV: Mapping[str, str] = {
    "cyclegan": "1703.10593",
    "progan": "1710.10196",
    "stargan": "1711.09020",
    "biggan": "1809.11096",
    "stylegan": "1812.04948",
    "gaugan": "1903.07291",
    "stylegan2": "1912.04958",
    "ddpm": "2006.11239",
    "iddpm": "2102.09672",
    "adm": "2105.05233",
    "admg": "2105.05233",
    "stylegan3": "2106.12423",
    "projected-gan": "2111.01007",
    "unleashing-transformers": "2111.12701",
    "vqdm": "2111.14822",
    "glide": "2112.10741",
    "ldm": "2112.10752",
    "stylegan-xl": "2202.00273",
    "maskgit": "2202.04200",
    "pndm": "2202.09778",
    "rq-transformer": "2203.01941",
    "diffusion-projected-gan": "2206.02262",
    "dit": "2212.09748",
    "gigagan": "2303.05511",
}
"""The papers that published them, by canonical name."""
REPORTED: Mapping[str, str] = {
    "dalle2": "2022-04",  # Wikipedia, Text-to-image model: unveiled in April 2022
    "sd14": "2022-08",  # Wikipedia, Text-to-image model: Stable Diffusion was publicly released in August 2022
    "sd15": "2022-10",  # tutorialspoint.com/stable-diffusion/stable-diffusion-model-versions.htm, as the next three
    "sd2": "2022-11",
    "sd21": "2022-12",
    "sdxl": "2023-07",
    "dalle3": "2023-10",  # toolcurrent.com/tools/dall-e-3: launched in October 2023; announced in September
    "flux1dev": "2024-08",  # Wikipedia, Flux (text-to-image model): initial release in August 2024
    "flux1schnell": "2024-08",
    "flux1pro": "2024-08",
}
"""Months of public release, with where they were read."""
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


def release_date(generator: str, stated: Mapping[str, str] | None = None) -> str | None:
    """Returns when a generator was released.

    Args:
        generator: Its name, as the data set has it.
        stated: What the data say, by the same names; it goes before the registry.

    Returns:
        An ISO date, as exact as it is known (``2022``, ``2022-08`` or ``2022-08-22``); None where it is not known.

    Examples:
        >>> release_date("stable_diffusion_v_1_4"), release_date("StyleGAN"), release_date("my-gan")
        ('2022-08', '2018-12', None)
        >>> release_date("my-gan", {"my-gan": "2025"})
        '2025'
    """
    if stated and generator in stated:
        return stated[generator]
    name = canonical_name(generator)
    if name in ARXIV:
        return f"20{ARXIV[name][:2]}-{ARXIV[name][2:4]}"
    return REPORTED.get(name)


def days_of(text: str) -> tuple[date, date]:
    """Returns the first and the last day that an ISO date may mean.

    Raises:
        ValueError: It is none: YYYY, YYYY-MM or YYYY-MM-DD.

    Examples:
        >>> [str(day) for day in days_of("2024-02")]
        ['2024-02-01', '2024-02-29']
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"no date: {text!r}")
    year, month, day = (int(part) if part else None for part in found.groups())
    assert year is not None
    if month is None:
        return date(year, 1, 1), date(year, 12, 31)
    first = date(year, month, day or 1)
    return first, first if day else date(year, month, calendar.monthrange(year, month)[1])
