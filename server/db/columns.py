"""What all tables are made of: their common base, and a column that holds a struct as JSON."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, MetaData, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from engine.types import ready

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Constraints have names, or a migration could not drop them."""

Millis = BigInteger
"""A moment, see `server.clock`."""


class Table(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    __table__: ClassVar[sqlalchemy.Table]  # which it is wherever a class maps one table, as all of ours do


class Json(TypeDecorator[Any]):
    """A value of type `kind`, kept as JSON text. Replace the value to change it: it is not watched inside."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind
        ready(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else msgspec.json.decode(value, type=self.kind)
