"""What nixpkgs' stream script does with a conf.json, written for our tests from nix-dockertools.md, section 2.

    python3 stream-yardstick.py CONF [REPO_TAG] > image.tar

Slow and plain on purpose: each layer is made twice by CPython's own tarfile, once for its digest and once for its bytes.
It is what `cooper stream conf` is compared with, byte for byte, and timed against. With STORE_ROOT the store is below that directory, as
private stores are.
"""

import hashlib
import io
import json
import os
import sys
import tarfile
from datetime import datetime, timezone
from pathlib import Path


ROOT = os.environ.get("STORE_ROOT", "")


def located(path, conf):
    """Where a path is that may be in the store."""
    return ROOT + path if path.startswith(conf["store_dir"] + "/") else path


class Digester:
    def __init__(self):
        self.hash, self.size = hashlib.sha256(), 0

    def write(self, data):
        self.hash.update(data)
        self.size += len(data)


def below(path):
    """The path and everything under it in the order of path components, links not followed."""
    found = [Path(path)]
    if not os.path.islink(path):
        for folder, folders, files in os.walk(path, followlinks=False):
            found += [Path(folder) / name for name in folders + files]
    return sorted(found)


def write_layer(stream, paths, conf, mtime):
    def stamp(member):
        member.mtime, member.uid, member.gid = mtime, int(conf["uid"]), int(conf["gid"])
        member.uname, member.gname = conf["uname"], conf["gname"]
        return member

    with tarfile.open(fileobj=stream, mode="w|") as tar:
        name = ""
        for component in conf["store_dir"].strip("/").split("/"):
            name += "/" + component
            member = stamp(tarfile.TarInfo(name))
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)
        for root in paths:
            for path in below(ROOT + root):
                member = stamp(tar.gettarinfo(str(path)))
                member.name = str(path)[len(ROOT):]
                if member.islnk():
                    member.type, member.linkname = tarfile.REGTYPE, ""
                    member.size = path.stat().st_size
                if member.isreg():
                    with open(path, "rb") as content:
                        tar.addfile(member, content)
                else:
                    tar.addfile(member)


class Pipe:
    """Lets tarfile's addfile read what write_layer writes."""

    def __init__(self, *arguments):
        read, write = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(read)
            with open(write, "wb") as stream:
                write_layer(stream, *arguments)
            os._exit(0)
        os.close(write)
        self.stream = open(read, "rb")

    def __enter__(self):
        return self.stream

    def __exit__(self, *_):
        self.stream.close()
        os.waitpid(self.child, 0)


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def main(conf_path, repo_tag=None):
    with open(conf_path) as stream:
        conf = json.load(stream)
    now = datetime.now(tz=timezone.utc)
    time = lambda text: now if text == "now" else datetime.fromisoformat(text)
    created, mtime = time(conf["created"]), int(time(conf["mtime"]).timestamp())
    config, layers = conf["config"], []

    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
        if conf["from_image"] is None:
            say("No 'fromImage' provided")
        else:
            with tarfile.open(located(conf["from_image"], conf)) as base:
                listed = json.load(base.extractfile(base.getmember("manifest.json")))[0]
                image = json.load(base.extractfile(base.getmember(listed["Config"])))
                for name, digest in zip(listed["Layers"], image["rootfs"]["diff_ids"]):
                    member = base.getmember(name)
                    tar.addfile(member, base.extractfile(member))
                    layers.append((digest.removeprefix("sha256:"), name, [name]))
                    say("Adding base layer", len(layers), "from", name)
            merged = {}
            for variable in image["config"].get("Env", []) + config.get("Env", []):
                merged[variable.split("=", 1)[0]] = variable
            if merged:
                config["Env"] = list(merged.values())

        for paths in conf["store_layers"]:
            say("Creating layer", len(layers) + 1, "from paths:", paths)
            digester = Digester()
            write_layer(digester, paths, conf, mtime)
            digest = digester.hash.hexdigest()
            member = tarfile.TarInfo(f"{digest}/layer.tar")
            member.size, member.mtime = digester.size, mtime
            with Pipe(paths, conf, mtime) as content:
                tar.addfile(member, content)
            layers.append((digest, member.name, paths))

        say("Creating layer", len(layers) + 1, "with customisation...")
        folder = Path(located(conf["customisation_layer"], conf))
        digest = (folder / "checksum").read_text().strip()
        member = tar.gettarinfo(str(folder / "layer.tar"))
        member.name, member.mtime = f"{digest}/layer.tar", mtime
        with open(folder / "layer.tar", "rb") as content:
            tar.addfile(member, content)
        layers.append((digest, member.name, [conf["customisation_layer"]]))

        say("Adding manifests...")

        def add(name, document):
            content = json.dumps(document, indent=4).encode()
            name = name or hashlib.sha256(content).hexdigest() + ".json"
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), mtime
            tar.addfile(member, io.BytesIO(content))
            return name

        image_name = add(None, {
            "created": created.isoformat(),
            "architecture": conf["architecture"],
            "os": "linux",
            "config": config,
            "rootfs": {"diff_ids": ["sha256:" + digest for digest, _, _ in layers], "type": "layers"},
            "history": [{"created": created.isoformat(), "comment": f"store paths: {paths}"} for _, _, paths in layers],
        })
        add("manifest.json", [{
            "Config": image_name,
            "RepoTags": [repo_tag or conf["repo_tag"]],
            "Layers": [name for _, name, _ in layers],
        }])
        say("Done.")


if __name__ == "__main__":
    main(*sys.argv[1:])
