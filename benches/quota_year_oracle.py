"""A year of random companies, calculated a second time in Python fractions from docs/quotas.md alone, beside `spm quotas adjust`.

    python3 benches/quota_year_oracle.py 300 7

The first argument is how many companies, the second the seed. Each company has regions with people who come, leave and are away, floors
and caps, amounts from below, or half of the way to these; then something happens in the middle of the year, and the open periods are shared anew. Checked
are: the years of the allocation with everybody's part of the year, closed periods, sums of regions and company in every period, that
an adjustment without a change changes nothing, what everybody has in the open periods (to a unit of rounding) and in each of them
(where no limit binds), limits of the year, and that nobody has a quota while away. SPM names another binary.
"""

import csv
import datetime
import io
import random
import subprocess
import sys
import tempfile
from fractions import Fraction as F
from pathlib import Path

from quota_oracle import CENT, COMPANIES, QUARTERS, REPS, SEED, SPM, Infeasible, largest_remainder, nearest, share

STARTS = [datetime.date(2027, month, 1) for month in (1, 4, 7, 10)] + [datetime.date(2028, 1, 1)]
PROJECT = REPS + """hire_date = "hire_date"
end_date = "end_date"
a = { column = "a", type = "text" }
points = { column = "points", type = "number" }
least = { column = "least", type = "number" }
most = { column = "most", type = "number" }
carry = { column = "carry", type = "number" }
[sources.leaves]
files = "leaves.csv"
columns = { rep_id = "rep_id", from = "from", to = "to", relief = "relief" }
"""


def part(person, leaves, quarter):
    """The part of a quarter that somebody carries: by days, less what leaves relieve."""
    days, there = 0, F(0)
    day = STARTS[quarter]
    while day < STARTS[quarter + 1]:
        days += 1
        if (person["hire_date"] is None or person["hire_date"] <= day) and (person["end_date"] is None or day < person["end_date"]):
            relief = sum((leave[3] for leave in leaves if leave[0] == person["rep_id"] and leave[1] <= day < leave[2]), F(0))
            there += max(F(0), 1 - relief)
        day += datetime.timedelta(1)
    return there / days


