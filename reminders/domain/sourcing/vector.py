"""The same arithmetic for thousands of tries at once.

A formula over figures is one over many values of each figure, if all it does is add, subtract, multiply and divide. A
``Vector`` holds one value per try and works where a ``Decimal`` is expected; each element takes the very steps that one
``Decimal`` would, so results are equal to the last digit and only the walk through the formula is saved. What is more
than arithmetic (a choice, a search) goes through ``each``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import repeat
from operator import add, mul, pow, sub, truediv
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Vector:
    """One value per try. All vectors of a calculation have the same length."""

    __slots__ = ("items",)

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __add__(self, other: Any) -> Any:
        return each(add, self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return each(sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return each(sub, other, self)

    def __mul__(self, other: Any) -> Any:
        return each(mul, self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return each(truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return each(truediv, other, self)

    def __pow__(self, other: Any) -> Any:
        return each(pow, self, other)

    def max(self, other: Any) -> Any:
        """As ``Decimal.max``: the larger of the two."""
        return each(max, self, other)


def each(work: Callable[..., T], *values: Any) -> T:
    """``work(*values)``; when some of them are vectors, a vector of what it makes of each try."""
    for value in values:
        if isinstance(value, Vector):
            break
    else:
        return work(*values)
    lines = (value.items if isinstance(value, Vector) else repeat(value) for value in values)
    return cast(T, Vector(list(map(work, *lines))))


def vector(values: Iterable[Decimal]) -> Decimal:
    """Many values of a figure, to be used as if they were one."""
    return cast(Decimal, Vector(list(values)))


def values(found: Decimal, length: int) -> list[Decimal]:
    """The values of a result, ``length`` of them; a result that hangs on no vector is the same in every try."""
    many: Any = found
    return many.items if isinstance(many, Vector) else [found] * length
