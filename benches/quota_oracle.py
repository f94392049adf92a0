"""Quotas of random companies, calculated a second time in Python fractions from docs/quotas.md alone, beside `spm quotas allocate`.

    python3 benches/quota_oracle.py 300 7

The first argument is how many companies, the second the seed. Each company has one to three levels of random depth, a random
method, limits, locks, over-assignment, unit, and a season; the sharing is a search over the rates at which somebody meets a
limit, and the rounding is largest remainder, both by brute force. Every quota of every holder and period has to be equal, and
the program has to say that there is no answer exactly when there is none. SPM names another binary.
"""

import csv
import io
import os
import random
import subprocess
import sys
import tempfile
from fractions import Fraction as F
from pathlib import Path

COMPANIES = int(sys.argv[1]) if len(sys.argv) > 1 else 300
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 7
SPM = os.path.abspath(os.environ.get("SPM", "target/release/spm"))
CENT = F(1, 100)
QUARTERS = ["2027-Q1", "2027-Q2", "2027-Q3", "2027-Q4"]


class Infeasible(Exception):
    pass


def down(value, unit):
    return (value / unit).__floor__() * unit


def up(value, unit):
    return -down(-value, unit)


def nearest(value, unit):
    return down(value + unit / 2, unit)


def share(total, claims):
    """Amounts clamp(rate x weight, low, high) for the one rate at which they add up to the total, found by bisection over the rates at
    which somebody meets a limit, then exactly on the straight piece between two of them."""

    def at(rate):
        return [min(max(rate * weight, low), high) if high is not None else max(rate * weight, low) for weight, low, high in claims]

    if sum(low for _, low, _ in claims) > total:
        raise Infeasible
    rates = {F(0)}
    for weight, low, high in claims:
        if weight > 0:
            rates.add(low / weight)
            if high is not None:
                rates.add(high / weight)
    rates = sorted(rates)
    rates.append(rates[-1] + 1)
    if sum(at(rates[0])) == total:
        return at(rates[0])
    for before, after in zip(rates, rates[1:]):
        a, b = sum(at(before)), sum(at(after))
        last = after == rates[-1]
        if b >= total or (last and b > a):
            rate = before + (total - a) / (b - a) * (after - before)
            return at(rate)
    raise Infeasible


def largest_remainder(total, exact, claims, unit):
    """Whole units; a limit that is none stands; what is left goes to the largest remainders, ties to the earlier."""
    amounts = [max(down(value, unit), low) for value, (_, low, _) in zip(exact, claims)]
    left = total - sum(amounts)
    order = sorted(range(len(exact)), key=lambda i: (-(exact[i] - amounts[i]), i))
    for i in order:
        if left <= 0:
            break
        high = claims[i][2]
        end = down(amounts[i], unit) + unit
        end = end if high is None else min(end, high)
        step = min(end - amounts[i], left)
        amounts[i] += step
        left -= step
    assert left == 0
    return amounts


