"""What is in an image, read with CPython's tarfile and nothing of Cooper's: JSON for our tests.

    python3 image-facts.py ARCHIVE-OR-LAYOUT

Reads docker-archives (plain, gz, xz, bz2, zstd), OCI layouts and archives of them; every digest and size is checked on the way.
Names that are no UTF-8 have backslashes for the bytes.
"""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

KINDS = {
    tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "hard link", tarfile.FIFOTYPE: "fifo", tarfile.CHRTYPE: "character", tarfile.BLKTYPE: "block",
}


def text(name):
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def unpacked(data):
    """The bytes, and the name of what they were compressed with."""
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data), "gz"
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout, "zstd"
    return data, "none"


def members(data):
    found = []
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            content = tar.extractfile(member).read() if member.isreg() else b""
            found.append({
                "name": text(member.name), "kind": KINDS[member.type], "mode": format(member.mode, "o"),
                "uid": member.uid, "gid": member.gid, "uname": text(member.uname), "gname": text(member.gname),
                "mtime": int(member.mtime), "size": member.size, "target": text(member.linkname),
                "sha256": hashlib.sha256(content).hexdigest() if member.isreg() else None,
            })
    return found


def layer(data, diff_id):
    plain, compression = unpacked(data)
    digest = "sha256:" + hashlib.sha256(plain).hexdigest()
    assert digest == diff_id, f"layer is {digest}, configuration says {diff_id}"
    return {"diffID": digest, "compression": compression, "members": members(plain)}


def docker(files, compression):
    images = json.loads(files["manifest.json"])
    image = images[0]
    config = files[image["Config"]]
    assert image["Config"] == hashlib.sha256(config).hexdigest() + ".json", "name of the configuration"
    diff_ids = json.loads(config)["rootfs"]["diff_ids"]
    assert len(diff_ids) == len(image["Layers"]), "as many diff IDs as layers"
    return {
        "format": "docker-archive", "images": len(images), "compression": compression, "tags": image["RepoTags"],
        "config": json.loads(config), "configDigest": hashlib.sha256(config).hexdigest(),
        "layers": [layer(files[name], diff_id) for name, diff_id in zip(image["Layers"], diff_ids)],
    }


def layout(read, compression):
    def blob(descriptor):
        algorithm, digest = descriptor["digest"].split(":")
        data = read(f"blobs/{algorithm}/{digest}")
        assert hashlib.sha256(data).hexdigest() == digest and len(data) == descriptor["size"], descriptor
        return data

    assert json.loads(read("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads(read("index.json"))
    entry = index["manifests"][0]
    manifest = json.loads(blob(entry))
    config = json.loads(blob(manifest["config"]))
    diff_ids = config["rootfs"]["diff_ids"]
    assert len(diff_ids) == len(manifest["layers"]), "as many diff IDs as layers"
    return {
        "format": "oci", "images": len(index["manifests"]), "compression": compression, "entry": entry,
        "manifest": manifest, "config": config,
        "layers": [
            layer(blob(each), diff_id) | {"mediaType": each["mediaType"]}
            for each, diff_id in zip(manifest["layers"], diff_ids)
        ],
    }


def facts(path):
    if os.path.isdir(path):
        return layout(lambda name: open(os.path.join(path, name), "rb").read(), "none")
    with open(path, "rb") as stream:
        data, compression = unpacked(stream.read())
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        files = {member.name.removeprefix("./"): tar.extractfile(member).read() for member in tar if member.isreg()}
    if "oci-layout" in files:
        return layout(files.__getitem__, compression)
    return docker(files, compression)


json.dump(facts(sys.argv[1]), sys.stdout)
