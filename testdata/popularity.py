"""The layers that nixpkgs' popularity contest makes, written for our tests from nix-dockertools.md, 3.1 and 3.3.

    python3 popularity.py CLOSURE.json MAX-LAYERS ROOT... > LAYERS.json

CLOSURE.json is what `nix path-info --json -r` prints. The roots are what the customisation layer refers to.
"""

import json
import sys


def contest(graph, roots):
    """The paths in the order of their popularity, what nothing counts last."""
    closure, left = set(), list(roots)
    while left:
        path = left.pop()
        if path not in closure:
            closure.add(path)
            left += graph[path]
    # The customisation layer is a path of the graph, too, and its only root.
    known = {}

    def contributions(path, references):
        counts = {}
        for child in references:
            counts[child] = counts.get(child, 0) + 1
            for grandchild, count in of(child).items():
                counts[grandchild] = counts.get(grandchild, 0) + count + 1
        return counts

    def of(path):
        if path not in known:
            known[path] = contributions(path, graph[path])
        return known[path]

    counts = contributions(None, sorted(set(roots)))

    def key(path):
        digest, name = path.rsplit("/", 1)[1].split("-", 1)
        return -counts[path], name + "-" + digest

    assert set(counts) == closure
    return sorted(counts, key=key)


def main(closure, limit, *roots):
    sys.setrecursionlimit(10000)
    with open(closure) as stream:
        graph = {node["path"]: sorted(set(node["references"]) - {node["path"]}) for node in json.load(stream)}
    order, single = contest(graph, roots), int(limit) - 2
    layers = [[path] for path in order[:single]] + [order[single:]]
    json.dump([layer for layer in layers if layer], sys.stdout)


main(*sys.argv[1:])
