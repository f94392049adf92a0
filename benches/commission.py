"""Times `spm comp run --detail` beside DuckDB, Polars and pandas doing the same work with the same outputs, and beside
the floor: reading the columns that are needed and writing the same bytes, without any calculation.

Each turn runs each of them once, as a process of its own, so that all meet the same noise. Payments and detail (what
each credit earned) are compared row by row: they must be equal where the peer is exact."""

import json
import os
import pathlib
import subprocess
import sys
import time

import duckdb

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ROOT = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "/tmp/spm-bench") / str(ROWS)
PEERS = sys.argv[3].split(",") if len(sys.argv) > 3 else ["duckdb", "polars", "pandas", "floor"]
SPM = os.environ.get("SPM", str(pathlib.Path(__file__).parent.parent / "target/release/spm"))
REPS, ACCOUNTS, SEED, TURNS = 5_000, 200_000, 7, int(os.environ.get("TURNS", "3"))

PROJECT = """version = 1
name = "Bench"
currency = "USD"
calendar = { pattern = "months", start = 2027-01-01, years = 1 }
[sources.reps]
files = "reps.parquet"
columns = { rep_id = "rep_id", manager_id = "manager_id" }
[sources.transactions]
files = "transactions.parquet"
columns = { transaction_id = "transaction_id", account_id = "account_id", rep_id = "rep_id", event_date = "event_date", amount = "amount", kind = "kind" }
[sources.splits]
files = "splits.parquet"
columns = { transaction_id = "transaction_id", rep_id = "rep_id", share = "share" }
[sources.quotas]
files = "quotas.parquet"
columns = { holder_id = "rep_id", period = "period", amount = "amount" }
"""

# In a month: commission by attainment; an accelerator by amount and renewals, both with a cap.
PLAN = f"""version = 1
kind = "comp"
id = "bench"
[[credit]]
name = "sales"
where = "kind IN ('new', 'expansion')"
to = "splits"
[[credit]]
name = "renewals"
where = "kind = 'renewal'"
[[measure]]
name = "sales"
credits = ["sales"]
goal = {{ quota = "quota" }}
[[measure]]
name = "renewals"
credits = ["renewals"]
[[component]]
name = "commission"
measure = "sales"
pay = "per-unit"
tiers = {{ on = "attainment", steps = [{{ from = "0%", rate = "8%" }}, {{ from = "100%", rate = "12%" }}, {{ from = "150%", rate = "15%" }}] }}
[[component]]
name = "accelerator"
measure = "sales"
pay = "per-unit"
tiers = {{ on = "amount", steps = [{{ from = "0", rate = "0%" }}, {{ from = "{ROWS // 100}", rate = "1%" }}, {{ from = "{ROWS // 50}", rate = "2%" }}] }}
cap = {{ amount = "{ROWS // 2000}" }}
[[component]]
name = "renewal"
measure = "renewals"
pay = "per-unit"
tiers = {{ on = "amount", steps = [{{ from = "0", rate = "2%" }}, {{ from = "{ROWS // 100}", rate = "3%" }}] }}
cap = {{ amount = "{ROWS // 2000}" }}
"""


