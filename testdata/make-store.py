"""A Nix store for tests, made without building anything: needs nix-store and the programs of Debian, no network, no root.

    python3 make-store.py OUT [SIZE...]        (5 40 150)

Files are in OUT/store/nix/store, with a database that nix-store reads (NIX_REMOTE=OUT/store; OUT/env.sh says so). For each SIZE:
OUT/closure-SIZE.paths, a closure of so many paths, dependencies first; .json and .registration, the same for programs; and a link
closure-SIZE to the path that needs the others. OUT/quirks is a link to a path with all that a store path may have. 5 paths are the
manual's example: hello, bash, and what they need. Others have Nix as well, and random paths (always the same).

Busybox is that of the image beside this file. Bash and Nix are those of this machine, started through the store's own loader.
The layout of OUT is that of tools/nix-store-fixture, which builds a store with Nix itself and more of the machine's programs.
"""

import base64
import hashlib
import json
import os
import random
import platform
import subprocess
import sys
import tarfile
from pathlib import Path

LETTERS = "0123456789abcdfghijklmnpqrsvwxyz"


def archive(path):
    """The Nix archive of a path (nix-integration.md, section 3)."""
    def words(*items):
        packed = b""
        for item in items:
            data = item if isinstance(item, bytes) else os.fsencode(item)
            packed += len(data).to_bytes(8, "little") + data + bytes(-len(data) % 8)
        return packed

    if path.is_symlink():
        return words("(", "type", "symlink", "target", os.readlink(path), ")")
    if path.is_file():
        executable = ["executable", ""] if os.access(path, os.X_OK) and path.stat().st_mode & 0o100 else []
        return words("(", "type", "regular", *executable, "contents", path.read_bytes(), ")")
    packed = words("(", "type", "directory")
    for name in sorted(os.listdir(os.fsencode(path))):
        packed += words("entry", "(", "name", name, "node") + archive(path / os.fsdecode(name)) + words(")")
    return packed + words(")")


class Store:
    def __init__(self, out):
        self.root = out / "store"
        self.nodes = {}
        (self.root / "nix/store").mkdir(parents=True)

    def path(self, name):
        digest = hashlib.sha256(name.encode()).digest()
        return "/nix/store/" + "".join(LETTERS[byte % 32] for byte in digest) + "-" + name

    def file(self, path):
        return self.root / path[1:]

    def add(self, name, references, fill):
        """Makes a path, calls `fill` with the place of its files, and closes it as Nix does."""
        path = self.path(name)
        place = self.file(path)
        fill(place, path)
        for folder, folders, files in os.walk(place, topdown=False):
            for each in [Path(folder) / file for file in files] + [Path(folder)]:
                self.close(each)
        if not place.is_dir() or place.is_symlink():
            self.close(place)
        packed = len(b"nix-archive-1").to_bytes(8, "little") + b"nix-archive-1" + bytes(3) + archive(place)
        self.nodes[path] = {
            "path": path, "narHash": "sha256-" + base64.b64encode(hashlib.sha256(packed).digest()).decode(),
            "narSize": len(packed), "references": sorted(references),
        }
        return path

    @staticmethod
    def close(path):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444)
        os.utime(path, (1, 1), follow_symlinks=False)

    def closure(self, root):
        """Dependencies first."""
        found = []

        def visit(path):
            if path not in found and path not in open_paths:
                open_paths.add(path)
                for reference in self.nodes[path]["references"]:
                    visit(reference)
                found.append(path)

        open_paths = set()
        visit(root)
        return found

    def registration(self, paths):
        lines = []
        for node in map(self.nodes.get, paths):
            digest = base64.b64decode(node["narHash"].removeprefix("sha256-")).hex()
            lines += [node["path"], digest, str(node["narSize"]), "", str(len(node["references"]))]
            lines += node["references"]
        return "".join(line + "\n" for line in lines)


