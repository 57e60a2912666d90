"""Enrichment: who, where, how many and who said it, read out of an entry's own text by rules. Pure.

Nothing is inherited from the page or from other entries, and what cannot be read well is left empty.
"""

from processors.enrich.enrichment import VERSION, EnrichContext, enrich, failed, warm

__all__ = ["VERSION", "EnrichContext", "enrich", "failed", "warm"]
