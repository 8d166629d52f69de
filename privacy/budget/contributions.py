"""Contribution bounding as SQL, one text for DuckDB and PostgreSQL. Placeholders in braces are the dialect's.

Which groups of a person are kept follows a keyed hash: random to who reads the result, the same under the same key. The
bound itself holds for every key, so the key is no secret that privacy depends on.
"""

from __future__ import annotations

from typing import Final

from privacy.budget.bounds import ROWS, SUM, USERS

# Rows of a person in a group; read once, and everything below works on it.
CELLS: Final = """
create temp table contribution_cells {lifetime} as
select cast({user} as varchar) as person, cast({grp} as varchar) as grp, count(*) as n_rows
from {rows}
where {user} is not null and {grp} is not null and {value} is not null and {chosen}
group by 1, 2"""

# Only people above the bound are ranked: hashing is most of the cost, and few are above a sensible bound.
_KEPT: Final = """
with many as (
  select person from contribution_cells group by person having count(*) > {n_groups}
), ranked as (
  select person, grp, n_rows, row_number() over (
    partition by person order by {cell_digest}
  ) as place
  from contribution_cells as c where exists (select 1 from many where many.person = c.person)
), kept as (
  select person, grp, n_rows from contribution_cells as c
  where not exists (select 1 from many where many.person = c.person)
  union all
  select person, grp, n_rows from ranked where place <= {n_groups}
)"""

# Rows of one person, group and value are alike: the order among them does not matter.
_ROWS: Final = (
    _KEPT
    + """, placed as (
  select kept.person, kept.grp, cast(least(greatest({value}, {lower}), {upper}) as bigint) as amount,
    row_number() over (
      partition by kept.person, kept.grp
      order by case when kept.n_rows > {n_rows} then {row_digest} end, {value}
    ) as place
  from {rows}
  join kept on kept.person = cast({user} as varchar) and kept.grp = cast({grp} as varchar)
  where {value} is not null
), bounded as (
  select person, grp, amount from placed where place <= {n_rows}
)"""
)

SPREAD: Final = """
with spread as (
  select count(*) as n_groups, max(n_rows) as most_rows from contribution_cells group by person
)
select n_groups, most_rows, count(*) from spread group by 1, 2"""

TALLIES: Final = {
    USERS: _KEPT + " select grp, count(*) from kept group by grp",
    ROWS: _KEPT + " select grp, cast(sum(least(n_rows, {n_rows})) as bigint) from kept group by grp",
    SUM: _ROWS + " select grp, cast(sum(amount) as bigint) from bounded group by grp",
}

# What enters a tally, per person and group: for the proof that the bounds hold.
BOUNDED: Final = {
    USERS: _KEPT + " select person, grp, 1, 1 from kept",
    ROWS: _KEPT + " select person, grp, least(n_rows, {n_rows}), least(n_rows, {n_rows}) from kept",
    SUM: _ROWS + " select person, grp, count(*), cast(sum(amount) as bigint) from bounded group by person, grp",
}