class Company:
    def __init__(self, dice):
        self.dice = dice
        pick = dice.choice
        self.method = pick(["history", "growth", "equal", "potential", "history-and-potential", "weighted-share", "last-quota", "weight"])
        self.unit = pick([F(1, 100), F(1), F(7), F(10), F(100), F(1000)])
        self.levels = pick([[], ["a"], ["a", "b"]])
        self.people = []
        for i in range(dice.randint(1, 12)):
            self.people.append({
                "rep_id": f"p{i:02}",
                "a": f"A{dice.randint(0, 2)}",
                "b": f"B{dice.randint(0, 2)}",
                "history": F(dice.randint(0, 500) * 100 if dice.random() < 0.9 else 0),
                "potential": F(dice.randint(1, 900) * 10),
                "last": F(dice.randint(1, 500) * 100),
                "points": F(dice.randint(0, 9)),
                "least": F(dice.randint(0, 3000000), 100) if dice.random() < 0.15 else None,
                "most": F(dice.randint(100000, 9000000), 100) if dice.random() < 0.15 else None,
            })
        self.growth = F(dice.randint(-20, 40), 100)
        self.history_share = F(dice.randint(0, 4), 4)
        self.floor = F(dice.randint(50, 105), 100) if dice.random() < 0.25 else None
        self.cap = F(dice.randint(106, 180), 100) if dice.random() < 0.25 else None
        self.hold = F(dice.randint(0, 60), 100) if dice.random() < 0.2 else None
        self.over = {level: F(dice.randint(1, 20), 100) for level in ["company"] + self.levels if dice.random() < 0.25}
        self.growth_of = {"p00": F(dice.randint(-10, 60), 100)} if dice.random() < 0.2 else {}
        self.season = [F(dice.randint(0, 9)) for _ in QUARTERS]
        if sum(self.season) == 0:
            self.season[dice.randint(0, 3)] = F(1)
        self.total = None
        stated = self.method != "growth" or dice.random() < 0.3
        if stated:
            self.total = F(dice.randint(1, 4000) * 100) if dice.random() < 0.8 else F(dice.randint(100, 40000000), 100)
        self.locks = {}
        names = [person["rep_id"] for person in self.people] + [name for name in {self.path(person)[0] for person in self.people} if self.levels]
        for name in sorted(names):
            if dice.random() < 0.08:
                self.locks[name] = F(dice.randint(0, 2000000), 100)

    def path(self, person):
        names, path = [], []
        for level in self.levels:
            path.append(person[level])
            names.append(" / ".join(path))
        return names or [None]

    def plan(self):
        def text(value):
            return f'"{value.numerator}/{value.denominator}"'

        lines = ["version = 1", 'kind = "quotas"', 'id = "q"', f'method = "{self.method}"', f"unit = {text(self.unit)}"]
        lines.append("levels = [" + ", ".join(f'"{level}"' for level in self.levels) + "]")
        if self.method == "growth" or self.total is None:
            lines.append(f"growth = {text(self.growth)}")
            if self.growth_of:
                lines.append("growth_of = { " + ", ".join(f"{name} = {text(value)}" for name, value in self.growth_of.items()) + " }")
        if self.method in ("weighted-share", "last-quota"):
            lines.append(f"history_share = {text(self.history_share)}")
        if self.method == "weight":
            lines.append('weight = "points"')
        for key in ("total", "floor", "cap"):
            if getattr(self, key) is not None:
                lines.append(f"{key} = {text(getattr(self, key))}")
        if self.hold is not None:
            lines.append(f"hold_harmless = {text(self.hold)}")
        if self.over:
            lines.append("over_assignment = { " + ", ".join(f"{level} = {text(value)}" for level, value in self.over.items()) + " }")
        lines += ['least = "least"', 'most = "most"', '[history]', 'value = "history"', '[potential]', 'value = "potential"', '[last_quota]', 'value = "last"']
        for name, amount in self.locks.items():
            lines += ["[[lock]]", f'holder = "{name}"', f"amount = {text(amount)}"]
        for period, weight in zip(QUARTERS, self.season):
            lines += ["[[phasing]]", f'period = "{period}"', f"weight = {text(weight)}"]
        return "\n".join(lines) + "\n"

    def weight(self, person):
        histories = sum(own["history"] for own in self.people)
        potentials = sum(own["potential"] for own in self.people)
        history, potential = person["history"], person["potential"]
        match self.method:
            case "history":
                return history
            case "growth":
                return history * (1 + self.growth_of.get(person["rep_id"], self.growth))
            case "equal":
                return F(1)
            case "potential":
                return potential
            case "history-and-potential":
                return history + (self.root - histories) * potential / potentials
            case "weighted-share":
                share = self.history_share
                if share and not histories:
                    raise Infeasible
                return (share * history / histories if share else 0) + (1 - share) * potential / potentials
            case "last-quota":
                return self.history_share * history + (1 - self.history_share) * person["last"]
            case "weight":
                return person["points"]

    def limits(self, person):
        sold = person["history"]
        lows, highs = [F(0)], []
        if self.floor is not None:
            lows.append(nearest(self.floor * sold, CENT))
        if self.hold is not None:
            lows.append(nearest((1 - self.hold) * person["last"], CENT))
        if person["least"] is not None:
            lows.append(person["least"])
        if self.cap is not None and sold > 0:
            highs.append(nearest(self.cap * sold, CENT))
        if person["most"] is not None:
            highs.append(person["most"])
        return max(lows), min(highs) if highs else None

    def solve(self):
        exact = self.total
        if exact is None:
            exact = sum(own["history"] * (1 + self.growth_of.get(own["rep_id"], self.growth)) for own in self.people)
        self.root = exact if self.total is not None else nearest(exact, self.unit)
        # A tree of [name, level, weight, low, high, children].
        root = {"name": "Acme", "level": "company", "children": {}}
        for person in self.people:
            node = root
            for level, name in zip(self.levels, self.path(person)):
                node = node["children"].setdefault(name, {"name": name, "level": level, "children": {}})
            low, high = self.limits(person)
            node["children"][person["rep_id"]] = {"name": person["rep_id"], "level": "salesperson", "children": {}, "weight": self.weight(person), "low": low, "high": high}
            if self.weight(person) < 0:
                raise Infeasible
        self.narrow(root)
        root["amount"] = self.root
        if root["low"] > self.root or (root["high"] is not None and root["high"] < self.root):
            raise Infeasible
        self.divide(root)
        self.phase(root)
        return root

    def factor(self, node):
        return 1 + self.over.get(node["level"], F(0))

    def narrow(self, node):
        children = [node["children"][name] for name in sorted(node["children"])]
        low, high = node.get("low", F(0)), node.get("high")
        if node["name"] in self.locks:
            # What is said of one holder wins over the limits of everybody, which are all that salespeople have here.
            low = high = self.locks[node["name"]]
        if high is not None and low > high:
            raise Infeasible
        if children:
            for child in children:
                self.narrow(child)
            node["weight"] = sum(child["weight"] for child in children)
            lows = sum(child["low"] for child in children)
            highs = None if any(child["high"] is None for child in children) else sum(child["high"] for child in children)
            node["below"] = (lows, highs)
            least, greatest = lows, highs
            if self.factor(node) != 1:
                # Amounts that come, rounded to the cent, to what the limits below allow; the one above them where none does.
                least = max(F(0), up((lows - CENT / 2) / self.factor(node), CENT))
                greatest = None if highs is None else max(up((highs + CENT / 2) / self.factor(node), CENT) - CENT, least)
            if high is not None and least > high:
                raise Infeasible
            if greatest is not None and greatest < low:
                raise Infeasible
            low = max(low, least)
            if greatest is not None:
                high = greatest if high is None else min(high, greatest)
        node["low"], node["high"] = low, high

    def divide(self, node):
        children = [node["children"][name] for name in sorted(node["children"])]
        if not children:
            return
        given = node["amount"]
        if self.factor(node) != 1:
            given = nearest(given * self.factor(node), self.unit)
            low, high = node["below"]
            given = max(given, low)
            given = given if high is None else min(given, high)
        claims = [(child["weight"], child["low"], child["high"]) for child in children]
        exact = share(given, claims)
        for child, amount in zip(children, largest_remainder(given, exact, claims, self.unit)):
            child["amount"] = amount
            self.divide(child)

    def phase(self, node, owed=None, depth=0):
        """Leaf after leaf, by name from the top: whole units of each exact share; the units that are left go to the periods that the
        leaves so far, with this one, have left shortest, ties to the earlier; a period without a remainder takes none. A holder with over-assignment is what a leaf is to those above, and those below it go on
        where those below others of its level stopped. Nobody in these companies comes or goes, so every holder follows the season."""
        if owed is None:
            owed, self.owed = [0] * len(QUARTERS), {}
        children = [node["children"][name] for name in sorted(node["children"])]
        below = owed if self.factor(node) == 1 else self.owed.setdefault(depth, [0] * len(QUARTERS))
        if not children or self.factor(node) != 1:
            node["periods"] = self.spread(node["amount"], owed)
        for child in children:
            self.phase(child, below, depth + 1)
        if children and self.factor(node) == 1:
            node["periods"] = [sum(child["periods"][period] for child in children) for period in range(len(QUARTERS))]

    def spread(self, year, owed):
        exact = [year * weight / sum(self.season) / self.unit for weight in self.season]
        amounts = [value.__floor__() * self.unit for value in exact]
        rest = [value - value.__floor__() for value in exact]
        for period, part in enumerate(rest):
            owed[period] += part
        left = year - sum(amounts)
        for period in sorted((period for period, part in enumerate(rest) if part), key=lambda period: (-owed[period], period)):
            step = min(self.unit, left)
            if step <= 0:
                break
            amounts[period] += step
            owed[period] -= step / self.unit
            left -= step
        assert left == 0
        return amounts


