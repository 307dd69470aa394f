"""Questions that a row cannot answer alone, by name. SQL that both databases understand."""

from collections.abc import Callable, Mapping

from sqlalchemy import TextClause, bindparam, text

from core.storage.tables import HELD, OUT, UNCLOSED, UNFINISHED, Moment

_MOMENTS = ("now", "lease", "since", "until")
MOMENT_COLUMNS = frozenset({"due_at", "oldest", "last_at"})  # of the answers; text in SQLite
# The conditions of the partial indexes, word for word: else SQLite would not use them.
_CONDITIONS = {
    "unfinished": UNFINISHED,
    "unclosed": UNCLOSED,
    "to_do": f"{UNCLOSED} AND status NOT IN ('resolved', 'confirmed')",
    "held": HELD,
    "out": OUT,
}


def _sql(sql: str) -> TextClause:
    """The statement with its moments typed, so that both databases compare them as instants."""
    statement = text(sql.format(**_CONDITIONS))
    typed = [bindparam(name, type_=Moment()) for name in _MOMENTS if f":{name}" in sql]
    return statement.bindparams(*typed) if typed else statement


def _claim(table: str, index: str, every: str, changes: str) -> Callable[[str], TextClause]:
    """Take rows that nobody else took: PostgreSQL skips what is locked, SQLite has one writer.

    SQLite, which keeps no statistics by itself, would walk through all rows that ever were.
    """

    def of(dialect: str) -> TextClause:
        postgres = dialect == "postgresql"
        skip = " FOR UPDATE SKIP LOCKED" if postgres else ""
        heads = every.format(by_index="" if postgres else f" INDEXED BY {index}")
        return _sql(f"UPDATE {table} SET {changes} WHERE id IN ({heads}{skip}) RETURNING id")  # noqa: S608

    return of


def _clocks_that_run(dialect: str) -> TextClause:
    """Subjects of tickets: the open ones, and those whose clocks run on after their end.

    The latter, a complaint's, have the timer of their next look. SQLite would read the ids of the
    former from an index over all tickets, because that one holds everything the question names.
    """
    by_index = "" if dialect == "postgresql" else " INDEXED BY ix_tickets_open"
    return _sql(
        f"SELECT 'ticket/' || id AS subject FROM tickets{by_index}"  # noqa: S608
        " WHERE {to_do}"
        " UNION SELECT subject FROM timers WHERE state = 'pending' AND kind = 'clock'"
    )


def _same(sql: str) -> Callable[[str], TextClause]:
    return lambda dialect: _sql(sql)


_INBOX_HEADS = """
SELECT i.id FROM inbox i{by_index}
WHERE i.state = 'new' AND (i.next_at IS NULL OR i.next_at <= :now)
  AND NOT EXISTS (SELECT 1 FROM inbox e
                  WHERE e.state = 'new' AND e.order_key = i.order_key AND e.id < i.id)
ORDER BY i.id LIMIT :many"""

# A letter that waits for its receiver's own hours does not hold up the next one.
_OUTBOX_HEADS = """
SELECT o.id FROM outbox o{by_index}
WHERE o.state = 'pending' AND o.channel = :channel AND (o.next_at IS NULL OR o.next_at <= :now)
  AND NOT EXISTS (SELECT 1 FROM outbox e
                  WHERE e.state IN ('pending', 'claimed', 'sending')
                    AND (e.attempts > 0 OR e.next_at IS NULL OR e.next_at <= :now)
                    AND e.channel = o.channel AND e.address = o.address AND e.id < o.id)
ORDER BY o.id LIMIT :many"""

