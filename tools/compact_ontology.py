"""One-off: from AudioSet's ontology.json to the facts that the package ships.

python tools/compact_ontology.py ontology.json cca_tools/taggers/data/ontology.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Keep id, name and children of each class of the file named first; write the second."""
    source, target = map(Path, sys.argv[1:])
    classes = {
        item["id"]: [item["name"], item["child_ids"]]
        for item in json.loads(source.read_text(encoding="utf-8"))
    }
    lines = (f"{json.dumps(mid)}: {json.dumps(entry)}" for mid, entry in classes.items())
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{target}: {len(classes)} classes")


if __name__ == "__main__":
    main()
