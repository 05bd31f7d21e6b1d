"""The parameters of paginated lists."""

from __future__ import annotations

from typing import Annotated

from litestar.params import Parameter

from server.api.v1.structs import MAX_PAGE

MOST_PER_PAGE, USUALLY_PER_PAGE = 100, 20

Page = Annotated[int, Parameter(ge=1, le=MAX_PAGE, description="Which page, from 1.")]
Limit = Annotated[int, Parameter(ge=1, le=MOST_PER_PAGE, description="Results per page.")]
