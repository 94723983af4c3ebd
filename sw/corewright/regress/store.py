# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Results of regressions in a database, over nights.

One process writes: the one that runs the scheduler. Each result is committed as it arrives, so that
whatever ends that process loses none. A case of a run has one row, however often it is delivered.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from corewright.environment import build_folder
from corewright.files import writing
from corewright.flow.errors import FlowInputError
from corewright.regress.case import VERDICTS, CaseResult

# Version of the tables; a database of another one is refused.
SCHEMA = 1
# Names this program's lock in PostgreSQL.
_LOCK = 0x636F7265
# Another run may be writing to the same SQLite file, seconds.
_BUSY_SECONDS = 60
# Cases whose bins and summaries are in memory at a time.
_FETCHED = 500

_METADATA = sa.MetaData()
_VERSION = sa.Table("corewright_schema", _METADATA, sa.Column("version", sa.Integer))
_RUNS = sa.Table(
    "runs",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("suite", sa.String(64), nullable=False, index=True),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("cases", sa.Integer, nullable=False),
    # UTC, ISO 8601: sorts as text, and every database keeps it as it is.
    sa.Column("started", sa.String(32), nullable=False),
    sa.Column("ended", sa.String(32)),
    sa.Column("commit_id", sa.String(64)),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("farm", sa.String(255)),
    sa.Column("provenance", sa.JSON, nullable=False),
    sa.Column("preparation_seconds", sa.Float, nullable=False, default=0.0),
)
_CASES = sa.Table(
    "cases",
    _METADATA,
    sa.Column("run_id", sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("case_index", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("summary", sa.JSON, nullable=False),
    sa.Column("bins", sa.JSON, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
)

State = Literal["complete", "interrupted", "open"]


@dataclass(frozen=True)
class RunRecord:
    """A run as the database has it.

    Attributes:
        id: of the run in this database.
        suite: its name.
        seed: of the run.
        cases: that were to run.
        started: UTC, ISO 8601.
        ended: the same; None: it runs, or what ran it was killed.
        commit: of the clone, ``+`` behind it with uncommitted changes; None outside of one.
        host: that ran the scheduler.
        farm: as on the command line; None: this machine's processes.
        counts: cases by verdict.
        seconds: processor time of the cases.
        preparation_seconds: processor time of what they share.
    """

    id: int
    suite: str
    seed: int
    cases: int
    started: str
    ended: str | None
    commit: str | None
    host: str
    farm: str | None
    counts: Mapping[str, int]
    seconds: float
    preparation_seconds: float

    @property
    def ran(self) -> int:
        """Cases with a result."""
        return sum(self.counts.values())

    @property
    def state(self) -> State:
        """``open``: it runs, or what ran it was killed."""
        if self.ended is None:
            return "open"
        return "complete" if self.ran == self.cases else "interrupted"

    @property
    def cases_per_core_minute(self) -> float:
        """Of processor time, with that of compiling."""
        total = self.seconds + self.preparation_seconds
        return round(60 * self.ran / total, 2) if total else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of ``./cw regress --history``."""
        return {
            "run": self.id,
            "suite": self.suite,
            "seed": self.seed,
            "cases": self.cases,
            "started": self.started,
            "ended": self.ended,
            "state": self.state,
            "commit": self.commit,
            "host": self.host,
            "farm": self.farm,
            "passed": self.counts["passed"],
            "failed": self.counts["failed"],
            "errors": self.counts["error"],
            "cases_per_core_minute": self.cases_per_core_minute,
        }


def default_url() -> str:
    """Return the SQLite file in the build folder, where nothing else is named."""
    return f"sqlite:///{build_folder() / 'regress' / 'results.sqlite'}"


class Store:
    """A database of runs and their cases.

    Args:
        url: what SQLAlchemy takes, or the path of a SQLite file; made if it is not there.

    Raises:
        FlowInputError: it is no URL, its driver is not installed, or no such database.
        OutputError: a SQLite file's folder cannot be written.
    """

    def __init__(self, url: str | None = None) -> None:
        self.url = _url(url or default_url())
        self._engine = _engine(self.url)
        try:
            self._prepare()
        except (sa.exc.SQLAlchemyError, OSError) as error:
            self._engine.dispose()
            raise FlowInputError(f"--database {self}: {_brief(error)}") from error

    def __str__(self) -> str:
        """The URL without a password."""
        return self.url.render_as_string(hide_password=True)

    def _prepare(self) -> None:
        with self._engine.begin() as connection:
            # Two runs may start at the same time.
            if self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            if self._engine.dialect.name == "postgresql":
                # It looks for tables and makes them in two steps; until the end of the transaction.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            _METADATA.create_all(connection)
            version = connection.execute(sa.select(_VERSION.c.version)).scalar()
            if version is None:
                connection.execute(_VERSION.insert().values(version=SCHEMA))
        if version not in (None, SCHEMA):
            self._engine.dispose()
            raise FlowInputError(
                f"--database {self}: its tables have version {version}, legal is {SCHEMA}"
            )

    def __enter__(self) -> Store:
        """Close it in the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # ------------------------------------------------------------------------------ writing

    def begin(
        self,
        suite: str,
        seed: int,
        cases: int,
        provenance: Mapping[str, str | None],
        farm: str | None = None,
    ) -> int:
        """Add a run, and return its number.

        Args:
            suite: its name.
            seed: of the run.
            cases: that are to run.
            provenance: see :func:`corewright.environment.provenance`.
            farm: as on the command line; None: this machine's processes.
        """
        row = {
            "suite": suite,
            "seed": seed,
            "cases": cases,
            "started": _now(),
            "commit_id": provenance.get("commit"),
            "host": platform.node(),
            "farm": farm,
            "provenance": dict(provenance),
        }
        with self._engine.begin() as connection:
            key = connection.execute(_RUNS.insert().values(row)).inserted_primary_key
        if key is None:
            raise RuntimeError("the database gave the run no number")
        return int(key[0])

    def record(self, run: int, result: CaseResult) -> bool:
        """Add a case's result at once; False: the case had one, which stays.

        Args:
            run: its number.
            result: of one of its cases.
        """
        row = {
            "run_id": run,
            "case_index": result.index,
            "verdict": result.verdict,
            "signature": result.signature,
            "detail": result.detail,
            "summary": dict(result.summary),
            "bins": list(result.bins),
            "seconds": result.seconds,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(_CASES.insert().values(row))
        except sa.exc.IntegrityError:
            if self._has(run, result.index):
                return False
            raise
        return True

    def _has(self, run: int, index: int) -> bool:
        query = sa.select(sa.func.count()).where(
            _CASES.c.run_id == run, _CASES.c.case_index == index
        )
        with self._engine.connect() as connection:
            return bool(connection.execute(query).scalar())

    def finish(self, run: int, preparation_seconds: float) -> None:
        """Note that a run has ended, with all of its cases or because it was interrupted.

        Args:
            run: its number.
            preparation_seconds: since it began, or since it was resumed.
        """
        values = {
            "ended": _now(),
            "preparation_seconds": _RUNS.c.preparation_seconds + preparation_seconds,
        }
        with self._engine.begin() as connection:
            connection.execute(_RUNS.update().where(_RUNS.c.id == run).values(values))

    def resume(self, suite: str, seed: int, sources: str, cases: int | None = None) -> RunRecord:
        """Open again the latest run of a suite with a seed, for the cases that it lacks.

        Args:
            suite: its name.
            seed: of the run.
            sources: ``sources`` of the provenance that it was begun with.
            cases: that were to run; None: however many.

        Raises:
            FlowInputError: there is none, or it is another one; the message says what differs.
        """
        query = sa.select(_RUNS.c.id, _RUNS.c.provenance).where(
            _RUNS.c.suite == suite, _RUNS.c.seed == seed
        )
        with self._engine.connect() as connection:
            found = {row.id: row.provenance for row in connection.execute(query)}
        run = next((run for run in self.history(suite) if run.id in found), None)
        where = f"--resume: {self} has"
        if run is None:
            raise FlowInputError(f"{where} no run of {suite} with seed {seed}")
        if cases not in (None, run.cases):
            raise FlowInputError(f"{where} {run.cases} cases in run {run.id}, not {cases}")
        if found[run.id].get("sources") != sources:
            raise FlowInputError(f"{where} run {run.id}, which is of other sources than these")
        if run.ran == run.cases and run.ended is not None:
            raise FlowInputError(f"{where} all cases of run {run.id}: nothing is left to run")
        with self._engine.begin() as connection:
            connection.execute(_RUNS.update().where(_RUNS.c.id == run.id).values(ended=None))
        return run

    # ------------------------------------------------------------------------------ reading

    def history(self, suite: str | None = None, limit: int | None = None) -> list[RunRecord]:
        """Return runs, the latest first.

        Args:
            suite: only its runs.
            limit: at most so many.
        """
        # A user's database may hold years: cases are counted for the runs that are shown.
        query = sa.select(_RUNS).order_by(_RUNS.c.started.desc(), _RUNS.c.id.desc())
        if suite is not None:
            query = query.where(_RUNS.c.suite == suite)
        with self._engine.connect() as connection:
            runs = connection.execute(query.limit(limit)).mappings().all()
            sums = _sums(connection, [run["id"] for run in runs])
        return [
            RunRecord(
                id=run["id"],
                suite=run["suite"],
                seed=run["seed"],
                cases=run["cases"],
                started=run["started"],
                ended=run["ended"],
                commit=run["commit_id"],
                host=run["host"],
                farm=run["farm"],
                counts={
                    verdict: sums.get((run["id"], verdict), (0, 0.0))[0] for verdict in VERDICTS
                },
                seconds=sum(sums.get((run["id"], verdict), (0, 0.0))[1] for verdict in VERDICTS),
                preparation_seconds=run["preparation_seconds"],
            )
            for run in runs
        ]

    def results(self, run: int) -> Iterator[CaseResult]:
        """Yield the results of a run, in the order of their indices."""
        query = (
            sa.select(_CASES, _RUNS.c.suite, _RUNS.c.seed)
            .join(_RUNS, _RUNS.c.id == _CASES.c.run_id)
            .where(_CASES.c.run_id == run)
            .order_by(_CASES.c.case_index)
        )
        with self._engine.connect() as connection:
            rows = connection.execution_options(yield_per=_FETCHED).execute(query).mappings()
            for row in rows:
                yield CaseResult(
                    suite=row["suite"],
                    seed=row["seed"],
                    index=row["case_index"],
                    verdict=row["verdict"],
                    signature=row["signature"],
                    detail=row["detail"],
                    summary=row["summary"],
                    bins=tuple(row["bins"]),
                    seconds=row["seconds"],
                )


def _sums(
    connection: sa.Connection, runs: Sequence[int]
) -> dict[tuple[int, str], tuple[int, float]]:
    """Number and seconds of cases by run and verdict."""
    columns = (_CASES.c.run_id, _CASES.c.verdict)
    query = sa.select(*columns, sa.func.count(), sa.func.sum(_CASES.c.seconds)).group_by(*columns)
    found = connection.execute(query.where(_CASES.c.run_id.in_(runs)))
    return {(run, verdict): (count, seconds) for run, verdict, count, seconds in found}


def _url(text: str) -> sa.URL:
    if "://" not in text:
        return sa.URL.create("sqlite", database=str(Path(text).resolve()))
    try:
        return make_url(text)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise FlowInputError(
            f"--database is '{text}', legal is a path or a URL: {error}"
        ) from error


def _engine(url: sa.URL) -> sa.Engine:
    file = url.database if url.get_backend_name() == "sqlite" else None
    if file and file != ":memory:":
        with writing(file, "--database URL"):
            Path(file).parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"pool_pre_ping": True}
    if file:
        options = {"connect_args": {"timeout": _BUSY_SECONDS}}
    try:
        engine = sa.create_engine(url, **options)
    except (sa.exc.ArgumentError, ImportError) as error:
        # NoSuchModuleError, for an unknown dialect, is an ArgumentError.
        raise FlowInputError(f"--database {url.render_as_string()}: {_brief(error)}") from error
    if url.get_backend_name() == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # Readers do not wait for the writer; a result costs no sync of the disk, and is only lost if
    # the machine itself goes down within seconds.
    for setting in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {setting}")


def _brief(error: BaseException) -> str:
    """What the driver says, on one line."""
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split()) or type(cause).__name__


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
