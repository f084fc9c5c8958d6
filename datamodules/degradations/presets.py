"""Named chains: what happens to a picture on its way through the world, under one short name.

A name stands for exactly these steps, for it is what results are filed under: a changed definition needs a new name,
and a test holds the two together. Metadata need no step, since a picture here is its pixels alone.

Every chain may be run through several times: ``social-x,rounds=2`` is a picture that was shared, saved and shared
again. Where a number has no source that could be read, the docstring says *assumed*. Most sources are people who
uploaded pictures of their own and looked; sites differ by route and device, and change without a word.
"""

from dataclasses import dataclass
from itertools import chain

from PIL import Image

from datamodules.degradations.steps.base import BOTH, Degradation, stream
from datamodules.degradations.steps.codecs import Compression
from datamodules.degradations.steps.filters import Blur, Noise, kernel_of
from datamodules.degradations.steps.geometry import Crop, Longest, Resize, Trim

MOST_ROUNDS = 10


@dataclass(frozen=True)
class Definition:
    """The steps behind a name.

    Args:
        steps: First to last, on every image of the classes.
        classes: The labels of the images that it is for.
        choices: Steps by kind, of which one to three are drawn, for an image each anew; see `NTIRE`.
    """

    steps: tuple[Degradation, ...] = ()
    classes: frozenset[int] = BOTH
    choices: tuple[tuple[Degradation, ...], ...] = ()


SOCIAL_X = Definition((Longest(4096), Compression("JPEG", 85)))
"""X, formerly Twitter.

- Quality 85: the company's announcement of December 2018 (twittercommunity.com/t/118695): a JPEG of higher quality is
  transcoded to 85 %, a WebP always. That a JPEG of lower quality is left alone is not imitated.
- Longest side 4096: measured with uploads of 5120 px by phototacopodcast.com ("Dimensions and quality for social media
  photo sharing", 2021).
- Subsampling 4:2:0: assumed.
"""

SOCIAL_FACEBOOK = Definition((Longest(2048), Compression("JPEG", 85)))
"""Facebook.

- Longest side 2048: the largest of the sizes that Facebook recommended (720, 960, 2048), after photographylife.com,
  "How to properly resize images for Facebook", 2014. phototacopodcast.com measured 1920 in 2021.
- Quality 85: of one downloaded image, told by ImageMagick (dsp.stackexchange.com/questions/74275, 2021).
- Subsampling 4:2:0: assumed. That the file is progressive changes no pixel.
"""

SOCIAL_WHATSAPP = Definition((Longest(1600), Compression("JPEG", 75)))
"""WhatsApp, a picture that is sent as a photo and not as a document.

- Longest side 1600: what sites of converters state (shrinkto.com, image-compress.com, 2026), without a measurement.
- Quality 75: assumed; the same sites state anything from 50 to 80.
- Subsampling 4:2:0: assumed.
"""

SOCIAL_INSTAGRAM = Definition((Longest(1080), Compression("JPEG", 75)))
"""Instagram.

- Longest side 1080: measured with uploads of 5120 px by phototacopodcast.com, 2021.
- Quality 75: assumed.
- Subsampling 4:2:0: assumed. That pictures of other shapes are cropped to 4:5 or 1.91:1 is not imitated.
"""

DOUBLE_JPEG = Definition((Compression("JPEG", 90), Trim(4), Compression("JPEG", 75)))
"""A JPEG that was cut and saved again as a JPEG of lower quality.

The cut of four pixels at the left and at the top is half a block, so that the two grids of blocks lie apart; without it
(``jpeg:90+jpeg:75``) they would lie on each other. Both qualities and the cut are assumed.
"""

DDA = Definition((Compression("JPEG", 96),), frozenset({1}))
"""JPEG of quality 96 for generated images alone: `jpeg:96@generated`.

Generated images are often PNG where the real ones are JPEG. Dual Data Alignment (arXiv 2505.14359) matches the JPEG
compression of generated images to that of real ones; of that method this is the compression alone, at one quality: 96
is the one that "Fake or JPEG?" (arXiv 2403.17608) compresses GenImage's generated images with.
"""

NTIRE = Definition(
    choices=(
        tuple(Crop(factor) for factor in (0.9, 0.75, 0.5)),
        tuple(Resize(factor, None, False) for factor in (0.75, 0.5, 1.5)),
        tuple(Compression("JPEG", quality) for quality in (90, 70, 50, 30)),
        tuple(Compression("WEBP", quality) for quality in (80, 50, 30)),
        tuple(Blur(sigma, kernel_of(sigma)) for sigma in (0.5, 1.0, 2.0)),
        tuple(Noise(std, "pixel") for std in (0.02, 0.05, 0.1)),
    )
)
"""Random chains in the manner of the NTIRE 2026 challenge (arXiv 2604.11487), drawn from the image's key.

What is public and could be read, the paper's abstract: images are "cropped, resized, compressed, blurred", by 36
transformations. Assumed is all else: that a chain has one, two or three kinds, each at most once and in any order, that
noise and WebP are among them, and every level. It is no substitute for the challenge's own images.
"""

NAMED: dict[str, Definition] = {
    "social-x": SOCIAL_X,
    "social-facebook": SOCIAL_FACEBOOK,
    "social-whatsapp": SOCIAL_WHATSAPP,
    "social-instagram": SOCIAL_INSTAGRAM,
    "double-jpeg": DOUBLE_JPEG,
    "dda": DDA,
    "ntire": NTIRE,
}


@dataclass(frozen=True)
class NamedChain(Degradation):
    """The steps behind a name, as one step.

    Args:
        name: Of a definition.
        rounds: How many times it is run through.
    """

    name: str
    rounds: int = 1

    @property
    def options(self) -> str:  # noqa: D102 - the base documents it, here and below
        return "" if self.rounds == 1 else f",rounds={self.rounds}"

    @property
    def classes(self) -> frozenset[int]:  # type: ignore[override] # noqa: D102
        return NAMED[self.name].classes

    @property
    def draws(self) -> int:  # noqa: D102
        return self.rounds if NAMED[self.name].choices else 0

    def prepare(self) -> None:  # noqa: D102
        definition = NAMED[self.name]
        for step in (*definition.steps, *chain.from_iterable(definition.choices)):
            step.prepare()

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        for number in range(self.rounds):
            for step in self.drawn(key, draw + number):
                image = step.apply(image, key, draw + number)
        return image

    def drawn(self, key: int, draw: int) -> tuple[Degradation, ...]:
        """Returns the steps that one image goes through in one round."""
        definition = NAMED[self.name]
        if not definition.choices:
            return definition.steps
        numbers = stream(self.name, key, draw)
        kinds = numbers.permutation(len(definition.choices))[: numbers.integers(1, 4)]
        return tuple(definition.choices[kind][numbers.integers(len(definition.choices[kind]))] for kind in kinds)
