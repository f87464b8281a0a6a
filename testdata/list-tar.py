"""Lists the files of a tar on standard input, a line each, sorted: what a container would see, without times.

Hard links are shown as files of their own.
"""

import hashlib
import sys
import tarfile

# What Docker puts into every container.
SKIPPED = {".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"}
SKIPPED_DIRECTORIES = ("dev", "proc", "sys")

archive = tarfile.open(fileobj=sys.stdin.buffer, mode="r|")
files, contents = {}, {}
for member in archive:
    name = member.name.removeprefix("./").rstrip("/")
    if member.islnk():
        target = member.linkname.removeprefix("./")
        files[name], contents[name] = files[target], contents[target]
        continue
    files[name] = f"{member.type.decode()} {member.mode & 0o7777:o} {member.uid}:{member.gid}"
    contents[name] = ""
    if member.isreg():
        contents[name] = hashlib.sha256(archive.extractfile(member).read()).hexdigest()
    elif member.issym():
        files[name], contents[name] = f"2 {member.uid}:{member.gid}", member.linkname
    elif member.ischr() or member.isblk():
        contents[name] = f"{member.devmajor},{member.devminor}"
for name in sorted(files):
    if name in SKIPPED or name in ("", ".") or name.split("/")[0] in SKIPPED_DIRECTORIES:
        continue
    print(f"{name!r} {files[name]} {contents[name]}")
