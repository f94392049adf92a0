"""Quotas of many seats: `spm quotas allocate` beside the same allocation in DuckDB SQL, whole processes, in turns.

    pip install duckdb pyarrow
    python3 benches/quotas.py 100000 /tmp/spm-quotas

Seats in 50 regions of 20 districts, 12 months, five measures of growth on history, whole dollars, every level exact by
largest remainder. DuckDB has the same rule in SQL for the years, level by level with window functions. It rounds the months
of each seat alone, which SQL can express; `spm` goes from seat to seat, so that months follow the season. Both write Parquet.
What the results cost to write whoever calculated them is measured in the same run: pyarrow packs the rows of both result files, held in
memory with repeated texts as indexes, in the way that we do. Years of all holders must be equal, months of seats less than two dollars apart, and months of the company, by `spm`, within a dollar
of the season. SPM names another binary.
"""

import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
FOLDER = Path(sys.argv[2] if len(sys.argv) > 2 else "/tmp/spm-quotas")
SPM = os.environ.get("SPM", "target/release/spm")
MEASURES = 5
SEASON = [8, 7, 9, 8, 8, 9, 6, 5, 9, 10, 10, 11]

MAKE = f"""
COPY (SELECT 'R' || lpad(i::VARCHAR, 7, '0') AS rep_id, 'region ' || lpad((i % 50)::VARCHAR, 2, '0') AS region,
  'district ' || lpad(((i // 50) % 20)::VARCHAR, 2, '0') AS district,
  {", ".join(f"(20000 + hash(i * {MEASURES} + {m}) % 980000)::BIGINT AS history{m}" for m in range(MEASURES))}
  FROM range({SEATS}) AS seats(i)) TO '{FOLDER}/reps.parquet' (FORMAT parquet);
"""

LEVELS = """
CREATE MACRO shared(total, weight, weights) AS (total * weight) // weights;
CREATE TABLE seats AS SELECT rep_id, region, region || ' / ' || district AS district, history{m}::HUGEINT * 11 AS weight FROM '{folder}/reps.parquet';
CREATE TABLE totals AS SELECT ((sum(weight) + 5) // 10)::HUGEINT AS total FROM seats;
CREATE TABLE regions AS
  WITH w AS (SELECT region AS id, sum(weight) AS weight FROM seats GROUP BY ALL),
  s AS (SELECT id, weight, total, sum(weight) OVER () AS weights FROM w, totals),
  p AS (SELECT *, (total * weight) // weights AS part, (total * weight) % weights AS rest FROM s),
  r AS (SELECT *, row_number() OVER (ORDER BY rest DESC, id) AS line, total - sum(part) OVER () AS over FROM p)
  SELECT id, weight, part + (line <= over)::INT AS amount FROM r;
CREATE TABLE districts AS
  WITH w AS (SELECT region, district AS id, sum(weight) AS weight FROM seats GROUP BY ALL),
  s AS (SELECT w.id, w.region, w.weight, g.amount AS total, g.weight AS weights FROM w JOIN regions g ON g.id = w.region),
  p AS (SELECT *, (total * weight) // weights AS part, (total * weight) % weights AS rest FROM s),
  r AS (SELECT *, row_number() OVER (PARTITION BY region ORDER BY rest DESC, id) AS line, total - sum(part) OVER (PARTITION BY region) AS over FROM p)
  SELECT id, region, weight, part + (line <= over)::INT AS amount FROM r;
CREATE TABLE people AS
  WITH s AS (SELECT seats.rep_id AS id, seats.district, seats.weight, d.amount AS total, d.weight AS weights FROM seats JOIN districts d ON d.id = seats.district),
  p AS (SELECT *, (total * weight) // weights AS part, (total * weight) % weights AS rest FROM s),
  r AS (SELECT *, row_number() OVER (PARTITION BY district ORDER BY rest DESC, id) AS line, total - sum(part) OVER (PARTITION BY district) AS over FROM p)
  SELECT id, district, part + (line <= over)::INT AS amount FROM r;
CREATE TABLE months AS SELECT unnest({season}) AS weight, unnest(range(1, 13)) AS month;
CREATE TABLE phased AS
  WITH p AS (SELECT id, district, amount, month, (amount * weight) // {seasons} AS part, (amount * weight) % {seasons} AS rest FROM people, months),
  r AS (SELECT *, row_number() OVER (PARTITION BY id ORDER BY rest DESC, month) AS line, amount - sum(part) OVER (PARTITION BY id) AS over FROM p)
  SELECT id AS holder_id, 'salesperson' AS level, district AS parent_id, month, part + (line <= over)::INT AS amount FROM r;
CREATE TABLE upper1 AS SELECT district AS holder_id, 'district' AS level, region AS parent_id, month, sum(p.amount) AS amount
  FROM phased p JOIN districts d ON d.id = p.parent_id JOIN (SELECT DISTINCT district FROM seats) s ON s.district = p.parent_id GROUP BY ALL;
CREATE TABLE upper2 AS SELECT parent_id AS holder_id, 'region' AS level, 'Bench' AS parent_id, month, sum(amount) AS amount FROM upper1 GROUP BY ALL;
CREATE TABLE upper3 AS SELECT 'Bench' AS holder_id, 'company' AS level, NULL AS parent_id, month, sum(amount) AS amount FROM upper2 GROUP BY ALL;
INSERT INTO quotas SELECT holder_id, level, parent_id, 'm{m}', '2027-' || lpad(month::VARCHAR, 2, '0'), (amount * 100)::BIGINT FROM
  (FROM phased UNION ALL FROM upper1 UNION ALL FROM upper2 UNION ALL FROM upper3);
DROP TABLE seats; DROP TABLE totals; DROP TABLE regions; DROP TABLE districts; DROP TABLE people; DROP TABLE months; DROP TABLE phased;
DROP TABLE upper1; DROP TABLE upper2; DROP TABLE upper3; DROP MACRO shared;
"""


