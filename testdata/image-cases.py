"""Makes a random input of buildImage: a store, plain directories, a spec and the same for image-yardstick.py.

    python3 image-cases.py DIRECTORY SEED

Leaves DIRECTORY/spec.json and DIRECTORY/yardstick.json. The same seed gives the same input. The store is DIRECTORY/store
(NIX_STORE_DIR). Links to directories never lead round in circles, nor out of their item to places other than the store: rsync would
not end, or copy this machine.
"""

import json
import os
import random
import string
import sys

NAMES = [
    "a", "a-b", "a.b", "b", "bin", "lib", "lib64", "share", "etc", "x", "A", "z", "é", "e\u0301", "\uffff", "😀", "日本語",
    "with blank", " leading", "it's", '"quoted"', "new\nline", "back\\slash", "-leading", "--checkpoint=1", ".hidden", "tail~",
    "[b]", "*", "?", "$HOME", "%d", "tab\t", "@x", "#x",
]
NAMES = [name.encode() for name in NAMES] + [
    b"\x80", b"\xff\xfe", b"\xed\xa0\x80", b"a\xc3", b"n" * 97, b"n" * 98, b"n" * 99, b"n" * 100, b"m" * 255]
SIZES = [0, 1, 7, 7, 511, 512, 513, 10240, 20000]


class Case:
    def __init__(self, directory, seed):
        self.directory = os.fsencode(os.path.abspath(directory))
        self.random = random.Random(seed)
        self.store = self.directory + b"/store"
        # A directory behind such a link (`rsync -K`) would be written where the link leads, which may be the store.
        self.keeps = self.once(3)
        self.graph, self.folders, self.files = {}, [], []

    def pick(self, things):
        return things[self.random.randrange(len(things))]

    def once(self, times):
        return self.random.randrange(times) == 0

    def make(self):
        os.makedirs(self.store)
        for _ in range(self.random.randrange(1, 9)):
            self.store_path()
        plain = [self.plain(index) for index in range(self.random.randrange(0, 3))]
        trees = [path for path in self.graph if os.path.isdir(path) and not os.path.islink(path)]
        items = plain + [path for path in trees if self.once(3)]
        self.random.shuffle(items)
        return items

    def store_path(self):
        digits = "".join(self.pick("0123456789abcdfghijklmnpqrsvwxyz") for _ in range(32))
        path = self.store + b"/" + digits.encode() + b"-" + self.pick([b"a", b"hello-1.0", b"p+q", b"x" * 120])
        mentioned = set()
        self.inner, self.item, self.mentioned = [], path, mentioned
        if self.once(5):
            self.leaf(path, stored=True)
        else:
            self.folder(path, 0, stored=True)
        self.folders += self.inner
        self.graph[path] = sorted(mentioned)

    def plain(self, index):
        path = self.directory + b"/plain" + str(index).encode()
        self.inner, self.item, self.mentioned = [], path, set()
        self.folder(path, 0, stored=False)
        return path

    def folder(self, path, depth, stored):
        os.mkdir(path)
        used = set()
        for _ in range(self.random.randrange(1, 9) if depth == 0 else self.random.randrange(0, 6)):
            name = self.pick(NAMES[:10]) if self.once(2) else self.pick(NAMES)
            if name not in used:
                used.add(name)
                if depth < 4 and self.once(3):
                    self.folder(path + b"/" + name, depth + 1, stored)
                else:
                    self.leaf(path + b"/" + name, stored)
        if depth == 0 and self.once(6):
            self.deep(path)
        os.chmod(path, 0o555 if stored else self.pick([0o755, 0o755, 0o555, 0o700, 0o1777, 0o2755, 0o777]))
        self.inner.append(path)

    def deep(self, path):
        for _ in range(4):
            path += b"/" + b"d" * 90
            os.mkdir(path)
        self.leaf(path + b"/end", stored=True)

    def mention(self):
        """A store path that was made before."""
        path = self.pick(list(self.graph))
        self.mentioned.add(path)
        return path

    def leaf(self, path, stored):
        kind = self.random.randrange(12)
        if kind == 0:
            os.symlink(self.pick([b"nowhere", b"../../up", b"t" * 101, b"\xff", b"/nonexistent/x", path]), path)
        elif kind == 1 and self.inner:
            self.link(path, self.pick(self.inner), inside=True)
        elif kind == 2 and self.folders and not self.keeps:
            target = self.pick(self.folders)
            self.mentioned.add(b"/".join(target.split(b"/")[: self.store.count(b"/") + 2]))
            self.link(path, target, inside=False)
        elif kind == 3 and self.graph:
            os.symlink(self.mention() + self.pick([b"/nothing"] if self.keeps else [b"", b"/bin/x", b"/nothing"]), path)
        elif kind == 4 and self.files:
            os.link(self.pick(self.files), path)
        elif kind == 5 and not stored:
            os.mkfifo(path)
        else:
            self.file(path, stored)

    def link(self, path, target, inside):
        if target.startswith(path + b"/") or os.path.dirname(path).startswith(target):
            return self.file(path, True)
        if self.once(2) or self.keeps:
            target = os.path.relpath(target, os.path.dirname(path))
        elif inside and not self.item.startswith(self.store):
            return os.symlink(os.path.relpath(target, os.path.dirname(path)), path)
        elif inside:
            self.mentioned.add(self.item)
        os.symlink(target, path)

    def file(self, path, stored):
        content = self.random.randbytes(self.pick(SIZES))
        if self.graph and self.once(4):
            content += b"uses " + self.mention() + b"/bin/x\n"
        with open(path, "wb") as stream:
            stream.write(content)
        os.chmod(path, self.pick([0o444, 0o555] if stored else [0o644, 0o755, 0o444, 0o600, 0o4755, 0o2755, 0o1644]))
        self.files.append(path)

    def config(self):
        environment = self.pick([[], ["A=1", "B=é", "A=2"], ["PATH=/bin"]])
        choices = [
            None, {}, {"Cmd": ["/bin/é", 'say "hi" \\ ☃😀', "tab\t"]}, {"Env": environment, "Cmd": []},
            {"WorkingDir": "/data", "Volumes": {"/data": {}}, "ExposedPorts": {"80/tcp": {}, "8080/udp": {}}, "User": "a"},
            {"Labels": {"z": "1", "a": "</b>", "é": "\u0001"}, "Env": environment, "Entrypoint": ["x"]},
        ]
        config = self.pick(choices)
        if config is not None and self.graph and self.once(3):
            config["Entrypoint"] = [os.fsdecode(self.pick(list(self.graph))) + "/bin/x"]
        return config

    def commands(self):
        mention = self.pick([os.fsdecode(path) for path in self.graph])
        return self.pick([
            "", "", "", "mkdir -p data; echo 'some content' > my-file",
            "mkdir -m 1777 made; mkfifo made/fifo; : > made/s; chmod 4755 made/s; ln made/s made/hard; ln -s s made/l",
            f"echo {mention} > refers", "umask > mask; chmod 700 .; touch 'c d' $'odd\\nline'", "rm -rf bin lib; mkdir bin",
            f"mkdir -p .{os.fsdecode(self.store)}; echo own > .{os.fsdecode(self.store)}/own",
        ])


