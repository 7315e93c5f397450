"""Labels for tasks: `open_task` reads them in any form and says what it could not use."""

from presight.data.labels.annotated import Annotated
from presight.data.labels.open import FORMS, open_task
from presight.data.labels.problems import Problem

__all__ = ["FORMS", "Annotated", "Problem", "open_task"]
