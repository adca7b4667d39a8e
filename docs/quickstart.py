"""Run the blocks of quickstart.md, in order, against a running product: `python docs/quickstart.py BASE_ADDRESS`."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(base: str = "http://127.0.0.1:8000") -> int:
    text = Path(__file__).with_name("quickstart.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```$", text, re.M | re.S)
    script = "set -euo pipefail\n" + "\n".join(blocks)
    run = subprocess.run(["bash", "-c", script], cwd=ROOT, env=os.environ | {"BASE": base}, check=False)  # noqa: S603, S607
    print("The quickstart works." if run.returncode == 0 else f"The quickstart failed ({run.returncode}).")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
