"""Writes the golden models of src/test/resources/goldens: toy checkpoints and what transformers says about them.

    make_goldens.py [NAME…]

Not needed to run the tests. Needs torch, transformers and safetensors; some formats need more, see goldens/.
"""

import importlib
import pkgutil
import shutil
import sys
from pathlib import Path

import goldens

RESOURCES = Path(__file__).resolve().parents[1] / "resources"
MAX_BYTES = 150_000


def all_writers():
    """Name → (folder, function that writes that directory), over all modules that offer some; a module that cannot be loaded is named."""
    writers = {}
    for info in pkgutil.iter_modules(goldens.__path__):
        try:
            module = importlib.import_module(f"goldens.{info.name}")
        except ImportError as error:
            print(f"without {info.name}: {error}", file=sys.stderr)
            continue
        if not hasattr(module, "all"):
            continue
        for name, write in module.all().items():
            if name in writers:
                raise SystemExit(f"two modules write {name}")
            writers[name] = (getattr(module, "ROOT", "goldens"), write)
    return writers


def main():
    writers = all_writers()
    for name in sys.argv[1:] or sorted(writers):
        if name not in writers:
            raise SystemExit(f"no golden model {name}; there are {', '.join(sorted(writers))}")
        folder, write = writers[name]
        directory = RESOURCES / folder / name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        write(directory)
        size = sum(f.stat().st_size for f in directory.iterdir())
        print(f"{name}: {size} bytes")
        if size > MAX_BYTES:
            raise SystemExit(f"{name} has {size} bytes, at most {MAX_BYTES}")


if __name__ == "__main__":
    main()
