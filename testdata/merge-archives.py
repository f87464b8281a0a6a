"""One docker-archive with the images of several plain ones, for our tests.

    python3 merge-archives.py OUT ARCHIVE...
"""

import io
import json
import sys
import tarfile

files, images = {}, []
for path in sys.argv[2:]:
    with tarfile.open(path) as tar:
        for member in tar:
            files[member.name] = tar.extractfile(member).read()
    images += json.loads(files["manifest.json"])
files["manifest.json"] = json.dumps(images).encode()
with tarfile.open(sys.argv[1], "w") as tar:
    for name, content in files.items():
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
