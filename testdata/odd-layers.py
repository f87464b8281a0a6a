"""Writes three layers into DIRECTORY, with everything that a file system can hold and every way in which a layer can change what is below it.

    python3 odd-layers.py DIRECTORY
"""

import io
import struct
import sys
import tarfile

directory = sys.argv[1]
NOBODY_LIKES = 4294967294


def acl(*entries):
    """A POSIX access control list as the kernel has it: tag, permissions, number."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NONE = 0xFFFFFFFF
ACCESS = acl((1, 6, NONE), (2, 4, 1000), (4, 4, NONE), (16, 4, NONE), (32, 0, NONE))
DEFAULT = acl((1, 7, NONE), (2, 5, 1000), (4, 5, NONE), (16, 5, NONE), (32, 0, NONE))
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)


class Layer:
    def __init__(self, number):
        self.archive = tarfile.open(f"{directory}/{number}.tar", "w", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape")

    def add(self, name, type=tarfile.REGTYPE, mode=0o644, owner=(0, 0), content=b"", link="", time=1_600_000_000, device=(0, 0), attributes={}):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.mtime, info.linkname = type, mode, time, link
        info.uid, info.gid = owner
        info.devmajor, info.devminor = device
        info.size = len(content)
        info.pax_headers = {
            "SCHILY.xattr." + key: value.decode("utf-8", "surrogateescape") for key, value in attributes.items()
        }
        self.archive.addfile(info, io.BytesIO(content))

    def directory(self, name, mode=0o755, **more):
        self.add(name, tarfile.DIRTYPE, mode, **more)

    def link(self, name, target, **more):
        self.add(name, tarfile.SYMTYPE, 0o777, link=target, **more)

    def hard(self, name, target):
        self.add(name, tarfile.LNKTYPE, link=target)

    def remove(self, name):
        parent, _, last = name.rpartition("/")
        self.add((parent + "/" if parent else "") + ".wh." + last, mode=0)

    def opaque(self, name):
        self.add(name + "/.wh..wh..opq", mode=0)

    def close(self):
        self.archive.close()


base = Layer(1)
base.directory("./", 0o751, owner=(5, 6), attributes={"user.root": b"root"})
# Names, lengths, contents.
base.directory("names")
for name in ["a b", "new\nline", "caf\u00e9", "\udcff\udcfe", "-rf", "x" * 255, "\u00e9" * 120, ".wh", "back\\slash", "\x01"]:
    base.add("names/" + name, content=name.encode("utf-8", "surrogateescape"))
base.add("/".join(["long" * 50] * 15) + "/end", content=b"deep")
# More levels than a process may have files open.
DEEP = "/".join("d" * 1100)
base.add(DEEP + "/end", content=b"deep")
base.directory("contents")
base.add("contents/empty")
base.add("contents/one", content=b"1")
base.add("contents/block", content=b"b" * 512)
base.add("contents/large", content=bytes(range(256)) * 20_000)
base.add("contents/zeros", content=bytes(3_000_001))
# Owners, modes, times.
base.directory("owners", 0o2775, owner=(0, 100))
base.add("owners/large", mode=0o4755, owner=(3_000_000_000, 2_147_483_648))
base.add("owners/largest", mode=0o2755, owner=(NOBODY_LIKES, NOBODY_LIKES))
base.add("owners/none", mode=0)
base.directory("owners/inner", 0o755)
base.add("owners/implied/file", mode=0o600)
base.directory("tmp", 0o1777)
base.link("owners/link", "large", owner=(1000, 1000))
base.add("owners/before", time=-1)
base.add("owners/later", time=7_258_118_400)
base.add("owners/fraction", time=1_600_000_000.75)
# Devices.
base.directory("dev")
base.add("dev/null", tarfile.CHRTYPE, 0o666, device=(1, 3))
base.add("dev/zero zero", tarfile.CHRTYPE, 0o600, device=(0, 0))
base.add("dev/disk", tarfile.BLKTYPE, 0o660, owner=(0, 6), device=(7, 300))
base.add("dev/most", tarfile.BLKTYPE, 0o640, device=(4095, 1_048_575))
base.add("dev/pipe", tarfile.FIFOTYPE, 0o622)
# Attributes; what is made in a directory with a default list gets one from the kernel.
base.directory("attributes", 0o750, attributes={"system.posix_acl_default": DEFAULT, "user.a": b"a", "user.b": b"b"})
base.add("attributes/plain")
base.directory("attributes/plain directory")
base.add("attributes/listed", mode=0o640, attributes={"system.posix_acl_access": ACCESS})
base.add("attributes/capable", mode=0o755, owner=(1000, 1000), content=b"program", attributes={"security.capability": CAPABILITY})
base.add("attributes/text", attributes={"user.note": b"a=b\nc d", "user.empty": b"", "user.long": b"v" * 3000})
base.directory("attributes/overlay", attributes={"trusted.overlay.opaque": b"y", "trusted.own": b"t"})
# Names of one file.
base.directory("links/far")
base.add("links/first", mode=0o640, owner=(7, 8), content=b"linked", attributes={"user.l": b"l"})
base.hard("links/second", "links/first")
base.hard("links/far/third", "./links/second")
base.link("links/soft", "first")
base.hard("links/soft too", "links/soft")
base.hard("links/null", "dev/null")
# Links among the directories of names.
base.directory("usr/bin")
base.add("usr/bin/program", content=b"old")
base.add("usr/bin/removed", content=b"old")
base.link("bin", "usr/bin")
base.link("sbin", "/bin/../bin")
base.link("dangling", "usr/made/later")
base.link("up", "../../../usr")
# For the layers above.
for name in ["gone", "kept", "emptied", "refilled", "half", "attributed", "replaced", "linked"]:
    base.directory("lower/" + name, 0o710, owner=(1, 1), attributes={"user.d": b"d"}, time=1_500_000_000)
    base.add(f"lower/{name}/old", content=b"old")
    base.directory(f"lower/{name}/inner")
    base.add(f"lower/{name}/inner/old", content=b"old")
for name in ["file", "other", "in the way", "link source", "put first", "removed first"]:
    base.add("lower/" + name, content=name.encode())
base.close()

middle = Layer(2)
middle.add("bin/program", content=b"new", mode=0o755)
middle.remove("bin/removed")
middle.add("sbin/more", content=b"more")
middle.add("dangling/file", content=b"made")
middle.add("up/share/file", content=b"up")
middle.remove("lower/gone")
middle.opaque("lower/emptied")
middle.add("lower/refilled/inner/before", content=b"before")
middle.opaque("lower/refilled")
middle.add("lower/refilled/after", content=b"after")
# The directory is there for what this layer has in it alone.
middle.add("lower/half/new", content=b"new")
middle.remove("lower/half")
# A whiteout never removes what its own layer has put.
middle.directory("lower/attributed", 0o700, owner=(2, 2))
middle.add("lower/attributed/new", content=b"new")
middle.remove("lower/attributed")
middle.add("lower/put first", content=b"stays")
middle.remove("lower/put first")
middle.remove("lower/removed first")
middle.add("lower/removed first", content=b"new", mode=0o600)
# One thing in the place of another.
middle.add("lower/replaced", content=b"file now")
middle.directory("lower/file", 0o711)
middle.add("lower/file/inside", content=b"inside")
middle.add("lower/in the way/deep/file", content=b"deep")
middle.link("lower/other", "file")
middle.directory("attributes", 0o755, attributes={"user.b": b"changed"})
middle.add("attributes/later")
middle.hard("lower/link", "lower/link source")
middle.remove("lower/link source")
# A name in the place of the directory that its file is in.
middle.hard("lower/linked", "lower/linked/inner/old")
middle.add("links/second", content=b"alone now")
middle.remove("links/far/third")
middle.remove("links/soft")
# Of AUFS, without meaning.
middle.add(".wh..wh.aufs", mode=0o444)
middle.directory(".wh..wh.plnk", 0o700)
middle.add(".wh..wh.plnk/123.456")
middle.remove("not/there")
middle.opaque("not there")
middle.close()

top = Layer(3)
top.directory(".", 0o700, owner=(9, 9))
top.remove("bin")
top.directory("bin", 0o555)
top.add("bin/own", content=b"own")
top.remove("sbin")
top.remove("names/-rf")
top.remove("dev/zero zero")
top.add("lower/gone/again", content=b"again")
top.directory("lower/half", 0o770)
top.hard("lower/kept/link", "links/first")
top.add("links/first", content=b"another file")
top.close()
