"""How addresses are read and made."""

from __future__ import annotations

import threading
from collections.abc import Callable

from werkzeug.routing import BaseConverter, Rule

#: CPython 3.11 can fail with a SystemError when two threads build syntax trees at once.
_ONE_AT_A_TIME = threading.Lock()


class Uid(BaseConverter):
    """Our public ids; anything else is not found before it gets near the database."""

    regex = "[a-z0-9_]{1,40}"


class Route(Rule):
    """Compiles how its address is made when it is first made. Werkzeug does so twice for each rule at once, which was
    most of what a process took to start, and few of our addresses are ever made."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_now = super()._compile_builder
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(route: Rule, /, **values: object) -> tuple[str, str]:
            if not compiled:
                with _ONE_AT_A_TIME:
                    compiled.append(compile_now(append_unknown))
            return compiled[0](route, **values)

        return build
