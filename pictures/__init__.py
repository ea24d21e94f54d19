"""Pictures drawn in Python, as SVG: the map of a journey, and the charts of simulations and reports."""
