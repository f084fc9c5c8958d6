"""Detectors of AI-generated images behind one interface; usable with torch alone, without the rest of the suite.

What is here is listed in ``__init__.pyi``, and imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