def generate():
    if (ROOT / "quotas.parquet").exists():
        return
    (ROOT / "plans").mkdir(parents=True, exist_ok=True)
    (ROOT / "spm.toml").write_text(PROJECT)
    (ROOT / "plans/bench.toml").write_text(PLAN)
    db = duckdb.connect()
    db.execute("SET preserve_insertion_order = true")
    h = lambda salt, modulo: f"(hash(i * 31 + {salt} + {SEED} * 1000003) % {modulo})::BIGINT"
    rep = lambda number: f"'r' || lpad(({number})::VARCHAR, 6, '0')"
    write = lambda name, query: db.execute(f"COPY ({query}) TO '{ROOT}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
    write("transactions", f"""SELECT 't' || lpad(i::VARCHAR, 9, '0') AS transaction_id, 'a' || {h(1, ACCOUNTS)} AS account_id,
        {rep(h(2, REPS))} AS rep_id, DATE '2027-01-01' + {h(3, 365)}::INTEGER AS event_date,
        (({h(4, 2_000_000)} - 50000) * 0.01::DECIMAL(3, 2))::DECIMAL(14, 2) AS amount,
        ['new', 'expansion', 'renewal', 'other'][1 + {h(5, 4)}] AS kind FROM range({ROWS}) t(i)""")
    write("splits", f"""SELECT 't' || lpad(i::VARCHAR, 9, '0') AS transaction_id, {rep(f"({h(6, REPS)} + k * 7) % {REPS}")} AS rep_id,
        [0.5, 0.3, 0.2][k + 1]::DECIMAL(5, 4) AS share FROM range({ROWS}) t(i), range(3) s(k) WHERE i % 10 = 0""")
    write("reps", f"SELECT {rep('i')} AS rep_id, CASE WHEN i % 10 > 0 THEN {rep('i - i % 10')} END AS manager_id FROM range({REPS}) t(i)")
    # A payee's month has ROWS / 120,000 sales of 9,500 on average: a quota is of that order.
    write("quotas", f"""SELECT {rep('i')} AS rep_id, strftime(DATE '2027-01-01' + to_months(m::INTEGER), '%Y-%m') AS period,
        ((50000 + {h(8, 50000)}) * {ROWS} // 1000000)::DECIMAL(14, 2) AS amount FROM range({REPS}) t(i), range(12) u(m)""")


# Amounts are cents, pay is in units of 10^-4 dollars: exact in 64 bits. Parts are rounded as spm rounds them: down, then
# one cent more for the largest remainders.
SQL = f"""
CREATE TABLE credits AS
WITH base AS (SELECT transaction_id, account_id, rep_id, event_date, kind, (amount * 100)::BIGINT AS cents FROM 'transactions.parquet'
              WHERE kind IN ('new', 'expansion', 'renewal') AND event_date >= DATE '2027-01-01' AND event_date < DATE '2027-04-01'),
parts AS (SELECT b.*, coalesce(s.rep_id, b.rep_id) AS payee_id,
                 CASE WHEN s.share IS NULL THEN cents ELSE (abs(cents) * (s.share * 10000)::BIGINT // 10000) * sign(cents)::BIGINT END AS part,
                 row_number() OVER (PARTITION BY b.transaction_id ORDER BY s.share DESC, s.rep_id) AS place
          FROM base b LEFT JOIN 'splits.parquet' s ON b.transaction_id = s.transaction_id AND b.kind <> 'renewal'),
whole AS (SELECT *, part + CASE WHEN place = 1 THEN cents - sum(part) OVER (PARTITION BY transaction_id) ELSE 0 END AS amount FROM parts)
SELECT CASE WHEN kind = 'renewal' THEN 'renewals' ELSE 'sales' END AS credit, payee_id, transaction_id, account_id, event_date,
       strftime(event_date, '%Y-%m') AS period, amount::BIGINT AS cents FROM whole;
COPY (SELECT 'bench' AS plan_id, credit, payee_id, transaction_id, account_id, event_date, period, 'direct' AS type,
             (cents * 0.01::DECIMAL(3, 2))::DECIMAL(18, 2) AS amount
      FROM credits ORDER BY credit DESC, transaction_id, payee_id) TO 'duckdb_credits.parquet' (FORMAT parquet, COMPRESSION zstd);
CREATE TABLE steps AS
WITH ordered AS (SELECT *, sum(cents) OVER (PARTITION BY credit, payee_id, period ORDER BY event_date, transaction_id)::BIGINT AS x FROM credits)
SELECT o.*, (coalesce(q.amount, 0) * 100)::BIGINT AS goal FROM ordered o LEFT JOIN 'quotas.parquet' q ON o.payee_id = q.rep_id AND o.period = q.period;
CREATE TABLE climbs AS
SELECT 'commission' AS component, *, 8 * x + 4 * greatest(x - goal, 0) + 3 * greatest(x - goal * 3 // 2, 0) AS height,
       8 * (x - cents) + 4 * greatest(x - cents - goal, 0) + 3 * greatest(x - cents - goal * 3 // 2, 0) AS before, NULL::BIGINT AS cap
FROM steps WHERE credit = 'sales'
UNION ALL
SELECT 'accelerator', *, greatest(x - {ROWS}, 0) + greatest(x - {2 * ROWS}, 0), greatest(x - cents - {ROWS}, 0) + greatest(x - cents - {2 * ROWS}, 0), {ROWS // 20}
FROM steps WHERE credit = 'sales'
UNION ALL
SELECT 'renewal', *, 2 * x + greatest(x - {ROWS}, 0), 2 * (x - cents) + greatest(x - cents - {ROWS}, 0), {ROWS // 20}
FROM steps WHERE credit = 'renewals';
CREATE TABLE lines AS
WITH sums AS (SELECT component, payee_id, period, sum(height - before)::BIGINT AS pay, any_value(cap) AS cap, sum(cents)::BIGINT AS measured FROM climbs GROUP BY ALL)
SELECT component, payee_id, period, pay, measured, least((abs(pay) + 50) // 100 * sign(pay), coalesce(cap, 9000000000000000000))::BIGINT AS cents FROM sums;
CREATE TABLE floors AS
WITH shared AS (SELECT c.*, l.cents AS total, CASE WHEN l.pay = 0 THEN c.cents ELSE height - before END::HUGEINT AS weight,
                       CASE WHEN l.pay = 0 THEN l.measured ELSE l.pay END::HUGEINT AS whole
                FROM climbs c JOIN lines l USING (component, payee_id, period)),
-- The sign goes to the weight, so that floors are floors whatever the sign of the whole.
signed AS (SELECT * EXCLUDE (weight, whole), weight * sign(whole)::HUGEINT * total AS weight, abs(whole) AS whole FROM shared),
divided AS (SELECT *, CASE WHEN total = 0 THEN 0 ELSE (weight - ((weight % whole) + whole) % whole) // whole END AS part FROM signed)
SELECT *, CASE WHEN total = 0 THEN 0 ELSE weight - part * whole END AS remainder FROM divided;
COPY (
WITH ranked AS (SELECT *, row_number() OVER (PARTITION BY component, payee_id, period ORDER BY remainder DESC, event_date, transaction_id) AS place,
                total - sum(part) OVER (PARTITION BY component, payee_id, period) AS rest FROM floors)
SELECT 'bench' AS plan_id, payee_id, period, component, transaction_id, event_date, (cents * 0.01::DECIMAL(3, 2))::DECIMAL(18, 2) AS credited,
       ((part + (place <= rest)::INT)::BIGINT * 0.01::DECIMAL(3, 2))::DECIMAL(18, 2) AS earned
FROM ranked ORDER BY component, payee_id, period, event_date, transaction_id) TO 'duckdb_attribution.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (SELECT payee_id, period, (sum(cents)::BIGINT * 0.01::DECIMAL(3, 2))::DECIMAL(18, 2) AS amount FROM lines GROUP BY ALL ORDER BY period, payee_id)
TO 'duckdb_payments.parquet' (FORMAT parquet, COMPRESSION zstd);
"""

# The same steps; parts of lines are rounded by cumulative sums instead of largest remainders, which saves the ranking.
POLARS = f"""
import polars as pl
from datetime import date
t = pl.scan_parquet("transactions.parquet").filter(pl.col("kind").is_in(["new", "expansion", "renewal"]), pl.col("event_date") < date(2027, 4, 1))
t = t.with_columns(cents=(pl.col("amount") * 100).cast(pl.Int64), sold=pl.col("kind") != "renewal").collect(engine="streaming")
s = pl.read_parquet("splits.parquet").select("transaction_id", payee_id="rep_id", share=(pl.col("share") * 10000).cast(pl.Int64))
sales = t.filter("sold").join(s, on="transaction_id", how="left", maintain_order="left")
sales = sales.with_columns(payee_id=pl.coalesce("payee_id", "rep_id"), part=pl.when(pl.col("share").is_null()).then("cents").otherwise(pl.col("cents").abs() * pl.col("share") // 10000 * pl.col("cents").sign()))
sales = sales.sort("transaction_id", "share", "payee_id", descending=[False, True, False])
first = pl.col("transaction_id") != pl.col("transaction_id").shift().fill_null("")
sales = sales.with_columns(amount=pl.col("part") + pl.when(first).then(pl.col("cents") - pl.col("part").sum().over("transaction_id")).otherwise(0), credit=pl.lit("sales"))
renewals = t.filter(~pl.col("sold")).with_columns(payee_id="rep_id", amount="cents", credit=pl.lit("renewals"))
names = ["credit", "payee_id", "transaction_id", "account_id", "event_date", "amount"]
credits = pl.concat([sales.select(names), renewals.select(names)]).with_columns(period=pl.col("event_date").dt.strftime("%Y-%m"), plan_id=pl.lit("bench"), type=pl.lit("direct"))
money = lambda name: (pl.col(name).cast(pl.Decimal(18, 2)) * pl.lit("0.01").cast(pl.Decimal(3, 2))).cast(pl.Decimal(18, 2))
credits.with_columns(money("amount")).sort("credit", "transaction_id", "payee_id", descending=[True, False, False]).write_parquet("polars_credits.parquet")
cell = ["credit", "payee_id", "period"]
q = pl.read_parquet("quotas.parquet").select(payee_id="rep_id", period="period", goal=(pl.col("amount") * 100).cast(pl.Int64))
o = credits.select(*names, "period").sort(*cell, "event_date", "transaction_id").with_columns(x=pl.col("amount").cum_sum().over(cell))
o = o.join(q, on=["payee_id", "period"], how="left", maintain_order="left").with_columns(pl.col("goal").fill_null(0), y=pl.col("x") - pl.col("amount"))
above = lambda x, bound: (x - bound).clip(lower_bound=0)
commission = lambda x: 8 * x + 4 * above(x, pl.col("goal")) + 3 * above(x, pl.col("goal") * 3 // 2)
accelerator = lambda x: above(x, {ROWS}) + above(x, {2 * ROWS})
renewal = lambda x: 2 * x + above(x, {ROWS})
lines, details = [], []
for name, of, pay, cap in [("commission", "sales", commission, None), ("accelerator", "sales", accelerator, {ROWS // 20}), ("renewal", "renewals", renewal, {ROWS // 20})]:
    part = o.filter(pl.col("credit") == of).with_columns(climb=pay(pl.col("x")) - pay(pl.col("y")))
    line = part.group_by(cell).agg(pay=pl.col("climb").sum(), measured=pl.col("amount").sum()).with_columns(cents=(pl.col("pay").abs() + 50) // 100 * pl.col("pay").sign())
    if cap is not None:
        line = line.with_columns(pl.col("cents").clip(upper_bound=cap))
    lines.append(line)
    part = part.join(line, on=cell, how="left", maintain_order="left")
    weight = pl.when(pl.col("pay") == 0).then("amount").otherwise("climb")
    whole = pl.when(pl.col("pay") == 0).then("measured").otherwise("pay")
    part = part.with_columns(share=weight.cum_sum().over(cell).cast(pl.Float64) * pl.col("cents") / whole)
    part = part.with_columns(up=pl.when(pl.col("cents") == 0).then(0).otherwise(pl.col("share").round()).cast(pl.Int64))
    part = part.with_columns(earned=pl.col("up") - pl.col("up").shift(1, fill_value=0).over(cell), component=pl.lit(name), plan_id=pl.lit("bench"))
    details.append(part.select("plan_id", "payee_id", "period", "component", "transaction_id", "event_date", money("amount").alias("credited"), money("earned")))
pl.concat(details).write_parquet("polars_attribution.parquet")
pl.concat(lines).group_by("payee_id", "period").agg(amount=pl.col("cents").sum()).sort("period", "payee_id").with_columns(money("amount")).write_parquet("polars_payments.parquet")
"""

PANDAS = f"""
import numpy, pandas
read = lambda name, columns: pandas.read_parquet(name + ".parquet", columns=columns, dtype_backend="pyarrow")
cents = lambda values: pandas.Series(numpy.rint(values.astype("float64") * 100).astype("int64").to_numpy(), index=values.index)
t = read("transactions", ["transaction_id", "account_id", "rep_id", "event_date", "amount", "kind"])
t = t[t.kind.isin(["new", "expansion", "renewal"]) & (t.event_date < pandas.Timestamp("2027-04-01").date())]
t["cents"] = cents(t.amount)
s = read("splits", ["transaction_id", "rep_id", "share"])
s = pandas.DataFrame(dict(transaction_id=s.transaction_id, payee_id=s.rep_id, share=numpy.rint(s.share.astype("float64") * 10000).astype("int64")))
sales = t[t.kind != "renewal"].merge(s, on="transaction_id", how="left")
given = sales.share.notna()
sales["payee_id"] = sales.payee_id.where(given, sales.rep_id)
sales["part"] = numpy.where(given, sales.cents.abs() * sales.share.fillna(0).astype("int64") // 10000 * numpy.sign(sales.cents), sales.cents)
sales = sales.sort_values(["transaction_id", "share", "payee_id"], ascending=[True, False, True])
first = ~sales.transaction_id.duplicated()
sales["amount"] = sales.part + numpy.where(first, sales.cents - sales.groupby("transaction_id").part.transform("sum"), 0)
sales["credit"] = "sales"
renewals = t[t.kind == "renewal"].assign(credit="renewals")
renewals["payee_id"], renewals["amount"] = renewals.rep_id, renewals.cents
names = ["credit", "payee_id", "transaction_id", "account_id", "event_date", "amount"]
credits = pandas.concat([sales[names], renewals[names]])
credits["period"] = pandas.to_datetime(credits.event_date).dt.strftime("%Y-%m")
credits["plan_id"], credits["type"] = "bench", "direct"
money = lambda frame, columns: frame.assign(**{{name: frame[name] / 100 for name in columns}})
money(credits.sort_values(["credit", "transaction_id", "payee_id"], ascending=[False, True, True]), ["amount"]).to_parquet("pandas_credits.parquet", compression="zstd")
cell = ["credit", "payee_id", "period"]
q = read("quotas", ["rep_id", "period", "amount"])
q = pandas.DataFrame(dict(payee_id=q.rep_id, period=q.period, goal=cents(q.amount)))
o = credits[names + ["period"]].sort_values(cell + ["event_date", "transaction_id"])
o["x"] = o.groupby(cell).amount.cumsum()
o = o.merge(q, on=["payee_id", "period"], how="left")
o["goal"] = o.goal.fillna(0).astype("int64")
o["y"] = o.x - o.amount
above = lambda x, bound: (x - bound).clip(lower=0)
commission = lambda x, f: 8 * x + 4 * above(x, f.goal) + 3 * above(x, f.goal * 3 // 2)
accelerator = lambda x, f: above(x, {ROWS}) + above(x, {2 * ROWS})
renewal = lambda x, f: 2 * x + above(x, {ROWS})
lines, details = [], []
for name, of, pay, cap in [("commission", "sales", commission, None), ("accelerator", "sales", accelerator, {ROWS // 20}), ("renewal", "renewals", renewal, {ROWS // 20})]:
    part = o[o.credit == of].copy()
    part["climb"] = pay(part.x, part) - pay(part.y, part)
    line = part.groupby(cell).agg(pay=("climb", "sum"), measured=("amount", "sum")).reset_index()
    line["cents"] = (line.pay.abs() + 50) // 100 * numpy.sign(line.pay)
    if cap is not None:
        line["cents"] = line.cents.clip(upper=cap)
    lines.append(line)
    part = part.merge(line, on=cell, how="left")
    part["weight"] = numpy.where(part.pay == 0, part.amount, part.climb)
    whole = numpy.where(part.pay == 0, part.measured, part.pay)
    share = part.groupby(cell).weight.cumsum().astype("float64") * part.cents / numpy.where(whole == 0, 1, whole)
    part["up"] = numpy.rint(share).astype("int64")
    part["earned"] = part.up - part.groupby(cell).up.shift(1, fill_value=0)
    part["credited"], part["component"], part["plan_id"] = part.amount, name, "bench"
    details.append(money(part[["plan_id", "payee_id", "period", "component", "transaction_id", "event_date", "credited", "earned"]], ["credited", "earned"]))
pandas.concat(details).to_parquet("pandas_attribution.parquet", compression="zstd")
payments = pandas.concat(lines).groupby(["payee_id", "period"]).cents.sum().reset_index().sort_values(["period", "payee_id"])
pandas.DataFrame(dict(payee_id=payments.payee_id, period=payments.period, amount=payments.cents / 100)).to_parquet("pandas_payments.parquet")
"""

# Reads what is needed of the extracts and writes what spm wrote; only these two are timed.
FLOOR = """
import time, json, pyarrow.parquet as pq
held = {name: pq.read_table(f"out/comp/2027-Q1/{name}.parquet") for name in ["credits", "attribution", "payments", "trace"]}
start = time.perf_counter()
for name in ["transactions", "splits", "reps", "quotas"]:
    pq.read_table(name + ".parquet")
for name, table in held.items():
    pq.write_table(table, "floor_" + name + ".parquet", compression="zstd")
print(json.dumps(time.perf_counter() - start))
"""

# Runs a command as its only child, so that the peak of the children is that of the command.
WRAPPER = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=file)
sys.exit(done.returncode)
"""


def run(name, command):
    """Wall seconds and peak memory in MiB."""
    peak = ROOT / f"{name}.peak"
    before = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", WRAPPER, str(peak), *command], cwd=ROOT, capture_output=True, text=True)
    wall = time.perf_counter() - before
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr}")
    return json.loads(done.stdout) if name == "floor" else wall, int(peak.read_text())


generate()
python = lambda text: [sys.executable, "-W", "ignore", "-c", text]
commands = {
    "spm": [SPM, "-q", "--format", "csv", "comp", "run", "--period", "2027-Q1", "--detail"],
    "duckdb": python(f"import duckdb; duckdb.connect().execute({SQL!r})"),
    "polars": python(POLARS),
    "pandas": python(PANDAS),
    "floor": python(FLOOR),
}
results = {name: [] for name in ["spm", *PEERS]}
for turn in range(TURNS):
    for name, all in results.items():
        all.append(run(name, commands[name]))
best = {name: min(wall for wall, _ in all) for name, all in results.items()}
print(f"{ROWS} transactions, best of {TURNS} turns")
for name, all in results.items():
    walls = ", ".join(f"{wall:.2f}" for wall, _ in all)
    print(f"  {name:7} {best[name]:7.2f} s  {max(peak for _, peak in all):6} MiB  spm / {name} = {best['spm'] / best[name]:.2f}  ({walls})")


def different(columns, a, b):
    return duckdb.sql(f"""SELECT count(*) FROM ((SELECT {columns} FROM '{a}' EXCEPT ALL SELECT {columns} FROM '{b}')
        UNION ALL (SELECT {columns} FROM '{b}' EXCEPT ALL SELECT {columns} FROM '{a}'))""").fetchall()[0][0]


wrong = 0
tables = {"payments": "payee_id, period, amount::DECIMAL(18, 2)",
          "credits": "credit, payee_id, transaction_id, account_id, event_date, period, amount::DECIMAL(18, 2)",
          "attribution": "payee_id, period, component, transaction_id, credited::DECIMAL(18, 2), earned::DECIMAL(18, 2)"}
for peer in [name for name in PEERS if name != "floor"]:
    for table, columns in tables.items():
        if table == "attribution" and peer != "duckdb":
            continue  # rounded otherwise
        # Of a payee without a credit, spm has payments of zero; the peers have no rows.
        rows = different(columns, f"{ROOT}/out/comp/2027-Q1/{table}.parquet", f"{ROOT}/{peer}_{table}.parquet")
        print(f"  rows of {table} that differ from {peer}: {rows}")
        wrong += rows
sys.exit(1 if wrong else 0)
