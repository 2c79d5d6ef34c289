"""A mapping that has the keys of its model and no others: what is said of a misspelled one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from lifecycle.scenario.values import (
    BadValueError,
    described,
)
from lifecycle.text.lines import nearest


class Closed(BaseModel):
    """A mapping that has the keys of its model and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_alias=True)
    reserved: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def keys(cls) -> list[str]:
        """The keys as an author writes them."""
        return [f.alias or name for name, f in cls.model_fields.items()]

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: Any) -> Any:
        known = cls.keys()
        if isinstance(data, cls):
            return data
        if not isinstance(data, Mapping):
            raise BadValueError(f"found {described(data)}", f"a mapping of {named_keys(known)}")
        for key, value in data.items():
            if key in cls.reserved:
                problem = f"`{key}` is reserved; this version does not run it yet"
                raise BadValueError(problem, f"only {named_keys(known)}", key=key)
            if key not in known:
                near = nearest(str(key), known)
                raise BadValueError(
                    f"unknown key `{key}`",
                    f"one of {named_keys(known)}",
                    key=key,
                    renamed=(near, value) if near else None,
                )
        return data


def named_keys(names: list[str]) -> str:
    """Keys as a sentence lists them."""
    return ", ".join(names)
