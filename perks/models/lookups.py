"""How the database finds words by their beginnings: one meaning, by an index where it has one (PostgreSQL)."""

from typing import Any

from django.db.models import Lookup, TextField


class FoundWordsField(TextField):
    """Folded words with single spaces between (`perks.search`); `__has_words=[…]` asks for their beginnings."""


@FoundWordsField.register_lookup
class HasWords(Lookup):
    """Whether, for each of the words, the text has a word that begins with it."""

    lookup_name = "has_words"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Anywhere: a word begins behind a space. Words are letters and digits, none is a sign of a pattern."""
        column, params = self.process_lhs(compiler, connection)
        conditions = " AND ".join([f"(' ' || {column}) LIKE %s"] * len(self.rhs)) or "1 = 1"
        return f"({conditions})", [value for word in self.rhs for value in (*params, f"% {word}%")]

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        """By the index `perk_found_by_words`, whose expression this is."""
        column, params = self.process_lhs(compiler, connection)
        if not self.rhs:
            return "TRUE", []
        asked = " & ".join(f"'{word}':*" for word in self.rhs)
        return f"array_to_tsvector(string_to_array({column}, ' ')) @@ %s::tsquery", [*params, asked]