def main(directory, seed):
    case = Case(directory, int(seed))
    items = case.make()
    name = case.pick(["app", "Team/App", "registry-1.docker.io/image", "localhost:5000/a/b.c_d"])
    common = {
        "name": name, "tag": case.pick(["1", "latest", "V_1.0-x"]), "extraCommands": case.commands(), "config": case.config(),
        "created": case.pick(["1970-01-01T00:00:01Z", "2024-02-29T12:00:00+05:30", "2023-01-02T03:04:05.678Z"]),
        "architecture": case.pick(["amd64", "arm64", "386"]),
        "uid": case.pick([0, 0, 1000, 65534, 424242, 3000000]), "gid": case.pick([0, 0, 100, 65534, 434343, 3000000]),
        "keepContentsDirlinks": case.keeps,
    }
    text = [os.fsdecode(item) for item in items]
    graph = {os.fsdecode(path): [os.fsdecode(other) for other in others] for path, others in case.graph.items()}
    nodes = [{"path": path, "narSize": 1, "references": references} for path, references in graph.items()]
    documents = {
        "closure.json": nodes,
        "spec.json": {**common, "copyToRoot": text, "closure": "closure.json", "compressor": "none"},
        "yardstick.json": {**common, "items": text, "graph": graph, "storeDir": os.fsdecode(case.store)},
    }
    for file, document in documents.items():
        with open(os.path.join(directory, file), "w") as stream:
            json.dump(document, stream, indent=1)


if __name__ == "__main__":
    os.umask(0o022)
    main(*sys.argv[1:])
