"""What MkDocs does beyond its plugins: run the tutorials and draw the model's figures, from the code as it is."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # MkDocs forgets the folder of a hook once it has loaded it
sys.path.insert(1, str(Path(__file__).parents[1] / "tutorials"))

import model_figures
import pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_MADE: dict[str, str] = {}  # of the scripts as they were: a page that is served anew runs only what changed


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each tutorial."""
    for script in pages.scripts(Path(config.docs_dir) / "tutorials"):
        source = script.read_text(encoding="utf-8")
        if source not in _MADE:
            _MADE[source] = pages.page(script)
        files.append(File.generated(config, f"tutorials/{script.stem}.md", content=_MADE[source]))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the figures where a page asks for them."""
    return model_figures.MARK.sub(lambda asked: pages.figure_block(*model_figures.drawn(asked[1])), markdown)
