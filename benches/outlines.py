"""Outlines for maps, from states-10m.json of us-atlas and countries-110m.json of world-atlas (both ISC; the shapes are the US Census Bureau's and Natural Earth's,
public domain).

    npm pack us-atlas@3.0.1 && tar xzf us-atlas-3.0.1.tgz
    python3 benches/outlines.py package/states-10m.json 0.02 > src/report/outlines/us-states.txt
    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python3 benches/outlines.py package/countries-110m.json 0.1 840 > src/report/outlines/countries.txt

The borders of a TopoJSON file are arcs, each of which one or two areas share, so each is written once: a line of `longitude latitude` pairs in hundredths of a
degree, simplified (Douglas and Peucker 1973) to within so many degrees. Arcs of the area named last are left out: the states draw those of the United States.
"""
import json, sys

NEAR = float(sys.argv[2])
LEAST = 0.15  # Arcs of islands smaller than this, in degrees, are left out.


def simplified(points):
    """The points without those that lie within NEAR of the line between their neighbours that stay."""
    keep = [False] * len(points)
    keep[0] = keep[-1] = True
    stack = [(0, len(points) - 1)]
    while stack:
        first, last = stack.pop()
        (x, y), (u, v) = points[first], points[last]
        across, up = u - x, v - y
        length = (across * across + up * up) ** 0.5
        worst, at = 0, None
        for i in range(first + 1, last):
            p, q = points[i]
            away = abs(across * (q - y) - up * (p - x)) / length if length else ((p - x) ** 2 + (q - y) ** 2) ** 0.5
            if away > worst:
                worst, at = away, i
        if at is not None and worst > NEAR:
            keep[at] = True
            stack += [(first, at), (at, last)]
    return [point for point, kept in zip(points, keep) if kept]


def main():
    file = json.load(open(sys.argv[1]))
    (sx, sy), (tx, ty) = file["transform"]["scale"], file["transform"]["translate"]
    drawn = set()

    def leave_out(arcs):
        for arc in arcs:
            if isinstance(arc, list):
                leave_out(arc)
            else:
                drawn.add(arc if arc >= 0 else ~arc)

    for area in next(iter(file["objects"].values()))["geometries"]:
        if area.get("id") in sys.argv[3:]:
            leave_out(area["arcs"])
    print("# Borders and coasts, longitude and latitude in hundredths of a degree, an arc a line. Made by benches/outlines.py.")
    for number, arc in enumerate(file["arcs"]):
        if number in drawn:
            continue
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        wide = max(p[0] for p in points) - min(p[0] for p in points)
        tall = max(p[1] for p in points) - min(p[1] for p in points)
        if points[0] == points[-1] and max(wide, tall) < LEAST:
            continue
        print(" ".join(f"{round(p[0] * 100)} {round(p[1] * 100)}" for p in simplified(points)))


main()
