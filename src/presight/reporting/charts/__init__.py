"""Charts as SVG that takes its colors and type from the page."""
