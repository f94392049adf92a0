"""Territories: published instances with known answers, and random countries beside k-means-constrained.

    python3 benches/territories.py gap FOLDER      # FOLDER has best_known.csv (path, items, agents, lower_bound, best_known) and the files
    python3 benches/territories.py districting FOLDER    # reference_values.csv, and LEVEL/STATE_nodes.csv and _edges.csv
    python3 benches/territories.py cpmp FOLDER           # best_known.csv and instances/NAME.dat: capacitated p-median
    python3 benches/territories.py zips FOLDER K         # us_zips.csv, us_counties_atlas.csv, us_county_adjacency_atlas.csv: K territories that hang together by county
    python3 benches/territories.py points FILE K   # accounts of a file (id, lon, lat, x, y, w1, w2), three measures within 2 %, beside k-means-constrained
    python3 benches/territories.py country N K     # as many random accounts around a few towns, likewise

Needs a release build of spm; SPM names another binary. All but `gap` need polars, `points` and `country` numpy too, and for the peer `pip install k-means-constrained`.
"""
import csv, functools, json, math, os, subprocess, sys, tempfile, time

print = functools.partial(print, flush=True)

SPM = os.environ.get("SPM", "target/release/spm")
HEADER = 'version = 1\nname = "bench"\ncurrency = "USD"\n[calendar]\npattern = "months"\nstart = 2027-01-01\nyears = 1\n'


