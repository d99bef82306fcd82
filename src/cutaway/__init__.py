"""See, name, build and construct image classifiers: every part labelled.

import cutaway as cw

model = cw.load("cifar10")
explanation = cw.explain(model, "photo.jpg")
explanation.save("out")
"""

from importlib.metadata import version as _version

__version__ = _version("cutaway")
