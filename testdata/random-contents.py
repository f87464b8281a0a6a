"""Random directories that have the same names for different things, and the account of what became of them in an image.

    python3 random-contents.py make SEED ROOT DIRECTORY         prints the directories, as JSON
    python3 random-contents.py account ARCHIVE MESSAGES ROOT ITEM...

`make` makes some as store paths below ROOT/nix/store, the others in DIRECTORY. `account` prints a line for each file of an item that
is neither in the image, as a copy or as a link, nor named in the messages.
"""

import hashlib
import json
import os
import random
import re
import stat
import subprocess
import sys
from pathlib import Path

NAMES = ["a", "b", "c", "lib", "lib64", "bin", "x.conf", "größe", "n" * 60]


def fill(generator, path, depth=0):
    os.makedirs(path)
    for name in generator.sample(NAMES, generator.randint(1, 5)):
        below = path + "/" + name
        kind = generator.choice(["file", "file", "file", "directory", "directory", "link", "near link"])
        if kind == "directory" and depth < 3:
            fill(generator, below, depth + 1)
        elif kind == "link":
            os.symlink(generator.choice(["a", "lib", "lib64", "../bin", "nowhere", "/etc/x"]), below)
        elif kind == "near link":
            os.symlink(generator.choice(["b", "c", "../a", "lib64/a"]), below)
        else:
            Path(below).write_text(str(generator.randint(0, 3)))


def make(seed, root, directory):
    generator, items = random.Random(int(seed)), []
    for number in range(generator.randint(2, 4)):
        if generator.random() < 0.5:
            item = f"/nix/store/{number:032}-item"
            fill(generator, root + item)
        else:
            item = f"{directory}/item-{number}"
            fill(generator, item)
        items.append(item)
    print(json.dumps(items))


def account(archive, messages, root, *items):
    program = os.path.join(os.path.dirname(__file__), "image-facts.py")
    facts = json.loads(subprocess.run([sys.executable, program, archive], stdout=subprocess.PIPE, check=True).stdout)
    image = {}
    for layer in facts["layers"]:
        for member in layer["members"]:
            image["/" + member["name"].removeprefix(".").strip("/")] = member
    lines = Path(messages).read_text().splitlines()

    def named(item, path):
        place = re.escape(item + path) + r"(?![\w./-])"
        return any(f"“{path[1:]}”" in line or re.search(place, line) for line in lines)

    def accounted(item, path, file):
        if named(item, path):
            return True
        member = image.get(path)
        if member is None:
            # What is below something that was named went with it.
            parents = [str(each) for each in Path(path).parents if str(each) != "/"]
            return any(named(item, parent) for parent in parents)
        mode = os.lstat(file).st_mode
        if stat.S_ISLNK(mode):
            # A link to a directory is opened where another item has a directory.
            return member["kind"] == "directory" or member["target"] in (os.readlink(file), item + path)
        if stat.S_ISDIR(mode):
            return member["kind"] == "directory"
        data = Path(file).read_bytes()
        if member["kind"] == "link":
            target = root + member["target"]
            return os.path.isfile(target) and Path(target).read_bytes() == data
        return member["sha256"] == hashlib.sha256(data).hexdigest()

    for item in items:
        place = root + item if item.startswith("/nix/store/") else item
        for folder, folders, files in os.walk(place):
            for name in folders + files:
                file = os.path.join(folder, name)
                if not accounted(item, file[len(place):], file):
                    print(f"{file}: {image.get(file[len(place):])}")


{"make": make, "account": account}[sys.argv[1]](*sys.argv[2:])