def project(folder, tables, plan):
    """A project of CSV files: table -> (columns, rows)."""
    text = HEADER
    for name, (columns, rows) in tables.items():
        with open(f"{folder}/{name}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)
        # Columns of our own need a type.
        own = {"revenue", "work", "people"}
        mapped = "".join(
            f'{c} = {{ column = "{c}", type = "number" }}\n' if c in own else f'{c} = "{c}"\n' for c in columns
        )
        text += f'[sources.{name}]\nfiles = "{name}.csv"\n[sources.{name}.columns]\n{mapped}'
    os.makedirs(f"{folder}/plans", exist_ok=True)
    open(f"{folder}/spm.toml", "w").write(text)
    open(f"{folder}/plans/plan.toml", "w").write('version = 1\nkind = "territories"\nid = "bench"\ntitle = "Bench"\n' + plan)


def run(folder, *arguments):
    start = time.time()
    ran = subprocess.run([os.path.abspath(SPM), "-q", "--project", folder, *arguments], capture_output=True, text=True)
    seconds = time.time() - start
    if ran.returncode:
        return None, seconds, ran.stderr
    return json.load(open(f"{folder}/out/territories/result.json")), seconds, ""


def gap(root):
    gaps = {}
    for row in csv.DictReader(open(f"{root}/best_known.csv")):
        path = f"{root}/{row['path']}"
        if not os.path.exists(path):
            continue
        numbers = list(map(int, open(path).read().split()))
        agents, items = numbers[:2]
        at = lambda table, agent, item: numbers[2 + (table * agents + agent) * items + item]
        with tempfile.TemporaryDirectory() as folder:
            project(
                folder,
                {
                    "accounts": (["account_id"], [[f"i{i:05}"] for i in range(items)]),
                    "territories": (
                        ["territory_id", "capacity"],
                        [[f"a{a:03}", numbers[2 + 2 * agents * items + a]] for a in range(agents)],
                    ),
                    "costs": (
                        ["account_id", "territory_id", "cost", "load"],
                        [[f"i{i:05}", f"a{a:03}", at(0, a, i), at(1, a, i)] for i in range(items) for a in range(agents)],
                    ),
                },
                'holders = "territories"\ncost = "cost"\n[[measure]]\nname = "work"\npair = "load"\nmost = "capacity"\n',
            )
            result, seconds, fault = run(folder, "territories", "balance")
        if result is None:
            print(f"{row['path']}: no answer\n{fault}")
            continue
        best = float(row["best_known"])
        own = (result["objective"] - best) / best * 100
        gaps.setdefault(os.path.basename(path)[0], []).append(own)
        print(f"{row['path']:28} cost {result['objective']:>9} best known {best:>9.0f} gap {own:6.3f} %  bound {result['bound']:>9}  {seconds:.2f} s")
    for kind, own in sorted(gaps.items()):
        print(f"type {kind}: mean gap {sum(own) / len(own):.3f} % of {len(own)}")
    every = [one for own in gaps.values() for one in own]
    print(f"all: mean gap {sum(every) / len(every):.3f} % of {len(every)}")


def assignment(folder):
    """Territory of each account."""
    import polars

    table = polars.read_parquet(f"{folder}/out/territories/assignment.parquet")
    return dict(zip(table["account_id"], table["territory_id"]))


def in_pieces(names, touching):
    """How many sets hang together, of the names of one territory."""
    left, pieces = set(names), 0
    while left:
        pieces += 1
        stack = [left.pop()]
        while stack:
            for other in touching[stack.pop()]:
                if other in left:
                    left.remove(other)
                    stack.append(other)
    return pieces


def districting(root):
    gaps = []
    for row in csv.DictReader(open(f"{root}/reference_values.csv")):
        if row["model"] not in ("hess", "cut"):
            continue
        path = f"{root}/{row['level']}/{row['state']}"
        nodes = list(csv.DictReader(open(f"{path}_nodes.csv")))
        names = [node["geoid"] for node in nodes]
        edges = [(names[int(e["i"])], names[int(e["j"])]) for e in csv.DictReader(open(f"{path}_edges.csv"))]
        touching = {name: [] for name in names}
        for one, other in edges:
            touching[one].append(other)
            touching[other].append(one)
        connected = row["model"] == "cut"
        with tempfile.TemporaryDirectory() as folder:
            project(
                folder,
                {
                    "accounts": (
                        ["account_id", "latitude", "longitude", "people"],
                        [[node["geoid"], node["lat"], node["lon"], node["pop"]] for node in nodes],
                    ),
                    "adjacency": (["area_id", "neighbour_id"], edges),
                },
                f'territories = {row["k"]}\nsquared = true\nvisits = "people"\ncentre = "account"\n'
                + ('contiguous = "account_id"\n' if connected else "")
                + '[[measure]]\nname = "people"\nvalue = "people"\ntolerance = "0.5%"\n',
            )
            result, seconds, fault = run(folder, "territories", "create")
            if result is None:
                print(f"{row['level']} {row['state']} {row['model']}: no answer\n{fault}")
                continue
            district = assignment(folder)
        # Scored as the published plans are, by nothing of ours.
        where = {node["geoid"]: (math.radians(float(node["lat"])), math.radians(float(node["lon"]))) for node in nodes}
        people = {node["geoid"]: int(node["pop"]) for node in nodes}

        def square(one, other):
            (a, b), (c, d) = where[one], where[other]
            half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
            return (2 * 6371.009 * math.asin(math.sqrt(half))) ** 2

        members = {}
        for name in names:
            members.setdefault(district[name], []).append(name)
        value = sum(min(sum(people[i] * square(i, j) for i in own) for j in own) for own in members.values()) / 1e6
        sizes = [sum(people[i] for i in own) for own in members.values()]
        valid = min(sizes) >= int(row["L"]) and max(sizes) <= int(row["U"]) and len(sizes) == int(row["k"])
        if connected:
            valid = valid and all(in_pieces(own, touching) == 1 for own in members.values())
        best = float(row["recomputed_obj_median"])
        gaps.append((value - best) / best * 100)
        print(
            f"{row['level']:6} {row['state']} {row['model']:4} {len(nodes):5} units {row['k']:>2} districts: {value:10.2f} published {best:10.2f} "
            f"{gaps[-1]:+.3f} % {'valid' if valid else 'NOT VALID'}  gap to our bound {result['gap'] * 100:.2f} %  {seconds:.1f} s"
        )
    print(f"mean {sum(gaps) / len(gaps):+.3f} %, worst {max(gaps):+.3f} % of {len(gaps)}")


def cpmp(root):
    gaps = []
    for row in csv.DictReader(open(f"{root}/best_known.csv")):
        numbers = list(map(float, open(f"{root}/instances/{row['instance']}.dat").read().split()))
        n, p = map(int, numbers[:2])
        points = [numbers[2 + 4 * i : 6 + 4 * i] for i in range(n)]
        # On the equator, within half a degree, the sphere is flat to a part in a hundred thousand.
        xs, ys = [point[0] for point in points], [point[1] for point in points]
        scale = 0.5 / max(max(xs) - min(xs), max(ys) - min(ys))
        with tempfile.TemporaryDirectory() as folder:
            project(
                folder,
                {
                    "accounts": (
                        ["account_id", "latitude", "longitude", "work"],
                        [
                            [f"i{i:05}", f"{(y - min(ys)) * scale - 0.25:.9f}", f"{(x - min(xs)) * scale:.9f}", work]
                            for i, (x, y, _, work) in enumerate(points)
                        ],
                    ),
                },
                f'territories = {p}\ncentre = "account"\n[[measure]]\nname = "work"\nvalue = "work"\nmost = "{points[0][2]:.0f}"\n',
            )
            result, seconds, fault = run(folder, "territories", "create")
            if result is None:
                print(f"{row['instance']}: no answer\n{fault}")
                continue
            cluster = assignment(folder)
        members = {}
        for i in range(n):
            members.setdefault(cluster[f"i{i:05}"], []).append(i)
        way = lambda i, j: math.dist(points[i][:2], points[j][:2])
        value = sum(min(sum(way(i, j) for i in own) for j in own) for own in members.values())
        valid = len(members) <= p and all(sum(points[i][3] for i in own) <= points[0][2] for own in members.values())
        best = float(row["best_known_cpmp"])
        gaps.append((value - best) / best * 100)
        print(f"{row['instance']:12} {value:12.2f} best known {best:12.2f} {gaps[-1]:+.2f} % {'valid' if valid else 'NOT VALID'}  {seconds:.1f} s")
    print(f"mean {sum(gaps) / len(gaps):+.2f} %, worst {max(gaps):+.2f} % of {len(gaps)}")


STATES = (
    "AL 01 AK 02 AZ 04 AR 05 CA 06 CO 08 CT 09 DE 10 DC 11 FL 12 GA 13 HI 15 ID 16 IL 17 IN 18 IA 19 KS 20 KY 21 LA 22 ME 23 MD 24 MA 25 MI 26 MN 27 MS 28 MO 29 MT 30 "
    "NE 31 NV 32 NH 33 NJ 34 NM 35 NY 36 NC 37 ND 38 OH 39 OK 40 OR 41 PA 42 RI 44 SC 45 SD 46 TN 47 TX 48 UT 49 VT 50 VA 51 WA 53 WV 54 WI 55 WY 56 AS 60 GU 66 MP 69 PR 72 VI 78"
).split()


def zips(root, k):
    """All ZIP codes of the United States, equal numbers within 10 %, each territory in one piece by county. The tables are written out as an example of how to
    make them: the county of a ZIP is the one of its name, or else the nearest of its state; counties that no land joins to the rest (islands, Alaska) are joined to
    the nearest county that is."""
    state = dict(zip(STATES[::2], STATES[1::2]))
    read = lambda name: list(csv.DictReader(open(f"{root}/{name}.csv")))
    counties = {row["fips"]: (float(row["lat"]), float(row["lon"])) for row in read("us_counties_atlas")}
    kinds = (" county", " parish", " city and borough", " borough", " census area", " municipality", " municipio", ".", "'", " ", "-")
    plain = lambda name: functools.reduce(lambda text, kind: text.replace(kind, ""), kinds, name.lower())
    named = {(row["fips"][:2], plain(row["name"])): row["fips"] for row in read("us_counties_atlas")}

    def way(one, other):
        (a, b), (c, d) = one, other
        return (a - c) ** 2 + ((b - d) * math.cos(math.radians((a + c) / 2))) ** 2

    rows, touching = [], {fips: set() for fips in counties}
    for row in read("us_zips"):
        own, place = state[row["state"]], (float(row["lat"]), float(row["lon"]))
        county = named.get((own, plain(row["county"])))
        if county is None:
            county = min((fips for fips in counties if fips[:2] == own), key=lambda fips: way(place, counties[fips]))
        rows.append([row["zip"], row["lat"], row["lon"], county])
    for row in read("us_county_adjacency_atlas"):
        touching[row["fips_a"]].add(row["fips_b"])
        touching[row["fips_b"]].add(row["fips_a"])
    # An area without accounts is no bridge, so only counties with ZIPs count.
    used = {row[3] for row in rows}
    edges = {(one, other) for one in used for other in touching[one] if other in used}
    near = lambda part, rest: min(((way(counties[a], counties[b]), a, b) for a in part for b in rest))[1:]
    while True:
        left, parts = set(used), []
        links = {one: set() for one in used}
        for one, other in edges:
            links[one].add(other)
            links[other].add(one)
        while left:
            stack, part = [left.pop()], []
            while stack:
                part.append(stack.pop())
                for other in links[part[-1]] & left:
                    left.remove(other)
                    stack.append(other)
            parts.append(part)
        if len(parts) == 1:
            break
        smallest = min(parts, key=len)
        edges.add(near(smallest, used - set(smallest)))
    with tempfile.TemporaryDirectory() as folder:
        project(
            folder,
            {
                "accounts": (["account_id", "latitude", "longitude", "unit_id"], rows),
                "adjacency": (["area_id", "neighbour_id"], sorted({tuple(sorted(edge)) for edge in edges})),
            },
            f'territories = {k}\ncontiguous = "unit_id"\n[[measure]]\nname = "zips"\nvalue = "1"\ntolerance = "10%"\n',
        )
        result, seconds, fault = run(folder, "territories", "create")
        if result is None:
            print(f"no answer in {seconds:.0f} s\n{fault}")
            return
        territory = assignment(folder)
        import polars

        distance = polars.read_parquet(f"{folder}/out/territories/assignment.parquet")["distance_km"].cast(polars.Float64)
        if keep := os.environ.get("KEEP"):
            subprocess.run([os.path.abspath(SPM), "-q", "--project", folder, "territories", "map", "--to", os.path.abspath(keep)], check=True)
    # Counted again, by nothing of ours: sizes, and whether each territory is in one piece.
    members = {}
    for row in rows:
        members.setdefault(territory[row[0]], []).append(row[3])
    sizes = [len(own) for own in members.values()]
    links = {one: set() for one in used}
    for one, other in edges:
        links[one].add(other)
        links[other].add(one)
    pieces = sum(in_pieces(set(own), links) for own in members.values())
    mean = len(rows) / k
    print(
        f"{len(rows)} ZIPs in {len(sizes)} territories of {min(sizes)} to {max(sizes)} (mean {mean:.1f}), {pieces} pieces, mean way {distance.mean():.1f} km, "
        f"gap to the bound without contiguity {result['gap'] * 100:.2f} %, {seconds:.0f} s"
    )


def balanced(accounts, k):
    """Territories by `create` of accounts with three measures, each within 2 %; square kilometres count, as the peer counts them. Returns the result, seconds,
    seconds of processor, and the territory of each account."""
    with tempfile.TemporaryDirectory() as folder:
        measures = "".join(
            f'[[measure]]\nname = "{name}"\nvalue = "{value}"\ntolerance = "2%"\n'
            for name, value in [("revenue", "revenue"), ("work", "work"), ("count", "1")]
        )
        project(
            folder,
            {"accounts": (["account_id", "latitude", "longitude", "revenue", "work"], accounts)},
            f"territories = {k}\nsquared = true\n" + measures,
        )
        work = os.times().children_user
        result, seconds, fault = run(folder, "territories", "create")
        if result is None:
            sys.exit(fault)
        return result, seconds, os.times().children_user - work, assignment(folder)


def beside(names, space, measures, k, made, kilometres):
    """Prints our answer and that of k-means-constrained, which balances the number only, scored alike: `space` has a point for each account, and
    `kilometres` makes distances between them kilometres."""
    import numpy as np

    def scored(labels):
        centre = np.stack([np.bincount(labels, axis, k) / np.maximum(np.bincount(labels, minlength=k), 1) for axis in space.T], 1)
        way = kilometres(np.linalg.norm(space - centre[labels], axis=1))
        loads = [np.bincount(labels, measure, k) / (measure.sum() / k) for measure in measures]
        off = ", ".join(f"{max(load.max() - 1, 1 - load.min()) * 100:.2f}" for load in loads)
        return (way**2).mean() ** 0.5, f"rms {(way**2).mean() ** 0.5:.1f} km, mean {way.mean():.1f} km, measures off by at most {off} %"

    result, seconds, work, territory = made
    codes = {name: code for code, name in enumerate(sorted(set(territory.values())))}
    ours, said = scored(np.array([codes[territory[name]] for name in names]))
    print(f"spm: {seconds:.1f} s ({work:.1f} s of processor), {said}, gap to the bound for these centres {result['gap'] * 100:.2f} %")
    try:
        from k_means_constrained import KMeansConstrained
    except ImportError:
        return
    start, work_before = time.time(), time.process_time()
    n = len(names)
    peer = KMeansConstrained(k, size_min=int(0.98 * n / k), size_max=math.ceil(1.02 * n / k), random_state=1, n_init=1).fit(space)
    seconds_peer, work_peer = time.time() - start, time.process_time() - work_before
    theirs, said = scored(peer.labels_)
    print(f"k-means-constrained: {seconds_peer:.1f} s ({work_peer:.1f} s of processor), {said}")
    print(f"ratio: time {seconds / seconds_peer:.2f}, processor {work / work_peer:.2f}, rms {ours / theirs:.3f}")


def points(path, k):
    """Accounts of a file with id, lon, lat, x, y (kilometres of a plane), w1, w2."""
    import numpy as np

    rows = list(csv.DictReader(open(path)))
    column = lambda name: np.array([float(row[name]) for row in rows])
    made = balanced([[row["id"], row["lat"], row["lon"], row["w1"], row["w2"]] for row in rows], k)
    measures = [column("w1"), column("w2"), np.ones(len(rows))]
    beside([row["id"] for row in rows], np.column_stack([column("x"), column("y")]), measures, k, made, lambda way: way)


def country(n, k):
    """Accounts around a few towns, the largest of which needs dozens of territories."""
    import numpy as np

    random = np.random.default_rng(n)
    towns = np.column_stack([random.uniform(26, 48, 400), random.uniform(-122, -70, 400)])
    size = random.pareto(1.1, 400) + 0.2
    town = random.choice(400, n, p=size / size.sum())
    places = towns[town] + random.normal(0, 0.35, (n, 2))
    revenue = np.round(random.lognormal(9, 1.2, n), 2)
    work = np.round(random.lognormal(1.5, 0.7, n), 2)
    names = [f"A{i:08}" for i in range(n)]
    made = balanced([[names[i], f"{places[i, 0]:.5f}", f"{places[i, 1]:.5f}", f"{revenue[i]:.2f}", f"{work[i]:.2f}"] for i in range(n)], k)
    latitude, longitude = np.radians(places).T
    space = np.column_stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])
    beside(names, space, [revenue, work, np.ones(n)], k, made, lambda chord: 2 * np.arcsin(np.minimum(chord / 2, 1)) * 6371.009)


if __name__ == "__main__":
    if sys.argv[1:2] == ["gap"]:
        gap(sys.argv[2])
    elif sys.argv[1:2] == ["districting"]:
        districting(sys.argv[2])
    elif sys.argv[1:2] == ["cpmp"]:
        cpmp(sys.argv[2])
    elif sys.argv[1:2] == ["zips"]:
        zips(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1:2] == ["points"]:
        points(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1:2] == ["country"]:
        country(int(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.exit(__doc__)
