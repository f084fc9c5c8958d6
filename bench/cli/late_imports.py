"""Keeps libraries from importing at once what they hardly ever need: two seconds of most commands.

timm imports W&B for a function that writes summaries, and torchmetrics, which Lightning brings, imports Transformers
for its metrics of text. While they are imported, a module of late names stands in their place: what is made of such a
name becomes the real thing when it is first used. What the program itself imports, before or later, is the real module.
Only the process of a command does so (:func:`install`): whoever imports our packages has Python's own imports.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

LATE = {"timm": "wandb", "torchmetrics": "transformers"}
"""The library that each of these imports only when it uses it."""


class _LateName(type):
    """A class of a module that is not imported yet: calls, attributes and instances are those of the real one."""

    def _real(cls) -> Any:  # noqa: ANN401 - whatever it is
        return getattr(import_module(cls.__module__), cls.__name__)

    def __getattr__(cls, name: str) -> Any:  # noqa: ANN401 - whatever it is
        if name.startswith("__"):  # asked for by what only looks at a class
            raise AttributeError(name)
        return getattr(cls._real(), name)

    def __call__(cls, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the real one's
        return cls._real()(*arguments, **options)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls._real())


class _LateModule(ModuleType):
    """Stands in the place of a module while another one is imported."""

    def __getattr__(self, name: str) -> _LateName:
        if name.startswith("__"):
            raise AttributeError(name)
        return _LateName(name, (), {"__module__": self.__name__})


@contextmanager
def _replaced(name: str) -> Iterator[None]:
    """Has a late module in the place of one that is there and not imported yet."""
    spec = None if name in sys.modules else find_spec(name)
    if spec is None:
        yield
        return
    late = _LateModule(name)
    late.__spec__ = spec
    sys.modules[name] = late
    try:
        yield
    finally:
        if sys.modules.get(name) is late:
            del sys.modules[name]


class _Finder(MetaPathFinder):
    """Steps in when one of the libraries is imported for the first time."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Finds the library as Python does, and surrounds its import."""
        if name not in LATE or name in self.found:
            return None
        self.found.add(name)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_replaced(module: ModuleType) -> None:
                with _replaced(LATE[name]):
                    run(module)

            spec.loader.exec_module = run_replaced  # type: ignore[method-assign] # of this one loader
        return spec

    def __init__(self) -> None:
        self.found: set[str] = set()


def install() -> None:
    """Has this process import these libraries so; to be called before any of them is imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