QUERIES: Mapping[str, Callable[[str], TextClause]] = {
    # Tries are counted before the attempt, so that a row which kills the process dies as well.
    "claim_inbox": _claim(
        "inbox", "ix_inbox_new", _INBOX_HEADS, "tries = tries + 1, next_at = :lease"
    ),
    "claim_outbox": _claim(
        "outbox",
        "ix_outbox_queue",
        _OUTBOX_HEADS,
        "state = 'claimed', token = :token, lease_until = :lease, attempts = attempts + 1",
    ),
    "release_inbox": _same("UPDATE inbox SET next_at = NULL WHERE state = 'new' AND tries > 0"),
    "last_external": _same(
        "SELECT max(CAST(external_id AS BIGINT)) AS last FROM inbox"
        " WHERE channel = :channel AND account = :account AND received_at >= :since"
    ),
    "stale_cards": _same(
        "SELECT id FROM cards WHERE wanted_version > drawn_version ORDER BY id LIMIT :many"
    ),
    "want_cards": _same(
        "UPDATE cards SET wanted_version = :version WHERE ticket_id = :ticket RETURNING id"
    ),
    "loads": _same(
        "SELECT assignee_id AS person, count(*) AS open FROM tickets"
        " WHERE {held} GROUP BY assignee_id"
    ),
    "offered_loads": _same(
        "SELECT person_id AS person, count(*) AS open FROM offers WHERE state = 'open'"
        " GROUP BY person_id"
    ),
    "whereabouts": _same(
        "SELECT assignee_id AS person, site, max(changed_at) AS last_at FROM tickets"
        " WHERE assignee_id IS NOT NULL AND site IS NOT NULL AND {out} GROUP BY assignee_id, site"
        " ORDER BY last_at"
    ),
    "backlog": _same(
        # 'ticket/100' is the subject of ticket 100; CROSS JOIN makes SQLite begin with the timers
        "SELECT w.id, w.subject FROM timers w CROSS JOIN tickets t"
        " WHERE t.id = CAST(substr(w.subject, 8) AS BIGINT) AND w.subject LIKE 'ticket/%'"
        " AND w.state = 'pending' AND w.kind = 'offer_again' AND w.due_at > :now"
        " ORDER BY t.vip DESC, t.due_at IS NULL, t.due_at, t.id LIMIT :many"
    ),
    "kept_files": _same("SELECT DISTINCT sha256 FROM files WHERE sha256 <> ''"),
    "last_jobs": _same(
        "SELECT person_id AS person, max(answered_at) AS last_at, count(*) AS jobs FROM offers"
        " WHERE state = 'accepted' AND answered_at >= :since GROUP BY person_id"
    ),
    "inbox_lag": _same(
        "SELECT count(*) AS many, min(received_at) AS oldest FROM inbox WHERE state = 'new'"
    ),
    "inbox_dead": _same("SELECT count(*) AS many FROM inbox WHERE state = 'dead'"),
    "outbox_lag": _same(
        "SELECT count(*) AS many, min(created_at) AS oldest FROM outbox WHERE {unfinished}"
    ),
    "outbox_due": _same(
        "SELECT count(*) AS many FROM outbox WHERE {unfinished}"
        " AND (state <> 'pending' OR next_at IS NULL OR next_at <= :now)"
    ),
    "outbox_states": _same(
        "SELECT state, count(*) AS many FROM outbox WHERE state IN ('failed', 'unknown')"
        " GROUP BY state"
    ),
    "timer_lag": _same(
        "SELECT count(*) AS many, min(due_at) AS oldest FROM timers"
        " WHERE state = 'pending' AND due_at <= :now"
    ),
    "next_timer": _same("SELECT min(due_at) AS due_at FROM timers WHERE state = 'pending'"),
    "open_by_status": _same(
        "SELECT status, count(*) AS many FROM tickets WHERE {unclosed} GROUP BY status"
    ),
    "board": _same(
        "SELECT id FROM tickets WHERE {to_do} ORDER BY due_at IS NULL, due_at, id LIMIT :many"
    ),
    "board_counts": _same(
        "SELECT count(*) AS many, count(CASE WHEN due_at < :now THEN 1 END) AS late FROM tickets"
        " WHERE {to_do}"
    ),
    "due_soon": _same(
        "SELECT id FROM tickets WHERE {to_do} AND due_at < :until ORDER BY due_at, id LIMIT :many"
    ),
    "clocks_that_run": _clocks_that_run,
    "busy_channels": _same("SELECT DISTINCT channel FROM outbox WHERE {unfinished}"),
    "probe": _same("SELECT 1 AS one"),
}
