"""Adds an executable file `bootstrap`, and another file, to each zip of a folder: add_bootstrap.py FOLDER TEXT FILE"""

import pathlib
import sys
import zipfile

EXECUTABLE = 0o100755 << 16

folder, text, other = sys.argv[1:]
for archive in sorted(pathlib.Path(folder).glob("*.zip")):
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = EXECUTABLE
    with zipfile.ZipFile(archive, "a") as files:
        files.writestr(entry, text)
        files.write(other, pathlib.Path(other).name)