def sql() -> str:
    text = "CREATE TABLE quotas (holder_id VARCHAR, level VARCHAR, parent_id VARCHAR, measure VARCHAR, period VARCHAR, amount BIGINT);"
    for measure in range(MEASURES):
        text += LEVELS.format(m=measure, folder=FOLDER, season=SEASON, seasons=sum(SEASON))
    return text + f"COPY (FROM quotas ORDER BY measure, holder_id, period) TO '{FOLDER}/peer.parquet' (FORMAT parquet, COMPRESSION zstd);"


def project() -> None:
    (FOLDER / "plans").mkdir(parents=True, exist_ok=True)
    columns = "\n".join(f'history{m} = {{ column = "history{m}", type = "number" }}' for m in range(MEASURES))
    (FOLDER / "spm.toml").write_text(
        'version = 1\nname = "Bench"\ncurrency = "USD"\ncalendar = { pattern = "months", start = 2027-01-01, years = 1 }\n'
        '[sources.reps]\nfiles = "reps.parquet"\n[sources.reps.columns]\nrep_id = "rep_id"\n'
        'region = { column = "region", type = "text" }\ndistrict = { column = "district", type = "text" }\n' + columns + "\n"
    )
    phasing = "".join(f'[[phasing]]\nperiod = "2027-{i + 1:02}"\nweight = {weight}\n' for i, weight in enumerate(SEASON))
    for m in range(MEASURES):
        (FOLDER / f"plans/m{m}.toml").write_text(
            f'version = 1\nkind = "quotas"\nid = "m{m}"\nmeasure = "m{m}"\nlevels = ["region", "district"]\n'
            f'method = "growth"\ngrowth = "10%"\n[history]\nvalue = "history{m}"\n{phasing}'
        )


