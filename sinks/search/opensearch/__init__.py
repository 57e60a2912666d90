"""The search index on OpenSearch: one document for each event of each feed, whatever writes it and however often."""
