"""The documentation site: `pip install sphinx myst-parser`, then `sphinx-build -W docs site`."""

project = "qgraft"
author = "the qgraft authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "Quantum circuits under the calibrated noise of real devices", "page_width": "1100px"}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
myst_heading_anchors = 3


def as_text(app, what, name, target, options, lines):
    """Docstrings are plain text: a ket is no substitution of reStructuredText."""
    lines[:] = [line.replace("|", r"\|") for line in lines]


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", as_text, priority=900)
