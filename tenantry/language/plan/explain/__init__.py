"""A plan explained to people and programs, without any input: as text, as JSON, and as drawings.

All four show the same outline. The data plane answers them, and the command line prints them.
"""

from tenantry.language.plan.explain.document import explain_json
from tenantry.language.plan.explain.dot import explain_dot
from tenantry.language.plan.explain.mermaid import explain_mermaid
from tenantry.language.plan.explain.text import explain_text

__all__ = ["explain_dot", "explain_json", "explain_mermaid", "explain_text"]
