"""Hooks of MkDocs: run the tutorials and draw the model's figures with the current code."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # MkDocs forgets the folder of a hook once it has loaded it
sys.path.insert(1, str(Path(__file__).parents[1] / "tutorials"))

import model_figures
import pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_PAGES: dict[str, str] = {}  # by source: while serving, only scripts that changed run again


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each tutorial."""
    for script in pages.scripts(Path(config.docs_dir) / "tutorials"):
        source = script.read_text(encoding="utf-8")
        if source not in _PAGES:
            _PAGES[source] = pages.page(script)
        files.append(File.generated(config, f"tutorials/{script.stem}.md", content=_PAGES[source]))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Replace the marks of figures by the figures."""
    return model_figures.MARK.sub(lambda mark: pages.figure_block(*model_figures.drawn(mark[1])), markdown)