class Year:
    def __init__(self, dice):
        pick = dice.choice
        self.unit = pick([CENT, F(1), F(10)])
        self.regions = pick([["N"], ["N", "S"], ["N", "S", "W"]])
        self.season = [F(dice.randint(1, 9)) for _ in QUARTERS]
        self.policy = pick([None, None, None, "bottom-up", "meet"])
        self.people, self.leaves = [], []
        for number in range(dice.randint(2, 9)):
            self.people.append(self.person(dice, f"p{number:02}"))
        self.total = F(dice.randint(500, 20000) * 100)
        self.limited = self.policy != "meet" and dice.random() < 0.5
        if not self.limited:
            for person in self.people:
                person["least"] = person["most"] = None

    def person(self, dice, name):
        person = {"rep_id": name, "a": dice.choice(self.regions), "points": F(dice.randint(1, 9)), "hire_date": None, "end_date": None,
                  "carry": F(dice.randint(10, 999) * 100), "least": None, "most": None}
        if dice.random() < 0.2:
            person["hire_date"] = datetime.date(2027, dice.randint(1, 12), dice.randint(1, 28))
        if dice.random() < 0.1 and person["hire_date"] is None:
            person["end_date"] = datetime.date(2027, dice.randint(2, 12), dice.randint(1, 28))
        if dice.random() < 0.25:
            self.leave(dice, person, 0)
        if dice.random() < 0.2:
            person["least"] = F(dice.randint(0, 30000000), 100)
        if dice.random() < 0.2:
            person["most"] = F(dice.randint(10000000, 90000000), 100)
        return person

    def leave(self, dice, person, quarter):
        start = STARTS[quarter] + datetime.timedelta(dice.randint(0, 120))
        self.leaves.append((person["rep_id"], start, start + datetime.timedelta(dice.randint(5, 200)), dice.choice([F(1), F(1, 2)])))

    def change(self, dice, open_from):
        """Something that happens from the first open quarter on."""
        kinds = ["nothing", "gone", "leaves", "hire", "points", "leave"] + (["moves"] if len(self.regions) > 1 else [])
        kind, person, start = dice.choice(kinds), dice.choice(self.people), STARTS[open_from]
        if kind == "gone":
            self.people.remove(person)
            self.leaves = [leave for leave in self.leaves if leave[0] != person["rep_id"]]
        elif kind == "leaves":
            person["end_date"] = start
        elif kind == "hire":
            new = self.person(dice, "p99")
            new.update(a=person["a"], hire_date=start + datetime.timedelta(dice.randint(0, 60)), end_date=None, least=None, most=None)
            self.leaves = [leave for leave in self.leaves if leave[0] != "p99"]
            self.people.append(new)
        elif kind == "points":
            person["points"] += dice.randint(1, 5)
            person["carry"] += 1200
        elif kind == "leave":
            self.leaves = [leave for leave in self.leaves if leave[0] != person["rep_id"]]
            self.leave(dice, person, open_from)
        elif kind == "moves":
            person["a"] = dice.choice([region for region in self.regions if region != person["a"]])
        return kind

    def files(self, folder):
        def text(value):
            return "" if value is None else f"{int(value * 100) / 100:.2f}" if isinstance(value, F) else str(value)

        (folder / "spm.toml").write_text(PROJECT)
        (folder / "plans").mkdir(exist_ok=True)
        lines = ["version = 1", 'kind = "quotas"', 'id = "q"', 'levels = ["a"]', 'proration = "time"', f'unit = "{self.unit}"']
        if self.policy != "bottom-up":
            lines += ['method = "weight"', 'weight = "points"', f'total = "{self.total}"']
        if self.limited:
            lines += ['least = "least"', 'most = "most"']
        if self.policy:
            lines += ["[bottom_up]", 'value = "carry"', f'policy = "{self.policy}"']
        for period, weight in zip(QUARTERS, self.season):
            lines += ["[[phasing]]", f'period = "{period}"', f'weight = "{weight}"']
        (folder / "plans/q.toml").write_text("\n".join(lines) + "\n")
        names = ["rep_id", "hire_date", "end_date", "a", "points", "least", "most", "carry"]
        with open(folder / "reps.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows([[text(person[name]) for name in names] for person in self.people])
        with open(folder / "leaves.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["rep_id", "from", "to", "relief"])
            writer.writerows([[name, start, end, text(relief)] for name, start, end, relief in self.leaves])

    def parts(self):
        return {person["rep_id"]: [part(person, self.leaves, quarter) for quarter in range(4)] for person in self.people}

    def of_year(self, parts):
        """The part of the year, by season, that everybody carries."""
        return {name: sum(weight * own for weight, own in zip(self.season, parts[name])) / sum(self.season) for name in parts}

    def limits(self, person, share_of_year):
        least = F(0) if person["least"] is None else nearest(person["least"] * share_of_year, CENT)
        most = None if person["most"] is None else nearest(person["most"] * share_of_year, CENT)
        if most is not None and least > most:
            raise Infeasible
        return least, most


def run(folder, *arguments):
    return subprocess.run([SPM, "-q", *arguments, "--format", "csv", "--project", str(folder)], capture_output=True, text=True)


def quotas(folder):
    """Amounts by holder and quarter, as they stand."""
    import duckdb

    rows = duckdb.sql(f"SELECT holder_id, period, amount FROM '{folder}/out/quotas/quotas.parquet'").fetchall()
    found = {}
    for holder, period, amount in rows:
        found.setdefault(holder, [F(0)] * 4)[QUARTERS.index(period)] = F(str(amount))
    return found


def within(amount, least, most):
    return max(amount, least) if most is None else min(max(amount, least), most)


def years(year):
    """The allocation of a whole year: regions by weight between the limits of their people, then people; or what everybody carries."""
    parts = year.parts()
    there = year.of_year(parts)
    if year.policy == "bottom-up":
        found = {}
        for person in year.people:
            name = person["rep_id"]
            found[name] = within(nearest(person["carry"] * there[name], year.unit), *year.limits(person, there[name]))
            found[person["a"]] = found.get(person["a"], F(0)) + found[name]
        return found
    claims = {person["rep_id"]: (person["points"] * there[person["rep_id"]], *year.limits(person, there[person["rep_id"]])) for person in year.people}
    regions = sorted({person["a"] for person in year.people})
    of = {region: sorted(person["rep_id"] for person in year.people if person["a"] == region) for region in regions}

    def together(region):
        own = [claims[name] for name in of[region]]
        most = None if any(high is None for _, _, high in own) else sum(high for _, _, high in own)
        return sum(weight for weight, _, _ in own), sum(low for _, low, _ in own), most

    upper = [together(region) for region in regions]
    found = dict(zip(regions, largest_remainder(year.total, share(year.total, upper), upper, year.unit)))
    for region in regions:
        own = [claims[name] for name in of[region]]
        found.update(zip(of[region], largest_remainder(found[region], share(found[region], own), own, year.unit)))
    return found


def check(year, before, after, open_from):
    """What is wrong with an adjustment of a plan that shares a stated total."""
    wrong = []
    quarters = range(open_from, 4)
    parts = year.parts()
    there = year.of_year(parts)
    regions = sorted({person["a"] for person in year.people})
    none = [F(0)] * 4
    for holder, amounts in before.items():
        for quarter in range(open_from):
            if after.get(holder, none)[quarter] != amounts[quarter]:
                wrong.append(f"{holder} {QUARTERS[quarter]} is closed")
    for quarter in quarters:
        company = after["Acme"][quarter]
        somebody = any(parts[person["rep_id"]][quarter] for person in year.people)
        if somebody and not year.limited and all(any(parts[person["rep_id"]][other] for person in year.people) for other in quarters) and company != before["Acme"][quarter]:
            wrong.append(f"the company has {company} in {QUARTERS[quarter]}, not {before['Acme'][quarter]}")
        if sum(after[region][quarter] for region in regions) != company:
            wrong.append(f"regions do not add up in {QUARTERS[quarter]}")
    for region in regions:
        people = [person for person in year.people if person["a"] == region]
        names = [person["rep_id"] for person in people]
        shares = {name: [F(0)] * 4 for name in names}
        for quarter in quarters:
            amount = after[region][quarter]
            if sum(after[name][quarter] for name in names) != amount:
                wrong.append(f"people of {region} do not add up in {QUARTERS[quarter]}")
            rates = {person["rep_id"]: person["points"] * parts[person["rep_id"]][quarter] for person in people}
            if sum(rates.values()) == 0:
                if amount:
                    wrong.append(f"{region} has {amount} in {QUARTERS[quarter]}, when nobody is there")
                continue
            for name in names:
                shares[name][quarter] = amount * rates[name] / sum(rates.values())
        # Regions that are shared anew give way in periods where limits bind elsewhere: then people are only checked for being there.
        if year.limited and any(after[region][quarter] != before.get(region, none)[quarter] for quarter in quarters):
            wrong += [f"{name} has a quota in {QUARTERS[quarter]}, when away" for name in names for quarter in quarters if parts[name][quarter] == 0 and after[name][quarter]]
            continue
        claims = []
        for person in people:
            name = person["rep_id"]
            least, most = year.limits(person, there[name])
            closed = sum(after[name][:open_from])
            claims.append((sum(shares[name]), max(F(0), least - closed), None if most is None else max(F(0), most - closed)))
        total = sum(sum(after[name][quarter] for quarter in quarters) for name in names)
        try:
            expected = share(total, claims)
        except Infeasible:
            wrong.append(f"no answer in {region}")
            continue
        binds = [own != claim[0] for own, claim in zip(expected, claims)]
        for name, own, claim in zip(names, expected, claims):
            found = sum(after[name][quarter] for quarter in quarters)
            # What would change by rounding only stands: up to two units in a quarter.
            stood = sum(before.get(name, none)[quarter] for quarter in quarters)
            allowed = year.unit * 2 * len(quarters) * (1 if found == stood else len(names)) if year.unit else 0
            if abs(found - own) > allowed:
                wrong.append(f"{name} has {float(found)} in the open quarters, not {float(own)}")
            if found < claim[1] or (claim[2] is not None and found > claim[2]):
                wrong.append(f"{name} is outside of its limits")
            for quarter in quarters:
                if parts[name][quarter] == 0 and after[name][quarter] != 0:
                    wrong.append(f"{name} has {float(after[name][quarter])} in {QUARTERS[quarter]}, when away")
                if not any(binds) and abs(after[name][quarter] - shares[name][quarter]) > year.unit * 3 * len(names):
                    wrong.append(f"{name} has {float(after[name][quarter])} in {QUARTERS[quarter]}, not {float(shares[name][quarter])}")
    return wrong


def check_from_below(year, before, after, open_from, first):
    """What is wrong where amounts come from below: everybody has the own amount, or the way to it."""
    wrong = []
    parts = year.parts()
    quarters = range(open_from, 4)
    seasons = sum(year.season)
    own = {person["rep_id"]: sum(person["carry"] * year.season[quarter] * parts[person["rep_id"]][quarter] / seasons for quarter in quarters) for person in year.people}
    if year.policy == "bottom-up":
        there = year.of_year(parts)
        for person in year.people:
            name = person["rep_id"]
            closed = sum(after[name][:open_from])
            least, most = year.limits(person, there[name])
            amount = within(own[name], max(F(0), least - closed), None if most is None else max(F(0), most - closed))
            found = sum(after[name][quarter] for quarter in quarters)
            if abs(found - amount) > year.unit * 2 * len(quarters):
                wrong.append(f"{name} has {float(found)} in the open quarters, and carries {float(amount)}")
        return wrong
    # Half of the way: the year from below has the closed quarters of who is gone.
    there = year.of_year(parts)
    below = sum(person["carry"] * there[person["rep_id"]] for person in year.people)
    names = {person["rep_id"] for person in year.people}
    gone = sum(sum(amounts[:open_from]) for holder, amounts in before.items() if holder in first and holder not in names)
    expected = (year.total + below + gone) / 2
    found = sum(after["Acme"])
    if abs(found - expected) > year.unit * 2 + CENT:
        wrong.append(f"the company has {float(found)} in the year, not {float(expected)}")
    return wrong


def main():
    dice = random.Random(SEED)
    counts = {}
    for number in range(COMPANIES):
        year = Year(dice)
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            year.files(folder)
            ran = run(folder, "quotas", "allocate")
            try:
                expected = years(year) if year.policy != "meet" else {}
            except (Infeasible, ZeroDivisionError):
                expected = None
            open_from = dice.randint(1, 3)
            first = {person["rep_id"] for person in year.people}
            if ran.returncode != 0 or expected is None:
                if (ran.returncode in (3, 4)) != (expected is None) and year.policy != "meet":
                    sys.exit(f"company {number}: exit {ran.returncode}, and the oracle has {expected}\n{ran.stderr}")
                year.change(dice, open_from)
                counts["no answer"] = counts.get("no answer", 0) + 1
                continue
            before = quotas(folder)
            differ = {name: (float(sum(before[name])), float(amount)) for name, amount in expected.items() if sum(before[name]) != amount}
            if differ:
                keep(folder, number, differ)
            again = run(folder, "quotas", "adjust", "--from", QUARTERS[open_from], "--reason", "nothing")
            if again.returncode != 0 or quotas(folder) != before:
                keep(folder, number, f"nothing happened, exit {again.returncode}\n{again.stderr}")
            kind = year.change(dice, open_from)
            year.files(folder)
            ran = run(folder, "quotas", "adjust", "--from", QUARTERS[open_from], "--reason", kind)
            if ran.returncode in (3, 4) and (year.limited or year.policy == "meet" or not any(sum(own[open_from:]) for own in year.parts().values())):
                counts["refused"] = counts.get("refused", 0) + 1
                continue
            if ran.returncode != 0:
                keep(folder, number, f"{kind}: exit {ran.returncode}\n{ran.stderr}")
            after = quotas(folder)
            if kind == "nothing":
                wrong = [] if after == before else ["something has changed"]
            elif year.policy is None and after == before and same(year, expected):
                # Where the plan of today gives what stands, nothing changes.
                wrong = []
            elif year.policy is None:
                wrong = check(year, before, after, open_from)
            else:
                wrong = check_from_below(year, before, after, open_from, first)
            if wrong:
                keep(folder, number, f"{kind} from {QUARTERS[open_from]}: " + "; ".join(wrong) + f"\nbefore {show(before)}\nafter {show(after)}")
            again = run(folder, "quotas", "adjust", "--from", QUARTERS[open_from], "--reason", "again")
            if again.returncode != 0 or quotas(folder) != after:
                keep(folder, number, f"{kind} from {QUARTERS[open_from]}: adjusted again, exit {again.returncode}\n{again.stderr}\nbefore {show(before)}\nafter {show(after)}\nagain {show(quotas(folder))}")
            counts[kind] = counts.get(kind, 0) + 1
    print(f"{COMPANIES} companies, seed {SEED}: {', '.join(f'{kind} {count}' for kind, count in sorted(counts.items()))}")


def same(year, expected):
    try:
        return years(year) == expected
    except (Infeasible, ZeroDivisionError):
        return False


def show(amounts):
    return {holder: [float(amount) for amount in own] for holder, own in amounts.items()}


def keep(folder, number, what):
    texts = "\n".join((folder / name).read_text() for name in ("plans/q.toml", "reps.csv", "leaves.csv"))
    sys.exit(f"company {number}: {what}\n{texts}")


if __name__ == "__main__":
    main()
