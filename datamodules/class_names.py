"""What people call the two classes, and edited images. A number is no name: in half of the sets 0 is fake."""

from typing import Literal

from datamodules.listing import normalised

Class = Literal["real", "generated", "partial"]

NAMES: dict[Class, tuple[str, ...]] = {
    "real": (
        *("real", "reals", "0_real", "human", "human-made", "not_ai", "non-ai", "no_ai", "authentic", "genuine"),
        *("nature", "natural", "original", "pristine", "photo", "photos", "photograph", "photographs", "camera"),
        *("real_image", "real_images", "not_fake", "not_generated"),
    ),
    "generated": (
        *("fake", "fakes", "1_fake", "0_fake", "ai", "ai_gen", "ai_generated", "synthetic", "fully_synthetic"),
        *("full_synthetic", "generated", "ai_image", "ai_images", "fake_image", "fake_images", "gen", "not_real"),
        *("machine", "aigc", "gan", "diffusion"),
    ),
    "partial": ("partial", "tampered", "inpainted", "edited", "manipulated", "partially_synthetic", "partial_fake"),
}
_CLASS_OF = {normalised(name): cls for cls, names in NAMES.items() for name in names} | {
    f"{digit}{word}": cls for digit in "01" for word, cls in (("real", "real"), ("fake", "generated"))
}


def class_of(word: str) -> Class | None:
    """Says which class a word means, in any case and punctuation; None of a number or any other word.

    Examples:
        >>> [class_of(word) for word in ("1_fake", "NOT_AI", "Tampered", "0", "cat")]
        ['generated', 'real', 'partial', None, None]
    """
    return _CLASS_OF.get(normalised(word))  # type: ignore[return-value] # the keys of NAMES
