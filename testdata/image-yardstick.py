"""What nixpkgs' buildImage does without a base and without runAsRoot, written for our tests from nix-dockertools.md, section 5.

    python3 image-yardstick.py INPUT.json > image.tar

The work is done by the programs that nixpkgs uses: rsync, GNU tar, jq, jshon, sha256sum, bash. Only tarsum (5.4), Nix's JSON and its
search for references are Python. INPUT has: items (directories, in the order of copyToRoot), keepContentsDirlinks, extraCommands,
config, created, architecture, uid, gid, name, tag, graph (store path to its references), storeDir.

It departs from nixpkgs in what Cooper decided on purpose: rsync looks at each file again (`--ignore-times`), so that the last of two
files of one size wins; names in store paths may have line feeds (lists end in NUL).
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile

EPOCH = "--mtime=@315532800"
# As the builder of a sandbox has them; tar asks this machine's passwd for names that are not given.
USERS, GROUPS = {0: "root", 1000: "nixbld", 65534: "nobody"}, {0: "root", 100: "nixbld", 65534: "nogroup"}


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def tool(text, *command):
    return run(*command, input=text.encode(), stdout=subprocess.PIPE).stdout.decode()


def nix_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def owner(table, number):
    return f"{table[number]}:{number}" if number in table else str(number)


def tarsum(path):
    sums = []
    with tarfile.open(path, encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            digest = hashlib.sha256()
            name = member.name + ("/" if member.isdir() else "")
            for key, value in [
                ("name", name), ("mode", member.mode), ("uid", member.uid), ("gid", member.gid),
                ("size", member.size), ("typeflag", member.type.decode()), ("linkname", member.linkname),
                ("uname", ""), ("gname", ""), ("devmajor", member.devmajor), ("devminor", member.devminor),
            ]:
                digest.update(f"{key}{value}".encode("utf-8", "surrogateescape"))
            if member.isreg():
                with tar.extractfile(member) as content:
                    for piece in iter(lambda: content.read(1 << 20), b""):
                        digest.update(piece)
            sums.append(digest.hexdigest())
    return "tarsum.v1+sha256:" + hashlib.sha256("".join(sorted(sums)).encode()).hexdigest()


def closure(graph, store, *files):
    """Paths whose hashes are in the files, and what those need."""
    text = b"".join(open(file, "rb").read() for file in files)
    waiting = [path for path in graph if os.path.basename(path)[:32].encode() in text]
    found = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += graph[path]
    return found


def everything(path):
    """What `find PATH` prints, as bytes."""
    return run("find", path, "-print0", stdout=subprocess.PIPE).stdout.split(b"\0")[:-1]


def make_layer(spec, layer):
    os.mkdir("layer")
    for item in spec["items"]:
        links = "-K" if spec["keepContentsDirlinks"] else "-k"
        run("rsync", "-a", links, "--ignore-times", "--chown=0:0", item + "/", "layer/")
    run("chmod", "ug+w", "layer")
    if spec["extraCommands"]:
        run("bash", "-e", "-c", 'eval "$1"', "bash", spec["extraCommands"], cwd="layer", stdout=sys.stderr)
    run(
        "tar", "-C", "layer", "--hard-dereference", "--sort=name", EPOCH,
        "--owner=" + owner(USERS, spec["uid"]), "--group=" + owner(GROUPS, spec["gid"]),
        "-cf", layer, ".")


def append_store(spec, layer, paths):
    with tarfile.open(layer, encoding="utf-8", errors="surrogateescape") as tar:
        own = {os.fsencode(os.path.normpath("/" + name)) for name in tar.getnames()}
    new = []
    store = spec["storeDir"].encode()
    if store not in own:
        name = b""
        for component in store[1:].split(b"/"):
            name += component
            new.append(b"./" + name)
            name += b"/"
        run("mkdir", "-p", b"empty/" + name)
        run("chmod", "-R", "555", b"empty/" + name.split(b"/")[0])
    above = len(new)
    new += sorted(file for path in paths for file in everything(path) if file not in own)
    options = [
        "-rpf", os.path.abspath(layer), "--hard-dereference", "--sort=name", EPOCH, "--owner=root:0", "--group=root:0",
        "--no-recursion", "--null"]
    # Two calls, so that the directories above the store are not this machine's.
    for directory, names in [("empty", new[:above]), ("/", new[above:])]:
        if names:
            listing = b"".join(name + b"\0" for name in names)
            run("tar", *options, "--verbatim-files-from", "--files-from", "-", input=listing, cwd=directory)


def main(path):
    with open(path) as stream:
        spec = json.load(stream)
    base = nix_json({
        "architecture": spec["architecture"], "config": spec["config"], "created": spec["created"],
        "os": "linux", "preferLocalBuild": True})
    name, tag = spec["name"].lower(), spec["tag"]

    os.mkdir("temp")
    layer = os.path.abspath("temp/layer.tar")
    make_layer(spec, layer)
    description = tool(base, "jshon", "-s", tarsum(layer), "-i", "checksum")
    with open("temp/json", "w") as stream:
        stream.write(description)
    with open("temp/VERSION", "w") as stream:
        stream.write("1.0")
    paths = closure(spec["graph"], spec["storeDir"], layer, "temp/json")
    if paths:
        append_store(spec, layer, paths)

    identity = hashlib.sha256(description.encode()).hexdigest()
    size = str(os.path.getsize(layer))
    with open("temp/json", "w") as stream:
        stream.write(tool(tool(description, "jshon", "-s", identity, "-i", "id"), "jshon", "-n", size, "-i", "Size"))
    os.mkdir("image")
    os.rename("temp", f"image/{identity}")

    digest = run("sha256sum", f"image/{identity}/layer.tar", stdout=subprocess.PIPE).stdout.decode().split()[0]
    image = tool(
        base, "jq", "--arg", "digest", "sha256:" + digest,
        ".config.Env = [] + (.config.Env // [])"
        ' | . + {"rootfs": {"diff_ids": [$digest], "type": "layers"}, "history": [{"created": .created}]}')
    configuration = hashlib.sha256(image.encode()).hexdigest() + ".json"
    with open("image/" + configuration, "w") as stream:
        stream.write(image)
    with open("image/manifest.json", "w") as stream:
        stream.write(tool(
            "", "jq", "-n", "--arg", "tag", f"{name}:{tag}", "--arg", "layer", f"{identity}/layer.tar",
            "--arg", "config", configuration, "[{RepoTags: [$tag], Layers: [$layer], Config: $config}]"))
    with open("image/repositories", "w") as stream:
        stream.write(tool("", "jshon", "-n", "object", "-n", "object", "-s", identity, "-i", tag, "-i", name))
    run("chmod", "-R", "a-w", "image")
    run(
        "tar", "-C", "image", "--hard-dereference", "--sort=name", EPOCH, "--owner=root:0", "--group=root:0",
        "--xform", "s:^./::", "-c", ".")


if __name__ == "__main__":
    os.umask(0o022)
    argument = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        try:
            main(argument)
        finally:
            run("chmod", "-R", "u+w", ".")
            os.chdir("/")
