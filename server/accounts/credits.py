"""The ledger of credits: taken, given back once, granted, listed. Always inside the caller's transaction."""

from __future__ import annotations

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from server.accounts.models import Credit, User
from server.clock import now
from server.errors import BadInput, Conflict, NotFound, TooFewCredits
from server.ids import cuid

MOST = 1_000_000_000
"""The most that is granted at once or kept: a balance is a 32-bit number in PostgreSQL."""


# Below the mapper, since every submit does this while it holds SQLite's one writer.
U = User.__table__.c
PAY = (
    update(User.__table__)
    .where(U.id == bindparam("payer"), U.balance >= bindparam("amount"))
    .values(balance=U.balance - bindparam("amount"))
)
ENTER = insert(Credit.__table__)


def debit(session: Session, user_id: str, job_id: str, amount: int) -> None:
    """Take `amount` for a job, in one conditional update, so that no credit is spent twice. Raises `TooFewCredits`."""
    paid = session.execute(PAY, {"payer": user_id, "amount": amount})
    if paid.rowcount != 1:  # pyright: ignore[reportAttributeAccessIssue]
        have = session.scalar(select(User.balance).where(User.id == user_id)) or 0
        raise TooFewCredits(f"This costs {amount} credits and {have} are left: ask an admin for more.")
    row = {"id": cuid(), "user_id": user_id, "amount": -amount, "reason": "debit", "job_id": job_id}
    session.execute(ENTER, {**row, "created_at": now()})


def refund(session: Session, user_id: str, job_id: str, amount: int) -> bool:
    """Give back what a job took. Exactly once: False, and nothing changes, if it was given back before."""
    row = _entry(user_id, amount, "refund", job_id)
    values = {column.key: getattr(row, column.key) for column in Credit.__table__.columns}
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    added = session.execute(insert(Credit).values(values).on_conflict_do_nothing().returning(Credit.id)).first()
    if added is None:
        return False
    _raise_balance(session, user_id, amount)
    return True


def grant(session: Session, user_id: str, amount: int) -> None:
    """Raises `BadInput`, `NotFound`, `Conflict` if the balance would grow past `MOST`."""
    if not 1 <= amount <= MOST:
        raise BadInput.of("credits", f"1 to {MOST}")
    if balance(session, user_id) + amount > MOST:
        raise Conflict(f"A balance of more than {MOST} credits cannot be kept.")
    session.add(_entry(user_id, amount, "grant", None))
    _raise_balance(session, user_id, amount)
    session.flush()


def balance(session: Session, user_id: str) -> int:
    """Raises `NotFound`."""
    kept = session.scalar(select(User.balance).where(User.id == user_id))
    if kept is None:
        raise NotFound("There is no such user.")
    return kept


def entries(session: Session, user_id: str, page: int, limit: int) -> tuple[list[Credit], int]:
    """One page of the user's entries, newest first, and how many there are in all."""
    total = session.scalar(select(func.count()).select_from(Credit).where(Credit.user_id == user_id)) or 0
    rows = (
        select(Credit)
        .where(Credit.user_id == user_id)
        .order_by(Credit.created_at.desc(), Credit.id.desc())
        .limit(limit)
        .offset((page - 1) * limit)
    )
    return list(session.scalars(rows)), total


def _entry(user_id: str, amount: int, reason: str, job_id: str | None) -> Credit:
    return Credit(id=cuid(), user_id=user_id, amount=amount, reason=reason, job_id=job_id, created_at=now())


def _raise_balance(session: Session, user_id: str, amount: int) -> None:
    session.execute(
        update(User)
        .where(User.id == user_id)
        .values(balance=User.balance + amount)
        .execution_options(synchronize_session=False)
    )
