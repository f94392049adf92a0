"""Random small territory plans beside a mixed integer program (HiGHS in scipy): objective and bound of `spm territories balance`.

    pip install numpy scipy
    python3 benches/territories_oracle.py FIRST LAST      # seeds; SPM names another binary

Limits and priced tolerances, targets equal, by capacity and given, moves that cost and are limited. Says what is wrong: a bound above the optimum, a cost below what
HiGHS proves, an answer where there is none or none where there is one; and how far answers are above the optimum."""

import csv
import json
import math
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

SPM = os.environ.get("SPM", "spm")


def put(path, header, rows):
    with open(path, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(header)
        writer.writerows(rows)


def world(seed):
    r = random.Random(seed)
    n, k = r.randint(6, 40), r.randint(2, 5)
    reps, accounts = [f"R{j}" for j in range(k)], [f"A{i:02}" for i in range(n)]
    owners = reps + [r.choice(reps) for _ in range(n - k)]
    return {
        "reps": reps,
        "accounts": accounts,
        "owners": owners[:n],
        "revenue": [r.randint(1, 9999) / 100 for _ in accounts],
        "capacity": [r.randint(1, 4) for _ in reps],
        "goal": [r.randint(50, 600) for _ in reps],
        "cost": [[r.randint(0, 500) / 10 for _ in reps] for _ in accounts],
        "target": r.choice(["equal", "capacity", "goal"]),
        "tolerance": r.choice([0, 0.05, 0.2, 0.5]),
        "price": r.choice([None, 0, 0.01, 0.1, 0.35, 2, 50]),
        "move": r.choice([0, 3, 20]),
        "second": r.choice([None, 0.3, 0.6]),
        "most": r.choice([None, None, n // 3]),
    }


def project(folder, w):
    os.makedirs(folder + "/plans")
    put(folder + "/accounts.csv", ["account_id", "owner_id", "revenue"], zip(w["accounts"], w["owners"], w["revenue"]))
    put(folder + "/reps.csv", ["rep_id", "capacity", "goal"], zip(w["reps"], w["capacity"], w["goal"]))
    pairs = [(a, q, w["cost"][i][j]) for i, a in enumerate(w["accounts"]) for j, q in enumerate(w["reps"])]
    put(folder + "/costs.csv", ["account_id", "territory_id", "cost"], pairs)
    number = '{ column = "%s", type = "number" }'
    with open(folder + "/spm.toml", "w") as out:
        out.write('version = 1\nname = "X"\ncurrency = "USD"\n[calendar]\npattern = "months"\nstart = 2027-01-01\nyears = 1\n')
        for table, columns in [("accounts", ["account_id", "owner_id", "revenue"]), ("reps", ["rep_id", "capacity", "goal"]), ("costs", ["account_id", "territory_id", "cost"])]:
            out.write(f'[sources.{table}]\nfiles = "{table}.csv"\n[sources.{table}.columns]\n')
            out.writelines(f"{c} = {number % c if c in ('revenue', 'goal') else repr(c)}\n".replace("'", '"') for c in columns)
    plan = f'version = 1\nkind = "territories"\nid = "t"\ncost = "cost"\nmove = {w["move"]}\n'
    plan += f"max_moves = {w['most']}\n" if w["most"] is not None else ""
    plan += f'[[measure]]\nname = "revenue"\nvalue = "revenue"\ntarget = "{w["target"]}"\ntolerance = "{w["tolerance"]}"\n'
    plan += f'price = "{w["price"]}"\n' if w["price"] is not None else ""
    plan += f'[[measure]]\nname = "count"\nvalue = "1"\ntolerance = "{w["second"]}"\n' if w["second"] is not None else ""
    open(folder + "/plans/t.toml", "w").write(plan)


def optimum(w):
    """Least cost and what is proven of it; None where there is no answer."""
    n, k = len(w["accounts"]), len(w["reps"])
    size = n * k + k
    cost, rows, low, high = np.zeros(size), [], [], []

    def add(row, least, most):
        rows.append(row), low.append(least), high.append(most)

    moves = np.zeros(size)
    for i in range(n):
        one = np.zeros(size)
        for j in range(k):
            one[i * k + j] = 1
            moves[i * k + j] = w["reps"][j] != w["owners"][i]
            cost[i * k + j] = w["cost"][i][j] + w["move"] * moves[i * k + j]
        add(one, 1, 1)
    cost[n * k:] = w["price"] or 0
    wish = w["price"] is not None
    cents = [round(value * 100) for value in w["revenue"]]
    for j in range(k):
        target = {"equal": sum(cents) / k, "capacity": sum(cents) * w["capacity"][j] / sum(w["capacity"]), "goal": w["goal"][j] * 100}[w["target"]]
        ends = [max(0.0, target * (1 - w["tolerance"])), target * (1 + w["tolerance"])]
        inside, outside = (math.ceil, math.floor), (math.floor, math.ceil)
        ends = [cut(end + slack) / 100 for cut, end, slack in zip(outside if wish else inside, ends, (1e-7, -1e-7) if wish else (-1e-7, 1e-7))]
        load, count = np.zeros(size), np.zeros(size)
        for i in range(n):
            load[i * k + j], count[i * k + j] = w["revenue"][i], 1
        for sign, end in [(-1, (-np.inf, ends[1] + 1e-6)), (1, (ends[0] - 1e-6, np.inf))]:
            row = load.copy()
            row[n * k + j] = sign if wish else 0
            add(row, *end)
        if w["second"] is not None:
            add(count, n / k * (1 - w["second"]) - 1e-9, n / k * (1 + w["second"]) + 1e-9)
    if w["most"] is not None:
        add(moves, 0, w["most"])
    whole = np.concatenate([np.ones(n * k), np.zeros(k)])
    most = np.concatenate([np.ones(n * k), np.full(k, np.inf)])
    found = milp(cost, constraints=LinearConstraint(np.array(rows), low, high), integrality=whole, bounds=Bounds(0, most), options={"time_limit": 20, "mip_rel_gap": 1e-6})
    if found.status == 2:
        return None, None
    return (found.fun if found.fun is not None else math.inf), found.mip_dual_bound


def main():
    wrong, missed, gaps = 0, 0, []
    for seed in range(int(sys.argv[1]), int(sys.argv[2])):
        w = world(seed)
        with tempfile.TemporaryDirectory() as folder:
            project(folder, w)
            ran = subprocess.run([SPM, "-q", "territories", "balance"], cwd=folder, capture_output=True, text=True)
            least, proven = optimum(w)
            if ran.returncode == 4 and least is None:
                continue
            if ran.returncode == 4:
                missed += 1
                print(seed, "no answer found, where one costs", least)
                continue
            if ran.returncode != 0 or least is None:
                wrong += 1
                print(seed, "exit", ran.returncode, "optimum", least, ran.stderr)
                continue
            result = json.load(open(folder + "/out/territories/result.json"))
            # A priced load is rounded up to a thousandth.
            room = 0.001 * len(w["reps"]) + 0.01
            if result["bound"] > least + room or result["objective"] < proven - room:
                wrong += 1
                print(seed, "WRONG", result["objective"], result["bound"], "optimum", least, "proven", proven)
            gaps.append((result["objective"] - least) / max(least, 1))
            if gaps[-1] > 0.005:
                print(seed, f"{gaps[-1] * 100:.2f} % above the optimum", {key: w[key] for key in ("target", "tolerance", "price", "move", "second", "most")})
    print(f"{len(gaps)} answers, {wrong} wrong, {missed} not found; above the optimum: mean {100 * sum(gaps) / max(1, len(gaps)):.4f} %, worst {100 * max(gaps, default=0):.3f} %")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
