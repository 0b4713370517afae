# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fails if a Markdown page of the repository links to a file that is not there."""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
pages = [page for pattern in ("*.md", "docs/**/*.md", "bench/**/*.md", "dialects/**/*.md", "python/*.md", "examples/**/*.md")
         for page in root.glob(pattern)]
assert len(pages) >= 5, pages
missing = []
for page in pages:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path = target.split("#")[0]
        if path and "://" not in path and not (page.parent / path).exists():
            missing.append(f"{page.relative_to(root)}: {target}")
if missing:
    sys.exit("these links lead nowhere:\n" + "\n".join(missing))
