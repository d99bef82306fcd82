"""See, name, build and construct image classifiers: every part labelled."""
