"""Everything that the system says of the files in a tree, one line each, sorted by the bytes of paths.

    python3 list-tree.py [--no-attributes] DIRECTORY

The fields are: path, kind, mode, user, group, size, seconds and nanoseconds of the time of change, device numbers, number of names, target of a link,
extended attributes, SHA-256 of the content, and the first path with the same inode. Bytes are in hexadecimal digits, and "-" stands for nothing.
Directories have no size, and as many names as a file system without tricks counts: two and one for each directory in them.
"""

import hashlib
import os
import stat
import sys

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


def content(path):
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def attributes(path):
    names = sorted(os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False))
    values = [(name, os.getxattr(path, name, follow_symlinks=False)) for name in names]
    return ",".join(name.hex() + "=" + value.hex() for name, value in values)


def main(arguments):
    with_attributes = arguments[0] != "--no-attributes"
    # Relative to the root, so that paths may be as long as they like.
    os.chdir(arguments[-1])
    found = []
    stack = [b"."]
    while stack:
        path = stack.pop()
        status = os.lstat(path)
        count = status.st_nlink
        if stat.S_ISDIR(status.st_mode):
            below = [path + b"/" + name for name in os.listdir(path)]
            stack += below
            count = 2 + sum(1 for name in below if stat.S_ISDIR(os.lstat(name).st_mode))
        found.append((path[2:], status, count))
    firsts = {}
    for path, status, count in sorted(found, key=lambda item: item[0]):
        kind = KINDS[stat.S_IFMT(status.st_mode)]
        below = b"./" + path
        first = firsts.setdefault((status.st_dev, status.st_ino), path)
        device = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}" if kind in ("character", "block") else "-"
        fields = [
            path.hex(),
            kind,
            oct(stat.S_IMODE(status.st_mode))[2:],
            status.st_uid,
            status.st_gid,
            0 if kind == "directory" else status.st_size,
            status.st_mtime_ns // 10**9,
            status.st_mtime_ns % 10**9,
            device,
            count,
            os.readlink(below).hex() if kind == "link" else "",
            attributes(below) if with_attributes else "",
            content(below) if kind == "file" else "",
            first.hex(),
        ]
        print(" ".join(str(field) or "-" for field in fields))


main(sys.argv[1:])
