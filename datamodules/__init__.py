"""Datasets of real and generated images: LightningDataModules, each made of a class that needs no Lightning.

What is here is listed in ``__init__.pyi``, and imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
