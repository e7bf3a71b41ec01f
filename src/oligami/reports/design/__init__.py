"""The pages of a design and of its monitoring: sections of tables and pictures, for the terminal or as a folder."""

from oligami.reports.design.document import design_sections, write_design_report
from oligami.reports.design.monitoring import look_sections, write_look_report
from oligami.reports.design.projection import projection_sections, write_projection_report

__all__ = [
    "design_sections",
    "look_sections",
    "projection_sections",
    "write_design_report",
    "write_look_report",
    "write_projection_report",
]