def write(path, data, executable=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    path.chmod(0o755 if executable else 0o644)


def link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    os.symlink(target, path)


def libraries(program):
    """Name and place of every library that a program loads, and of the loader."""
    listing = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    found, loader = {}, None
    for words in map(str.split, listing.splitlines()):
        if "=>" in words:
            found[words[0]] = words[2]
        elif words[0].startswith("/"):
            loader = words[0]
    return found, loader


def busybox():
    """The program of testdata/image for this machine, linked statically."""
    blobs = Path(__file__).parent / "image/blobs/sha256"
    read = lambda descriptor: json.loads((blobs / descriptor["digest"].removeprefix("sha256:")).read_bytes())
    index = read(json.loads((blobs.parents[1] / "index.json").read_bytes())["manifests"][0])
    wanted = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    for layer in read(next(each for each in index["manifests"] if each["platform"]["architecture"] == wanted))["layers"]:
        with tarfile.open(blobs / layer["digest"].removeprefix("sha256:")) as tar:
            for member in tar:
                if member.isreg() and member.name.endswith("bin/busybox"):
                    return tar.extractfile(member).read()
    sys.exit("testdata/image has no busybox")


def programs(store):
    """hello and nix, with what they need."""
    libc = ("ld-linux", "libc.so", "libm.so", "libdl.so", "libpthread.so", "libresolv.so", "librt.so")
    bash_needs, loader = libraries("/bin/bash")
    nix_needs, _ = libraries("/usr/bin/nix")
    needs = bash_needs | nix_needs
    name = os.path.basename(loader)

    def copies(chosen):
        def fill(place, _):
            for library, source in chosen.items():
                write(place / "lib" / library, Path(source).read_bytes(), executable=True)
        return fill

    glibc = store.add(
        "glibc-2.36", [], copies({name: loader} | {key: needs[key] for key in needs if key.startswith(libc)}))
    tinfo = store.add("libtinfo-6.4", [glibc], copies({key: needs[key] for key in needs if "libtinfo" in key}))
    rest = {key: needs[key] for key in nix_needs if not key.startswith(libc)}
    libs = store.add("nix-libraries-1.0", [glibc], copies(rest))

    def fill_busybox(place, _):
        write(place / "bin/busybox", busybox(), executable=True)
        for applet in ["sh", "cat", "ls", "echo", "id", "stat", "test", "readlink"]:
            link(place / "bin" / applet, "busybox")

    box = store.add("busybox-1.35.0", [], fill_busybox)

    def started(program, source, *paths):
        def fill(place, path):
            write(place / "libexec" / program, Path(source).read_bytes(), executable=True)
            search = ":".join(each + "/lib" for each in (glibc, *paths))
            write(
                place / "bin" / program,
                f'#!{box}/bin/sh\nexec {glibc}/lib/{name} --library-path {search} --argv0 "${{0##*/}}"'
                f' {path}/libexec/{program} "$@"\n', executable=True)
        return fill

    # Both refer to themselves.
    bash = store.add("bash-5.2.15", [glibc, tinfo, box, store.path("bash-5.2.15")], started("bash", "/bin/bash", tinfo))

    def fill_nix(place, path):
        started("nix", "/usr/bin/nix", libs)(place, path)
        link(place / "bin/nix-store", "nix")

    nix = store.add("nix-2.8.0", [glibc, libs, box, store.path("nix-2.8.0")], fill_nix)

    def fill_hello(place, _):
        write(place / "bin/hello", f'#!{bash}/bin/bash\necho "Hello, world!"\n', executable=True)
        write(place / "share/info/hello.info", "This is hello.\n")
        write(place / "share/man/man1/hello.1.gz", b"\x1f\x8b\x08" + bytes(7) + b"\x03" + bytes(9))
        for language in ["de", "eo", "is"]:
            write(place / "share/locale" / language / "LC_MESSAGES/hello.mo", language)

    return store.add("hello-2.12.1", [bash], fill_hello), nix


def padding(store, count, below):
    """So many random paths: directories, files, links; some big, some that refer to themselves."""
    paths, generator = list(below), random.Random(count)
    for number in range(count):
        name = f"pad-{count}-{generator.choice(['a', 'b', 'c'])}{number}"
        references = generator.sample(paths, min(len(paths), generator.randint(0, 4)))
        if generator.random() < 0.3:
            references.append(store.path(name))

        def fill(place, path):
            kind = generator.choice(["directory"] * 6 + ["file", "link"])
            text = "".join(each + "\n" for each in references)
            if kind == "link":
                link(place, references[0] if references else "nowhere")
            elif kind == "file":
                write(place, text + "x" * generator.randint(0, 5000), executable=generator.random() < 0.5)
            else:
                write(place / f"share/pads/{number}", text)
                for each in range(generator.randint(0, 5)):
                    write(place / f"lib/{number}/{each}", generator.randbytes(generator.randint(0, 40000)))

        paths.append(store.add(name, sorted(set(references)), fill))
    return paths[len(below):]


def quirks(place, path):
    write(place / "empty", "")
    (place / "nothing").mkdir()
    link(place / "dangling", "nowhere/at/all")
    link(place / "absolute", "/etc/passwd")
    link(place / "up", "../../..")
    link(place / "cycle-a", "cycle-b")
    link(place / "cycle-b", "cycle-a")
    link(place / "folder-link", "nothing")
    write(place / "one", "the same")
    os.link(place / "one", place / "two")
    os.link(place / "one", place / "sub-hard-link")
    write(place / "with blank 'quotes' \"and\" \\ back", "blank\n")
    write(place / "line\nbreak", "line\n")
    write(place / "-leading", "minus\n")
    write(place / ".wh.whiteout", "not one\n")
    write(place / ".wh..wh..opq", "neither\n")
    write(place / "größe-日本-😀", "letters\n")
    write(Path(os.fsdecode(os.fsencode(place) + b"/bytes-\xff\xfe")), "bytes\n")
    write(place / ("n" * 120), "long\n")
    write(place / ("m" * 240), "longer\n")
    write(place / "/".join(["deep-" + "d" * 40] * 7) / "file", "deep\n")
    link(place / "long-target", "t" * 300)
    link(place / "target-größe", "größe-日本-😀")
    # Components are compared, not names.
    write(place / "a/z", "z\n")
    write(place / "a-b", "a-b\n")
    write(place / "a.b", "a.b\n")
    write(place / "a/.hidden", "hidden\n")
    write(place / "run", "#!/bin/sh\n", executable=True)
    write(place / "self", path + "\n")


def main(out, *sizes):
    out = Path(out).absolute()
    store = Store(out)
    hello, nix = programs(store)
    roots = {}
    for size in map(int, sizes or ["5", "40", "150"]):
        if size == 5:
            roots[size] = hello
            continue
        below = sorted(set(store.closure(hello)) | set(store.closure(nix)))
        pads = padding(store, size - 1 - len(below), below)
        roots[size] = store.add(
            f"world-{size}", [hello, nix] + pads, lambda place, _: write(place / "share/world", "\n".join(pads)))
    odd = store.add("quirks-1.0", [store.path("quirks-1.0")], quirks)
    os.symlink(odd, out / "quirks")
    for size, root in roots.items():
        paths = store.closure(root)
        assert len(paths) == size
        os.symlink(root, out / f"closure-{size}")
        write(out / f"closure-{size}.paths", "".join(path + "\n" for path in paths))
        write(out / f"closure-{size}.json", json.dumps([store.nodes[path] for path in sorted(paths)]))
        write(out / f"closure-{size}.registration", store.registration(paths))
    settings = {"NIX_REMOTE": str(store.root), "NIX_CONFIG": "build-users-group ="}
    write(out / "env.sh", "".join(f"export {name}='{value}'\n" for name, value in settings.items()))
    subprocess.run(
        ["nix-store", "--load-db"], input=store.registration(store.nodes), text=True, check=True,
        env=os.environ | settings)


main(*sys.argv[1:])
