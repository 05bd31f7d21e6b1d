"""The caller's credits: what is left, and every entry of the ledger."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency

from server.accounts import credits
from server.accounts.caller import Caller
from server.accounts.documents import CreditDocument, credit_document
from server.api.v1.paging import USUALLY_PER_PAGE, Limit, Page
from server.api.v1.structs import PageOf, pagination
from server.place import Place


class CreditsAnswer(PageOf[CreditDocument], frozen=True):
    """`balance` is the sum of all entries."""

    balance: int


@get(
    "/credits",
    sync_to_thread=True,
    opt={"access": "credits"},
    operation_id="listCredits",
    summary="Balance and ledger",
    description="Credits left, and what was granted, taken and given back, newest first.",
    tags=["Credits"],
)
def list_credits(
    place: NamedDependency[Place], caller: NamedDependency[Caller], page: Page = 1, limit: Limit = USUALLY_PER_PAGE
) -> CreditsAnswer:
    with place.db.reading() as session:
        rows, total = credits.entries(session, caller.user_id, page, limit)
        return CreditsAnswer(
            balance=credits.balance(session, caller.user_id),
            data=[credit_document(entry) for entry in rows],
            pagination=pagination(page, limit, total),
        )


HANDLERS = [list_credits]
