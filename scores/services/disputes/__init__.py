"""Disputes: a citizen objects, the furnisher answers, a human decides, and the doubt is theirs meanwhile (P7)."""
