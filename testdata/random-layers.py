"""Writes COUNT layers into DIRECTORY, each changing and removing things of those before.

    python3 random-layers.py SEED COUNT DIRECTORY
"""

import io
import os
import random
import sys
import tarfile

seed, count, directory = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
random.seed(seed)
names = ["a", "b", "c", "d e", "f\u00e9"]


def path():
    return "/".join(["r"] + [random.choice(names) for _ in range(random.randint(1, 3))])


def kind_of(tree, name):
    return tree.get(name, (None,))[0]


# What there is: a layer may link to nothing else, and put nothing below a file.
tree = {}


def drop(name):
    for known in [known for known in tree if known == name or known.startswith(name + "/")]:
        del tree[known]


def add(archive, added):
    name = path()
    parents = ["/".join(name.split("/")[:end]) for end in range(1, name.count("/") + 1)]
    if any(kind_of(tree, parent) not in (None, "directory") for parent in parents):
        return
    if any(name == other or other.startswith(name + "/") for other in added):
        return
    info = tarfile.TarInfo(name)
    info.mode = random.choice([0o644, 0o755, 0o4755, 0o600, 0o1777, 0o2750])
    info.uid, info.gid = random.choice([0, 1000, 70000]), random.choice([0, 100])
    kind = random.choice(["file"] * 4 + ["directory", "link", "hard link", "pipe", "remove", "remove", "opaque"])
    content = b""
    if kind == "remove":
        if name not in tree:
            return
        info.name = os.path.join(os.path.dirname(name), ".wh." + os.path.basename(name))
        info.mode = 0
        drop(name)
    elif kind == "opaque":
        if kind_of(tree, name) != "directory":
            return
        info.name, info.mode = name + "/.wh..wh..opq", 0
        for known in [known for known in tree if known.startswith(name + "/")]:
            del tree[known]
    elif kind == "directory":
        info.type = tarfile.DIRTYPE
        if kind_of(tree, name) not in (None, "directory"):
            drop(name)
    elif kind == "link":
        info.type, info.linkname = tarfile.SYMTYPE, random.choice(["a", "../b", "/r/c", "nowhere"])
        drop(name)
    elif kind == "hard link":
        files = [other for other in added if kind_of(tree, other) == "file"]
        if not files:
            return
        info.type, info.linkname = tarfile.LNKTYPE, random.choice(files)
        # As every honest tar has it: engines give the file what its last name says.
        info.mode, info.uid, info.gid = tree[info.linkname][1:]
        drop(name)
    elif kind == "pipe":
        info.type = tarfile.FIFOTYPE
        drop(name)
    else:
        content = random.randbytes(random.choice([0, 1, 600, 200_000]))
        info.size = len(content)
        drop(name)
    for parent in parents:
        if parent not in tree:
            tree[parent] = ("directory",)
            above = tarfile.TarInfo(parent)
            above.type, above.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(above)
    archive.addfile(info, io.BytesIO(content))
    if kind not in ("remove", "opaque"):
        tree[name] = ("file" if kind == "hard link" else kind, info.mode, info.uid, info.gid)
    added.append(name)


for number in range(count):
    with tarfile.open(f"{directory}/{number:03}.tar", "w") as archive:
        top = tarfile.TarInfo("r")
        top.type, top.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(top)
        tree["r"] = ("directory",)
        added = []
        for _ in range(random.randint(1, 12)):
            add(archive, added)