def processors() -> float:
    """Seconds that finished children have used of all processors: what a busy machine does not change much."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def packed() -> float:
    """The floor: pyarrow packs the rows of both results from memory, repeated texts as indexes already, beside each other; best of three."""
    import pyarrow.parquet as pq

    results = {}
    for name in ("quotas", "parts"):
        path = f"{FOLDER}/out/quotas/{name}.parquet"
        group = pq.ParquetFile(path).metadata.row_group(0)
        columns = [group.column(place) for place in range(group.num_columns)]
        texts = [own.path_in_schema for own in columns if own.physical_type == "BYTE_ARRAY" and "RLE_DICTIONARY" in own.encodings]
        results[name] = pq.read_table(path, read_dictionary=texts), texts
    best = 1e9
    for _ in range(3):
        start, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor() as pool:
            write = lambda name, own: pq.write_table(own[0], f"{FOLDER}/floor-{name}.parquet", use_dictionary=own[1], compression="zstd", compression_level=1, row_group_size=1 << 18)
            list(pool.map(write, results.keys(), results.values()))
        best = min(best, time.perf_counter() - start)
        print(f"floor: packing the same rows with pyarrow takes {time.perf_counter() - start:.2f} s, {time.process_time() - cpu:.2f} s of processors", flush=True)
    return best


def main() -> None:
    import duckdb

    FOLDER.mkdir(parents=True, exist_ok=True)
    project()
    duckdb.sql(MAKE)
    (FOLDER / "peer.sql").write_text(sql())
    peer = [sys.executable, "-c", f"import duckdb; duckdb.connect().execute(open('{FOLDER}/peer.sql').read())"]
    spm = [SPM, "-q", "quotas", "allocate", "--project", str(FOLDER)]
    best = {"spm": 1e9, "duckdb": 1e9}
    for turn in range(3):
        for name, command in (("spm", spm), ("duckdb", peer)):
            start, used = time.perf_counter(), processors()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            best[name] = min(best[name], time.perf_counter() - start)
            print(f"turn {turn + 1} {name}: {time.perf_counter() - start:.2f} s, {processors() - used:.2f} s of processors", flush=True)
    floor = packed()
    both = f"""
        (SELECT holder_id, level, measure, period, (amount * 100)::BIGINT AS amount FROM '{FOLDER}/out/quotas/quotas.parquet') a
        FULL JOIN '{FOLDER}/peer.parquet' b USING (holder_id, measure, period)"""
    years = f"SELECT holder_id, measure, sum(a.amount) AS own, sum(b.amount) AS peer FROM {both} GROUP BY ALL"
    differ = duckdb.sql(f"SELECT count(*) FROM ({years}) WHERE own IS DISTINCT FROM peer").fetchall()[0][0]
    differ += duckdb.sql(f"""SELECT count(*) FROM {both} WHERE a.amount IS NULL OR b.amount IS NULL
        OR (a.level = 'salesperson' AND abs(a.amount - b.amount) >= 200)""").fetchall()[0][0]
    season = f"(SELECT '2027-' || lpad(month::VARCHAR, 2, '0') AS period, weight FROM (SELECT unnest({SEASON}) AS weight, unnest(range(1, 13)) AS month))"
    differ += duckdb.sql(f"""SELECT count(*) FROM (SELECT period, amount * 100 AS own, sum(amount * 100) OVER (PARTITION BY measure) AS year
        FROM '{FOLDER}/out/quotas/quotas.parquet' WHERE level = 'company') JOIN {season} USING (period)
        WHERE abs(own * {sum(SEASON)} - year * weight) >= 100 * {sum(SEASON)}""").fetchall()[0][0]
    rows = duckdb.sql(f"SELECT count(*) FROM '{FOLDER}/peer.parquet'").fetchall()[0][0]
    print(f"{rows} quotas, {differ} differ; best of three: spm {best['spm']:.2f} s, DuckDB {best['duckdb']:.2f} s, floor {floor:.2f} s; "
          f"spm / DuckDB {best['spm'] / best['duckdb']:.2f}, spm / floor {best['spm'] / floor:.1f}")
    sys.exit(1 if differ else 0)


main()
