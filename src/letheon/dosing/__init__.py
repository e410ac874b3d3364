"""Dosing: what is ordered, and when."""

from letheon.dosing.regimen import DRUGS, Infusion, Rate, Regimen, Schedule

__all__ = ["DRUGS", "Infusion", "Rate", "Regimen", "Schedule"]
