"""What a protocol's design says in numbers before anybody is registered: from its design file alone to frozen results.

`basis` reads the assumptions, `size` reproduces the planned numbers, `power` asks what if they are wrong, `course` lays the trial
along the calendar, `looks` puts bounds on it, `whole` joins all. Nothing here has seen a subject; `oligami.analysis.monitoring`
does.
"""

from oligami.analysis.design.basis import Basis, basis_of
from oligami.analysis.design.looks import asked_plan
from oligami.analysis.design.whole import DesignResults, describe_design

__all__ = ["Basis", "DesignResults", "asked_plan", "basis_of", "describe_design"]
