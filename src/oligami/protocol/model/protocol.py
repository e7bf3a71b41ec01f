"""The protocol: one frozen tree of all its files, with its version and digest."""

from dataclasses import field

from oligami.protocol.model.allocation import Allocation
from oligami.protocol.model.analysis import AnalysisFile, SafetyFile
from oligami.protocol.model.common import CONFIG, dataclass
from oligami.protocol.model.design import DesignFile
from oligami.protocol.model.eligibility import EligibilityFile, Stage
from oligami.protocol.model.forms import Codelist, Form, FormRole
from oligami.protocol.model.quality_of_life import QualityOfLifeFile
from oligami.protocol.model.radiotherapy import ConstraintsFile, RadiotherapyFile
from oligami.protocol.model.record import Arm, TrialFile
from oligami.protocol.model.response import ResponseFile
from oligami.protocol.model.schedule import ScheduleFile
from oligami.protocol.model.therapy import Regimen, TherapyFile


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Protocol:
    """One version of a trial's protocol. What a trial has no need of (radiotherapy, say) is None.

    `digest` is the SHA-256 of the canonical JSON of everything but itself; comments and order of keys do not touch it.
    """

    version: str
    trial: TrialFile
    eligibility: EligibilityFile
    forms: tuple[Form, ...]
    codelists: tuple[Codelist, ...] = ()
    allocation: Allocation
    schedule: ScheduleFile
    design: DesignFile
    analysis: AnalysisFile
    safety: SafetyFile
    therapy: TherapyFile | None = None
    radiotherapy: RadiotherapyFile | None = None
    constraints: ConstraintsFile | None = None
    response: ResponseFile | None = None
    quality_of_life: QualityOfLifeFile | None = None
    digest: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """The trial's short name."""
        return self.trial.identification.id

    def form(self, form_id: str) -> Form:
        """Return a form by id; KeyError if there is none."""
        for form in self.forms:
            if form.id == form_id:
                return form
        raise KeyError(form_id)

    def forms_of(self, role: FormRole) -> tuple[Form, ...]:
        """Return the forms of a role, in the protocol's order."""
        return tuple(form for form in self.forms if form.role is role)

    def form_of(self, role: FormRole) -> Form | None:
        """Return the first form of a role, or None."""
        return next(iter(self.forms_of(role)), None)

    def stage(self, stage_id: str) -> Stage:
        """Return a stage by id; KeyError if there is none."""
        for stage in self.eligibility.stage:
            if stage.id == stage_id:
                return stage
        raise KeyError(stage_id)

    @property
    def randomizing_stage(self) -> Stage:
        """The stage at which an arm is drawn."""
        return next(stage for stage in self.eligibility.stage if stage.randomizes)

    def arm(self, arm_id: str) -> Arm:
        """Return an arm by id; KeyError if there is none."""
        for arm in self.trial.arm:
            if arm.id == arm_id:
                return arm
        raise KeyError(arm_id)

    def regimen(self, code: str) -> Regimen | None:
        """Return a regimen by code, or None."""
        if self.therapy is None:
            return None
        return next((regimen for regimen in self.therapy.regimen if regimen.code == code), None)
