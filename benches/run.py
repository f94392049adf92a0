"""Times `spm comp run` beside DuckDB SQL that writes the same outputs, and compares the payments."""

import os
import pathlib
import subprocess
import sys
import time

import duckdb

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ROOT = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "/tmp/spm-bench") / str(ROWS)
SPM = os.environ.get("SPM", str(pathlib.Path(__file__).parent.parent / "target/release/spm"))
REPS, SEED, TURNS = 15_000, 7, 3

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

PLAN = """version = 1
kind = "comp"
id = "bench"
[[credit]]
name = "sales"
where = "kind IN ('new', 'expansion')"
to = "splits"
[[measure]]
name = "sales"
credits = ["sales"]
goal = { quota = "quota" }
[[component]]
name = "commission"
measure = "sales"
pay = "per-unit"
tiers = { on = "attainment", steps = [{ from = "0%", rate = "8%" }, { from = "100%", rate = "12%" }] }
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
    write("transactions", f"""SELECT 't' || lpad(i::VARCHAR, 9, '0') AS transaction_id, 'a' || {h(1, ROWS // 20 + 1)} AS account_id,
        {rep(h(2, REPS))} AS rep_id, DATE '2027-01-01' + {h(3, 365)}::INTEGER AS event_date,
        ({h(4, 2_000_000)} - 50000)::DECIMAL(14, 0)::DECIMAL(16, 2) / 100.00::DECIMAL(5, 2) AS raw,
        ['new', 'expansion', 'renewal', 'refund'][1 + {h(5, 4)}] AS kind FROM range({ROWS}) t(i)""".replace(
        f"({h(4, 2_000_000)} - 50000)::DECIMAL(14, 0)::DECIMAL(16, 2) / 100.00::DECIMAL(5, 2) AS raw",
        f"(({h(4, 2_000_000)} - 50000) * 0.01::DECIMAL(3, 2))::DECIMAL(14, 2) AS amount"))
    write("splits", f"""SELECT 't' || lpad(i::VARCHAR, 9, '0') AS transaction_id, {rep(f"({h(6, REPS)} + k * 7) % {REPS}")} AS rep_id,
        [0.5, 0.3, 0.2][k + 1]::DECIMAL(5, 4) AS share FROM range({ROWS}) t(i), range(3) s(k) WHERE i % 10 = 0""")
    write("reps", f"SELECT {rep('i')} AS rep_id, CASE WHEN i % 10 > 0 THEN {rep('i - i % 10')} END AS manager_id FROM range({REPS}) t(i)")
    write("quotas", f"""SELECT {rep('i')} AS rep_id, strftime(DATE '2027-01-01' + to_months(m::INTEGER), '%Y-%m') AS period,
        ((2000 + {h(8, 8000)}) * {ROWS} // 1000000)::DECIMAL(14, 2) AS amount FROM range({REPS}) t(i), range(12) u(m)""")


SQL = """
CREATE TABLE credits AS
WITH base AS (SELECT transaction_id, account_id, rep_id, event_date, (amount * 100)::BIGINT AS cents FROM 'transactions.parquet'
              WHERE kind IN ('new', 'expansion') AND event_date >= DATE '2027-01-01' AND event_date < DATE '2027-04-01'),
parts AS (SELECT b.*, coalesce(s.rep_id, b.rep_id) AS payee_id,
                 CASE WHEN s.share IS NULL THEN cents ELSE (abs(cents) * (s.share * 10000)::BIGINT // 10000) * sign(cents)::BIGINT END AS part,
                 row_number() OVER (PARTITION BY b.transaction_id ORDER BY s.share DESC, s.rep_id) AS place
          FROM base b LEFT JOIN 'splits.parquet' s USING (transaction_id)),
whole AS (SELECT *, part + CASE WHEN place = 1 THEN cents - sum(part) OVER (PARTITION BY transaction_id) ELSE 0 END AS amount FROM parts)
SELECT 'bench' AS plan_id, 'sales' AS credit, payee_id, transaction_id, account_id, event_date, strftime(event_date, '%Y-%m') AS period,
       (amount * 0.01::DECIMAL(3, 2))::DECIMAL(18, 2) AS amount FROM whole;
COPY (SELECT * FROM credits ORDER BY transaction_id, payee_id) TO 'duck_credits.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (WITH sums AS (SELECT payee_id, period, sum(amount) AS sales FROM credits GROUP BY ALL),
     cells AS (SELECT coalesce(s.payee_id, q.rep_id) AS payee_id, coalesce(s.period, q.period) AS period, coalesce(s.sales, 0) AS sales,
                      q.amount AS goal FROM sums s FULL JOIN (FROM 'quotas.parquet' WHERE period < '2027-04') q ON s.payee_id = q.rep_id AND s.period = q.period)
     SELECT payee_id, period, round((least(sales, goal) * 0.08::DECIMAL(3, 2) + greatest(sales - goal, 0) * 0.12::DECIMAL(3, 2)), 2)::DECIMAL(18, 2) AS amount
     FROM cells ORDER BY period, payee_id) TO 'duck_payments.parquet' (FORMAT parquet, COMPRESSION zstd);
"""


def timed(command):
    before = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - before


generate()
duck = [sys.executable, "-c", f"import duckdb; duckdb.connect().execute({SQL!r})"]
spm = [SPM, "-q", "--format", "csv", "comp", "run", "--period", "2027-Q1"]
times = {"spm": [], "duckdb": []}
for turn in range(TURNS):
    times["spm"].append(timed(spm))
    times["duckdb"].append(timed(duck))
different = duckdb.sql(f"""SELECT count(*) FROM (
    (SELECT payee_id, period, amount FROM '{ROOT}/duck_payments.parquet' EXCEPT SELECT payee_id, period, amount FROM '{ROOT}/out/comp/2027-Q1/payments.parquet')
    UNION ALL
    (SELECT payee_id, period, amount FROM '{ROOT}/out/comp/2027-Q1/payments.parquet' EXCEPT SELECT payee_id, period, amount FROM '{ROOT}/duck_payments.parquet'))""").fetchall()[0][0]
best = {name: min(values) for name, values in times.items()}
print(f"{ROWS} transactions, best of {TURNS} turns: spm {best['spm']:.2f} s, DuckDB {best['duckdb']:.2f} s, ratio {best['spm'] / best['duckdb']:.2f}; all {times}")
print(f"payments that differ: {different}")
sys.exit(1 if different else 0)