def rows(node, into):
    for period, amount in zip(QUARTERS, node["periods"]):
        into[(node["name"], period)] = amount
    for child in node["children"].values():
        rows(child, into)
    return into


REPS = """version = 1
name = "Acme"
currency = "USD"
calendar = { pattern = "quarters", start = 2027-01-01, years = 1 }
[sources.reps]
files = "reps.csv"
[sources.reps.columns]
rep_id = "rep_id"
"""
PROJECT = REPS + """a = { column = "a", type = "text" }
b = { column = "b", type = "text" }
"""


def main():
    dice = random.Random(SEED)
    equal = infeasible = compared = 0
    for number in range(COMPANIES):
        company = Company(dice)
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            numbers = ["history", "potential", "last", "points", "least", "most"]
            columns = "".join(f'{name} = {{ column = "{name}", type = "number" }}\n' for name in numbers)
            (folder / "spm.toml").write_text(PROJECT + columns)
            (folder / "plans").mkdir()
            (folder / "plans/q.toml").write_text(company.plan())
            with open(folder / "reps.csv", "w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["rep_id", "a", "b"] + numbers)
                for person in company.people:
                    cells = [person["rep_id"], person["a"], person["b"]]
                    cells += ["" if person[name] is None else f"{int(person[name] * 100) / 100:.2f}" for name in numbers]
                    writer.writerow(cells)
            ran = subprocess.run([SPM, "-q", "quotas", "allocate", "--dry-run", "--format", "csv", "--project", str(folder)], capture_output=True, text=True)
            try:
                expected = rows(company.solve(), {})
            except Infeasible:
                expected = None
            if expected is None:
                infeasible += 1
                if ran.returncode not in (3, 4):
                    sys.exit(f"company {number}: no answer is possible, but the program has one\n{company.plan()}")
                continue
            if ran.returncode != 0:
                sys.exit(f"company {number}: exit {ran.returncode}\n{ran.stderr}\n{company.plan()}")
            found = {(row["holder_id"], row["period"]): F(row["amount"]) for row in csv.DictReader(io.StringIO(ran.stdout))}
            if found != expected:
                differ = {key: (found.get(key), expected.get(key)) for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)}
                sys.exit(f"company {number}: {differ}\n{company.plan()}\n{(folder / 'reps.csv').read_text()}")
            equal += 1
            compared += len(found)
    print(f"{COMPANIES} companies, seed {SEED}: {equal} equal in all {compared} quotas, {infeasible} without an answer in both")


if __name__ == "__main__":
    main()
